import { expect } from 'vitest';
import { type Choices, isManaged } from '../../src/project/choices.ts';
import type { HclModule } from './hcl-module.ts';
import { resolveHcl, showHcl } from './hcl-values.ts';

/*
 * What a Terraform module must be, from the choices that it was made with (docs/decisions/011-engines.md). Values are as resolveHcl
 * leaves them: what follows from AWS or from a variable stays an expression, in <…>.
 */

type Body = Readonly<Record<string, unknown>>;

const bodiesOf = (module: HclModule, type: string): Map<string, Body> =>
  new Map(
    module.resources
      .filter((one) => one.type === type)
      .map(({ name, body }) => [name, showHcl(body) as Body]),
  );

const resolved = async (module: HclModule, type: string, name: string): Promise<Body> => {
  const found = module.resources.find((one) => one.type === type && one.name === name);
  return showHcl(await resolveHcl(module, found?.body ?? {})) as Body;
};

export async function verifyModule(module: HclModule, choices: Choices): Promise<void> {
  verifyNetwork(module, choices);
  verifyRules(module);
  await verifyDatabase(module, choices);
  await verifyProxy(module, choices);
  await verifyFunctions(module, choices);
  await verifyRoles(module, choices);
  verifySecrets(module, choices);
  verifyCalls(module);
  verifyOutputs(module, choices);
  verifyTags(module);
  verifyProvider(module, choices);
}

function verifyNetwork(module: HclModule, choices: Choices): void {
  const names = (type: string): string[] => [...bodiesOf(module, type).keys()];
  const isNew = isManaged(choices) && choices.network !== 'existing';
  const isNat = choices.network === 'nat';
  expect({
    vpcs: names('aws_vpc'),
    subnets: names('aws_subnet'),
    internetGateways: names('aws_internet_gateway'),
    natGateways: names('aws_nat_gateway'),
    routes: names('aws_route'),
    endpoints: [...bodiesOf(module, 'aws_vpc_endpoint').values()].map((body) => body.service_name),
  }).toEqual({
    vpcs: isNew ? ['vpc'] : [],
    subnets: isNew ? ['private', ...(isNat ? ['public'] : [])] : [],
    internetGateways: isNat ? ['internet'] : [],
    natGateways: isNat ? ['nat'] : [],
    routes: isNat ? ['private_to_nat', 'public_to_internet'] : [],
    endpoints: hasEndpoint(choices) ? ['com.amazonaws.<local.region>.secretsmanager'] : [],
  });
  for (const type of ['aws_nat_gateway', 'aws_vpc'])
    for (const body of bodiesOf(module, type).values()) expect(body).not.toHaveProperty('for_each');
  if (isNew) expect(bodiesOf(module, 'aws_subnet').get('private')?.for_each).toEqual({ a: 0, b: 1 });
  for (const body of bodiesOf(module, 'aws_vpc_endpoint').values())
    expect(body).toMatchObject({ private_dns_enabled: true, vpc_endpoint_type: 'Interface' });
}

const hasEndpoint = ({ network, auth }: Choices): boolean => network === 'isolated' && auth === 'secret';

/** So that the rules that can be read here are all there are (security-assertions-terraform.ts). */
function verifyRules(module: HclModule): void {
  for (const direction of ['egress', 'ingress'])
    for (const rule of bodiesOf(module, `aws_vpc_security_group_${direction}_rule`).values())
      expect([rule.for_each, rule.count]).toEqual([undefined, undefined]);
  for (const body of bodiesOf(module, 'aws_security_group').values())
    expect([body.ingress, body.egress]).toEqual([undefined, undefined]);
  expect(module.resources.map(({ type }) => type)).not.toContain('aws_security_group_rule');
}

async function verifyDatabase(module: HclModule, choices: Choices): Promise<void> {
  const isAurora = choices.database === 'aurora';
  const type = isAurora ? 'aws_rds_cluster' : 'aws_db_instance';
  const database = await resolved(module, type, 'database');
  if (!isManaged(choices)) {
    expect(database).toEqual({});
    return;
  }
  expect(database).toMatchObject({
    [isAurora ? 'cluster_identifier' : 'identifier']: '<local.prefix>-db',
    ...{ engine: isAurora ? 'aurora-postgresql' : 'postgres', port: 5432 },
    ...{ storage_encrypted: true, deletion_protection: true, backup_retention_period: 7 },
    ...{ copy_tags_to_snapshot: true, manage_master_user_password: true },
    [isAurora ? 'master_username' : 'username']: 'lambdapg_admin',
    vpc_security_group_ids: ['<aws_security_group.database.id>'],
    iam_database_authentication_enabled: choices.auth === 'iam',
    ...(isAurora
      ? {
          serverlessv2_scaling_configuration: [{ min_capacity: 0.5, max_capacity: 2 }],
          enable_http_endpoint: true,
        }
      : { instance_class: 'db.t4g.micro', storage_type: 'gp3', allocated_storage: 20, multi_az: false }),
    enabled_cloudwatch_logs_exports: isAurora ? ['postgresql'] : ['postgresql', 'upgrade'],
  });
  const members = isAurora
    ? [...bodiesOf(module, 'aws_rds_cluster_instance')]
    : [...bodiesOf(module, 'aws_db_instance')];
  expect(members.map(([name]) => name).sort()).toEqual(
    [isAurora ? 'writer' : 'database', ...(choices.reader ? ['reader'] : [])].sort(),
  );
  for (const [, member] of members)
    expect(member).toMatchObject({ publicly_accessible: false, ca_cert_identifier: 'rds-ca-rsa2048-g1' });
  const groups = isAurora ? 'aws_rds_cluster_parameter_group' : 'aws_db_parameter_group';
  expect([...bodiesOf(module, groups).values()]).toMatchObject([
    { parameter: [{ name: 'rds.force_ssl', value: '1' }] },
  ]);
}

async function verifyProxy(module: HclModule, choices: Choices): Promise<void> {
  expect([...bodiesOf(module, 'aws_db_proxy').keys()]).toEqual(choices.proxy ? ['proxy'] : []);
  const endpoints = [...bodiesOf(module, 'aws_db_proxy_endpoint').values()];
  expect(endpoints.map(({ target_role }) => target_role)).toEqual(
    choices.proxy && choices.reader && choices.database === 'aurora' ? ['READ_ONLY'] : [],
  );
  if (!choices.proxy) return;
  const proxy = await resolved(module, 'aws_db_proxy', 'proxy');
  const groups = ['<aws_security_group.proxy.id>'];
  expect(proxy).toMatchObject({
    ...{ engine_family: 'POSTGRESQL', require_tls: true, idle_client_timeout: 1800 },
    ...{ vpc_security_group_ids: groups },
  });
  const content = { auth_scheme: 'SECRETS', secret_arn: '<auth.value.arn>', iam_auth: 'DISABLED' };
  const secrets = { ...content, client_password_auth_type: 'POSTGRES_SCRAM_SHA_256' };
  const auth = { auth: [{ for_each: '<aws_secretsmanager_secret.slot>', content: [secrets] }] };
  expect(proxy.dynamic).toEqual(choices.auth === 'iam' ? undefined : auth);
  expect(proxy.default_auth_scheme).toEqual(choices.auth === 'iam' ? 'IAM_AUTH' : undefined);
  const pool = await resolved(module, 'aws_db_proxy_default_target_group', 'pool');
  // No init query, and no pinning filter, which is MySQL's.
  expect(pool.connection_pool_config).toEqual([
    {
      ...{ max_connections_percent: 80, connection_borrow_timeout: 120 },
      max_idle_connections_percent:
        '<min(local.proxy_max_idle_connections_percent, local.proxy_max_connections_percent)>',
    },
  ]);
  expect(await resolveHcl(module, module.locals.proxy_max_idle_connections_percent)).toBe(50);
  expect(bodiesOf(module, 'aws_db_proxy_target').size).toBe(1);
}

function wantedEnvironment({ database, proxy, auth, reader }: Choices): Record<string, unknown> {
  const active = { LAMBDAPG_SECRET_ARN: '<aws_secretsmanager_secret.active.arn>' };
  if (database === 'url') return { ...active, PGSSLMODE: 'verify-full' };
  if (database === 'heroku') {
    return {
      LAMBDAPG_HEROKU_ADDON: expect.stringContaining('local.cloud.database.herokuAddon'),
      LAMBDAPG_HEROKU_KEY_ARN: '<aws_secretsmanager_secret.heroku_key.arn>',
      PGSSLMODE: 'no-verify',
    };
  }
  const readHost = proxy
    ? { aurora: '<aws_db_proxy_endpoint.reader.endpoint>', rds: undefined }
    : { aurora: '<local.reader.host>', rds: '<local.reader.host>' };
  return {
    ...{ PGHOST: '<local.front.host>', PGPORT: '5432', PGDATABASE: '<replace(local.project, "-", "_")>' },
    ...{ PGSSLMODE: 'verify-full', ...(!proxy && { PGSSLROOTCERT: './rds-ca.pem' }) },
    ...(auth === 'iam' ? { LAMBDAPG_DB_AUTH: 'iam', PGUSER: '<local.database_name>_a' } : active),
    ...(reader && readHost[database] !== undefined && { PGHOST_READER: readHost[database] }),
  };
}

async function verifyFunctions(module: HclModule, choices: Choices): Promise<void> {
  const fn = await resolved(module, 'aws_lambda_function', 'function');
  expect(fn).toMatchObject({
    ...{ for_each: '<local.answers.functions>', runtime: '<local.answers.runtime>', publish: true },
    ...{ function_name: '<local.prefix>-<each.key>', handler: '<local.handlers[each.key]>' },
    logging_config: [{ log_format: 'JSON' }],
    source_code_hash: '<lookup(local.package_hashes, "<each.key>.zip", null)>',
  });
  expect(showHcl(module.locals.layers)).toEqual(
    choices.packaging === 'layer' ? ['<aws_lambda_layer_version.packages.arn>'] : [],
  );
  const environment = await Promise.all(
    ['connection_environment', 'login_environment'].map((name) => resolveHcl(module, module.locals[name])),
  );
  expect(showHcl(Object.assign({}, ...environment))).toEqual(wantedEnvironment(choices));
  const vpc = (group: string) => [
    { subnet_ids: '<local.network.subnet_ids>', security_group_ids: [`<aws_security_group.${group}.id>`] },
  ];
  const runner = bodiesOf(module, 'aws_lambda_function').get('runner');
  expect([fn.vpc_config, runner?.vpc_config]).toEqual(
    isManaged(choices) ? [vpc('function'), vpc('runner')] : [undefined, undefined],
  );
  expect(runner?.environment).toBeUndefined();
  for (const body of bodiesOf(module, 'aws_cloudwatch_log_group').values())
    expect(body.retention_in_days).toBe('<local.log_retention_days>');
  expect(await resolveHcl(module, module.locals.log_retention_days)).toBe(14);
}

interface Statement {
  readonly Effect: string;
  readonly Action: readonly string[];
  readonly Resource: unknown;
}

async function statementsOf(module: HclModule, role: string): Promise<Statement[]> {
  const body = await resolved(module, 'aws_iam_role_policy', role);
  return (body.policy as { Statement: Statement[] } | undefined)?.Statement ?? [];
}

/** `rds-db:connect` or the one secret, and nothing else that is not needed to log and to be in a network. */
async function verifyRoles(module: HclModule, choices: Choices): Promise<void> {
  const allowed = (await statementsOf(module, 'function')).filter(({ Effect }) => Effect === 'Allow');
  const actions = (statements: readonly Statement[]): string[] =>
    statements.flatMap(({ Action }) => Action.filter((action) => !action.startsWith('ec2:'))).sort();
  const login = choices.auth === 'iam' ? 'rds-db:connect' : 'secretsmanager:GetSecretValue';
  const logs = ['logs:CreateLogStream', 'logs:PutLogEvents'];
  expect(actions(allowed)).toEqual([...logs, login].sort());
  const [loginStatement] = allowed.filter(({ Action }) => Action.includes(login));
  expect(loginStatement?.Resource).toEqual(wantedLogin(choices));
  expect(allowed.find(({ Action }) => Action.includes('logs:PutLogEvents'))?.Resource).toBe(
    '<aws_cloudwatch_log_group.function[each.key].arn>:*',
  );
  if (!isManaged(choices)) return;
  expect((await statementsOf(module, 'function')).filter(({ Effect }) => Effect === 'Deny')).toHaveLength(1);
  expect(actions(await statementsOf(module, 'runner'))).toEqual(logs);
  const proxy = await statementsOf(module, 'proxy');
  if (!choices.proxy) expect(proxy).toEqual([]);
  else if (choices.auth === 'secret')
    expect(proxy).toMatchObject([
      { Action: [login], Resource: '<[for secret in aws_secretsmanager_secret.slot : secret.arn]>' },
    ]);
  else
    expect(proxy).toMatchObject([
      { Action: [login], Resource: expect.stringContaining('/<local.database_name>_<slot>') },
    ]);
}

function wantedLogin({ database, auth }: Choices): unknown {
  if (database === 'heroku') return '<aws_secretsmanager_secret.heroku_key.arn>';
  if (auth === 'secret') return '<aws_secretsmanager_secret.active.arn>';
  return '<[for id in local.front.resource_ids : "<local.database_users>:<id>/<local.database_name>_a"]>';
}

/** Empty containers: what a secret holds is no business of Terraform's. */
function verifySecrets(module: HclModule, { database, proxy, auth }: Choices): void {
  const wanted =
    database === 'heroku' ? ['heroku_key'] : auth === 'iam' ? [] : ['active', ...(proxy ? ['slot'] : [])];
  expect([...bodiesOf(module, 'aws_secretsmanager_secret').keys()].sort()).toEqual(wanted);
  for (const { type, body } of module.resources) {
    expect(type).not.toMatch(/secret_version|random_password|secret_rotation/);
    for (const name of ['password', 'master_password', 'password_wo', 'secret_string', 'source_code'])
      expect(body).not.toHaveProperty(name);
  }
  expect(module.data.map(({ type }) => type).filter((type) => type.includes('secret'))).toEqual([]);
}

/** Everybody calls the alias, and may: gateway and schedule alike. */
function verifyCalls(module: HclModule): void {
  expect(bodiesOf(module, 'aws_lambda_alias').get('live')).toMatchObject({
    name: 'live',
    lifecycle: [{ ignore_changes: ['<routing_config>'] }],
  });
  const integration = bodiesOf(module, 'aws_apigatewayv2_integration').get('function');
  expect(integration).toMatchObject({
    ...{ integration_uri: '<aws_lambda_alias.live[each.key].arn>', payload_format_version: '2.0' },
  });
  const permissions = [...bodiesOf(module, 'aws_lambda_permission').values()];
  expect(permissions.map(({ principal }) => principal)).toEqual([
    'apigateway.amazonaws.com',
    'events.amazonaws.com',
  ]);
  for (const { qualifier, source_arn } of permissions) {
    expect(qualifier).toBe('<aws_lambda_alias.live[each.key].name>');
    expect(source_arn).toBeDefined();
  }
  expect(bodiesOf(module, 'aws_cloudwatch_event_target').get('schedule')?.arn).toBe(
    '<aws_lambda_alias.live[each.key].arn>',
  );
}

function verifyOutputs(module: HclModule, choices: Choices): void {
  const { proxy, reader, auth, database, network } = choices;
  const managed = ['databaseHost', 'databasePort', 'databaseName', 'adminSecretArn', 'runnerName'];
  expect(Object.keys(module.outputs).sort()).toEqual(
    [
      ...['url', 'region', 'stage'],
      ...(isManaged(choices) ? managed : []),
      ...(network === 'existing' ? ['vpcId'] : []),
      ...(reader && isManaged(choices) ? ['readerHost'] : []),
      ...(proxy ? ['proxyHost'] : []),
      ...(proxy && reader && database === 'aurora' ? ['proxyReaderHost'] : []),
      ...(auth === 'secret' && database !== 'heroku' ? ['secretArn'] : []),
    ].sort(),
  );
}

/** What takes no tags of its own, or is not looked for by them. */
const untagged =
  /^aws_(iam_role_policy|route|route_table_association|lambda_(alias|permission|layer_version)|apigatewayv2_(integration|route|authorizer)|cloudwatch_event_target|vpc_security_group_\w+_rule|db_proxy_(default_target_group|target))$/;

function verifyTags(module: HclModule): void {
  const tags = Object.keys((module.providers.aws as { default_tags: [{ tags: Body }] }).default_tags[0].tags);
  expect(tags.sort()).toEqual(['lambdapg:engine', 'lambdapg:project', 'lambdapg:stage']);
  for (const { type, name, body } of module.resources) {
    if (untagged.test(type)) continue;
    expect(Object.keys((body.tags as Body) ?? {}), `${type}.${name}`).toEqual(['Name', 'lambdapg:resource']);
  }
}

function verifyProvider(module: HclModule, { proxy, auth }: Choices): void {
  const { required_providers } = module.terraform as { required_providers: [{ aws: { version: string } }] };
  const oldest = proxy && auth === 'iam' ? '6.15' : '5.100';
  expect(required_providers[0].aws.version).toBe(`>= ${oldest}, < 7.0`);
}
