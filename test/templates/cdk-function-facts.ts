import { expect } from 'vitest';
import { type Choices, isManaged } from '../../src/project/choices.ts';
import { functionNames, type Properties, propertiesOf, stack, tagged } from './cdk-template.ts';
import { ofType } from './cloudformation-facts.ts';
import type { Template } from './resolve-template.ts';

function wantedEnvironment(template: Template, { database, proxy, auth, reader }: Choices): Properties {
  const secret = (name: string) => `<${tagged(template, 'AWS::SecretsManager::Secret', name)[0]}>`;
  if (database === 'heroku') {
    const addon = { LAMBDAPG_HEROKU_ADDON: 'postgresql-round-12345' };
    return { ...addon, LAMBDAPG_HEROKU_KEY_ARN: secret('heroku-key'), PGSSLMODE: 'no-verify' };
  }
  if (database === 'url') return { LAMBDAPG_SECRET_ARN: secret('active'), PGSSLMODE: 'verify-full' };
  const isAurora = database === 'aurora';
  const idOf = (type: string, tag: string) => tagged(template, `AWS::RDS::${type}`, tag)[0];
  const main = isAurora ? idOf('DBCluster', 'db') : idOf('DBInstance', 'db');
  const readHost = isAurora
    ? proxy
      ? () => `<${idOf('DBProxyEndpoint', 'proxy-reader')}.Endpoint>`
      : () => `<${main}.ReadEndpoint.Address>`
    : proxy
      ? undefined
      : () => `<${idOf('DBInstance', 'db-reader')}.Endpoint.Address>`;
  return {
    ...{ PGPORT: '5432', PGDATABASE: 'my_library', PGSSLMODE: 'verify-full' },
    ...(proxy
      ? { PGHOST: `<${idOf('DBProxy', 'proxy')}.Endpoint>` }
      : { PGHOST: `<${main}.Endpoint.Address>`, PGSSLROOTCERT: './rds-ca.pem' }),
    ...(auth === 'iam'
      ? { LAMBDAPG_DB_AUTH: 'iam', PGUSER: 'my_library_a' }
      : { LAMBDAPG_SECRET_ARN: secret('active') }),
    ...(reader && readHost !== undefined && { PGHOST_READER: readHost() }),
  };
}

export function verifyFunctions(template: Template, choices: Choices): void {
  const all = propertiesOf(template, 'AWS::Lambda::Function');
  const isNode = choices.language === 'node';
  for (const [index, name] of functionNames.entries()) {
    const found = all.find(({ FunctionName }) => FunctionName === `${stack}-${name}`);
    expect(found).toMatchObject({
      ...{ Runtime: isNode ? 'nodejs24.x' : 'python3.13', Architectures: ['arm64'] },
      ...{ MemorySize: isNode ? '256' : '512', Timeout: '10' },
      ReservedConcurrentExecutions: ['40', '1'][index],
      Handler: isNode ? 'index.handler' : `app/${name}.handler`,
      LoggingConfig: { LogFormat: 'JSON' },
    });
    expect(found?.Environment).toEqual({ Variables: wantedEnvironment(template, choices) });
    expect([found?.Layers ?? []].flat().length).toBe(choices.packaging === 'layer' ? 1 : 0);
  }
  for (const name of isManaged(choices) ? ['runner', 'schema'] : []) {
    const found = all.find(({ FunctionName }) => FunctionName === `${stack}-${name}`);
    expect(found).toMatchObject({
      ...{ Runtime: 'nodejs22.x', Architectures: ['arm64'], Handler: 'index.handler' },
      ...{ MemorySize: '1024', Timeout: '900', EphemeralStorage: { Size: '2048' } },
    });
    expect(found?.Environment).toBeUndefined();
  }
}

/** Everybody calls the alias, and may: each route of the gateway, and the schedule. */
export function verifyCalls(template: Template): void {
  const aliases = ofType(template, 'AWS::Lambda::Alias');
  expect(aliases.map(([, { Properties }]) => (Properties as Properties).Name)).toEqual(['live', 'live']);
  const ids = aliases.map(([id]) => `<${id}>`);
  for (const [, { Properties }] of aliases)
    expect((Properties as Properties).FunctionVersion).toMatch(/^<.*CurrentVersion.*\.Version>$/);
  const permissions = propertiesOf(template, 'AWS::Lambda::Permission');
  expect(permissions.map(({ Principal }) => Principal).sort()).toEqual([
    'apigateway.amazonaws.com',
    'events.amazonaws.com',
  ]);
  for (const { FunctionName, SourceArn } of permissions) {
    expect(ids).toContain(FunctionName);
    expect(SourceArn).toMatch(/^arn:aws:execute-api:us-east-1:123456789012:<\w+>\/|^<\w*schedule\w*\.Arn>$/);
  }
  expect(propertiesOf(template, 'AWS::ApiGatewayV2::Integration')).toMatchObject([
    { IntegrationType: 'AWS_PROXY', PayloadFormatVersion: '2.0', IntegrationUri: ids[0] },
  ]);
  expect(propertiesOf(template, 'AWS::ApiGatewayV2::Route')).toMatchObject([{ RouteKey: '$default' }]);
  expect(propertiesOf(template, 'AWS::ApiGatewayV2::Stage')).toMatchObject([
    { StageName: '$default', AutoDeploy: 'true' },
  ]);
  expect(propertiesOf(template, 'AWS::Events::Rule')).toMatchObject([
    { Name: `${stack}-overdue`, ScheduleExpression: 'rate(1 day)', Targets: [{ Arn: ids[1] }] },
  ]);
  // Former versions stay, to go back to.
  for (const [, { DeletionPolicy }] of ofType(template, 'AWS::Lambda::Version'))
    expect(DeletionPolicy).toBe('Retain');
}
