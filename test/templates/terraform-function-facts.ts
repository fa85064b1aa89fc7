import { expect } from 'vitest';
import { type Choices, isManaged } from '../../src/project/choices.ts';
import { bodiesOf, resolved } from './hcl-bodies.ts';
import type { HclModule } from './hcl-module.ts';
import { resolveHcl, showHcl } from './hcl-values.ts';

function wantedEnvironment({ database, proxy, auth, reader }: Choices): Record<string, unknown> {
  const active = { LAMBDAPG_SECRET_ARN: '<aws_secretsmanager_secret.active.arn>' };
  if (database === 'url') return { ...active, PGSSLMODE: 'verify-full' };
  if (database === 'heroku') {
    return {
      LAMBDAPG_HEROKU_ADDON: expect.stringContaining('try(local.cloud.database.herokuAddon, null)'),
      LAMBDAPG_HEROKU_KEY_ARN: '<aws_secretsmanager_secret.heroku_key.arn>',
      PGSSLMODE: 'no-verify',
    };
  }
  const readHost = proxy
    ? '<aws_db_proxy_endpoint.reader.endpoint>'
    : '<aws_rds_cluster.database.reader_endpoint>';
  return {
    ...{ PGHOST: '<local.front.host>', PGPORT: '5432', PGDATABASE: '<replace(local.project, "-", "_")>' },
    ...{ PGSSLMODE: 'verify-full', ...(!proxy && { PGSSLROOTCERT: './rds-ca.pem' }) },
    ...(auth === 'iam' ? { LAMBDAPG_DB_AUTH: 'iam', PGUSER: '<local.database_name>_a' } : active),
    ...(reader && { PGHOST_READER: readHost }),
  };
}

export async function verifyFunctions(module: HclModule, choices: Choices): Promise<void> {
  const fn = await resolved(module, 'aws_lambda_function', 'function');
  expect(fn).toMatchObject({
    ...{ for_each: '<local.answers.functions>', runtime: '<local.answers.runtime>', publish: true },
    ...{ function_name: '<local.prefix>-<each.key>', handler: '<local.handlers[each.key]>' },
    ...{ timeout: '<try(each.value.timeoutSeconds, 10)>', memory_size: '<try(each.value.memoryMb, 256)>' },
    reserved_concurrent_executions:
      '<var.reserve_concurrency ? try(each.value.reservedConcurrency, -1) : -1>',
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
export async function verifyRoles(module: HclModule, choices: Choices): Promise<void> {
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
  return '<local.database_users>:<local.front.resource_id>/<local.database_name>_a';
}

/** Empty containers: what a secret holds is no business of Terraform's. */
export function verifySecrets(module: HclModule, { database, proxy, auth }: Choices): void {
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
export function verifyCalls(module: HclModule): void {
  expect(bodiesOf(module, 'aws_lambda_alias').get('live')).toMatchObject({
    name: 'live',
    lifecycle: [{ ignore_changes: ['<routing_config>'] }],
  });
  const integration = bodiesOf(module, 'aws_apigatewayv2_integration').get('function');
  expect(integration).toMatchObject({
    ...{ integration_uri: '<aws_lambda_alias.live[each.key].arn>', payload_format_version: '2.0' },
  });
  // Without an issuer there is no token to ask for.
  expect(module.locals.guarded_routes).toMatch(/^\$\{var\.jwt_issuer == null \? \[\] : /);
  expect(module.variables.jwt_issuer?.default).toBeNull();
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
