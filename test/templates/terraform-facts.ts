import { expect } from 'vitest';
import { type Choices, isManaged } from '../../src/project/choices.ts';
import { type Body, bodiesOf, resolved } from './hcl-bodies.ts';
import type { HclModule } from './hcl-module.ts';
import { resolveHcl } from './hcl-values.ts';
import { verifyCalls, verifyFunctions, verifyRoles, verifySecrets } from './terraform-function-facts.ts';

/*
 * What a Terraform module must be, from the choices that it was made with (docs/decisions/011-engines.md). Values are as resolveHcl
 * leaves them: what follows from AWS or from a variable stays an expression, in <…>.
 */

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
    skip_final_snapshot: '<!var.final_snapshot>',
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
    choices.proxy && choices.reader ? ['READ_ONLY'] : [],
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

function verifyOutputs(module: HclModule, choices: Choices): void {
  const { proxy, reader, auth, database, network } = choices;
  const managed = ['databaseHost', 'databasePort', 'databaseName', 'adminSecretArn', 'runnerName'];
  expect(Object.keys(module.outputs).sort()).toEqual(
    [
      ...['url', 'region', 'stage'],
      ...(isManaged(choices) ? managed : []),
      ...(network === 'existing' ? ['vpcId'] : []),
      ...(reader ? ['readerHost'] : []),
      ...(proxy ? ['proxyHost'] : []),
      ...(proxy && reader ? ['proxyReaderHost'] : []),
      ...(auth === 'secret' && database !== 'heroku' ? ['secretArn'] : []),
    ].sort(),
  );
}

/** What takes no tags of its own, or is not looked for by them. */
const untagged =
  /^terraform_data$|^aws_(iam_role_policy|route|route_table_association|lambda_(alias|permission|layer_version)|apigatewayv2_(integration|route|authorizer)|cloudwatch_event_target|vpc_security_group_\w+_rule|db_proxy_(default_target_group|target))$/;

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
