import { expect } from 'vitest';
import { type Choices, isManaged } from '../../src/project/choices.ts';
import type { Resource, Template } from './resolve-template.ts';

/*
 * What a stack of Serverless or SAM must be, from the choices that it was made with (docs/decisions/011-engines.md). The template is
 * one that resolveTemplate has been over, for the project my-library and the stage dev.
 */
const stack = 'my-library-dev';
const functionNames = ['api', 'overdue'];

export const ofType = (template: Template, type: string): [id: string, resource: Resource][] =>
  Object.entries(template.Resources).filter(([, { Type }]) => Type === type);

const propertiesOf = (template: Template, type: string) =>
  ofType(template, type).map(([, { Properties }]) => Properties as Record<string, unknown>);

export function verifyStack(template: Template, choices: Choices): void {
  verifyNetwork(template, choices);
  verifyPassages(template, choices);
  verifyDatabase(template, choices);
  verifyProxy(template, choices);
  verifySecrets(template, choices);
  verifyFunctions(template, choices);
  verifyRoles(template, choices);
  verifyCalls(template);
  verifyOutputs(template, choices);
  // No password can stand anywhere: nothing has a property that takes one.
  expect(JSON.stringify(template)).not.toMatch(
    /"(MasterUserPassword|SecretString|GenerateSecretString|PGPASSWORD)"/,
  );
}

function verifyNetwork(template: Template, choices: Choices): void {
  const count = (type: string): number => ofType(template, type).length;
  const isNew = isManaged(choices) && choices.network !== 'existing';
  const isNat = choices.network === 'nat';
  expect({
    vpcs: count('AWS::EC2::VPC'),
    subnets: count('AWS::EC2::Subnet'),
    internetGateways: count('AWS::EC2::InternetGateway'),
    natGateways: count('AWS::EC2::NatGateway'),
    endpoints: propertiesOf(template, 'AWS::EC2::VPCEndpoint').map(({ ServiceName }) => ServiceName),
  }).toEqual({
    vpcs: isNew ? 1 : 0,
    subnets: isNew ? (isNat ? 3 : 2) : 0,
    internetGateways: isNat ? 1 : 0,
    natGateways: isNat ? 1 : 0,
    endpoints: hasEndpoint(choices) ? ['com.amazonaws.us-east-1.secretsmanager'] : [],
  });
  const routes = propertiesOf(template, 'AWS::EC2::Route').map(({ RouteTableId, GatewayId, NatGatewayId }) =>
    [RouteTableId, GatewayId ?? NatGatewayId].join(' to '),
  );
  expect(routes).toEqual(
    isNat ? ['<PublicRoutes> to <InternetGateway>', '<PrivateRoutes> to <NatGateway>'] : [],
  );
  const zones = propertiesOf(template, 'AWS::EC2::Subnet').map(({ AvailabilityZone }) => AvailabilityZone);
  expect(zones.slice(0, 2)).toEqual(isNew ? ['us-east-1a', 'us-east-1b'] : []);
  for (const { PrivateDnsEnabled, VpcEndpointType } of propertiesOf(template, 'AWS::EC2::VPCEndpoint'))
    expect([PrivateDnsEnabled, VpcEndpointType]).toEqual(['true', 'Interface']);
}

const hasEndpoint = ({ network, auth }: Choices): boolean => network === 'isolated' && auth === 'secret';

/** `function -> proxy 5432`: who opens connections to whom. */
function wantedPassages(choices: Choices): string[] {
  if (!isManaged(choices)) return [];
  const { proxy, network } = choices;
  return [
    proxy ? 'Function -> Proxy 5432' : 'Function -> Database 5432',
    'Runner -> Database 5432',
    ...(proxy ? ['Proxy -> Database 5432', 'Runner -> Proxy 5432'] : []),
    ...(hasEndpoint(choices) ? ['Function -> Endpoint 443'] : []),
    ...(network === 'isolated' ? [] : ['Function -> 0.0.0.0/0 443']),
  ].sort();
}

/** Each pair has exactly one rule at each end; no group lets anything else in or out. */
function verifyPassages(template: Template, choices: Choices): void {
  const name = (group: unknown): string => String(group).replace(/^<(\w+)Group>$/, '$1');
  const port = ({ FromPort, ToPort, IpProtocol }: Record<string, unknown>): string =>
    FromPort === ToPort && IpProtocol === 'tcp' ? String(FromPort) : 'more than one port';
  const out = propertiesOf(template, 'AWS::EC2::SecurityGroupEgress').map(
    (rule) =>
      `${name(rule.GroupId)} -> ${name(rule.DestinationSecurityGroupId ?? rule.CidrIp)} ${port(rule)}`,
  );
  const into = propertiesOf(template, 'AWS::EC2::SecurityGroupIngress').map(
    (rule) => `${name(rule.SourceSecurityGroupId ?? rule.CidrIp)} -> ${name(rule.GroupId)} ${port(rule)}`,
  );
  const wanted = wantedPassages(choices);
  expect(out.sort()).toEqual(wanted);
  expect(into.sort()).toEqual(wanted.filter((passage) => !passage.includes('0.0.0.0/0')));
  const groups = propertiesOf(template, 'AWS::EC2::SecurityGroup');
  expect(groups.length).toBe(
    isManaged(choices) ? 3 + Number(choices.proxy) + Number(hasEndpoint(choices)) : 0,
  );
  for (const { SecurityGroupEgress, SecurityGroupIngress } of groups) {
    expect(SecurityGroupIngress).toBeUndefined();
    expect(SecurityGroupEgress).toEqual([
      { IpProtocol: '-1', CidrIp: '127.0.0.1/32', Description: 'nowhere' },
    ]);
  }
}

function verifyDatabase(template: Template, choices: Choices): void {
  const { Database: database } = template.Resources;
  if (!isManaged(choices)) {
    expect(database).toBeUndefined();
    return;
  }
  const isAurora = choices.database === 'aurora';
  const isIam = choices.auth === 'iam';
  expect(database?.DeletionPolicy).toBe('Snapshot');
  expect(database?.Properties).toMatchObject({
    [isAurora ? 'DBClusterIdentifier' : 'DBInstanceIdentifier']: `${stack}-db`,
    [isAurora ? 'DatabaseName' : 'DBName']: 'my_library',
    ...{ Engine: isAurora ? 'aurora-postgresql' : 'postgres', EngineVersion: '17', Port: '5432' },
    ...{ StorageEncrypted: 'true', DeletionProtection: 'true', BackupRetentionPeriod: '7' },
    ...{ CopyTagsToSnapshot: 'true', MasterUsername: 'lambdapg_admin' },
    [isAurora ? 'VpcSecurityGroupIds' : 'VPCSecurityGroups']: ['<DatabaseGroup>'],
    ...(isIam
      ? { MasterUserAuthenticationType: 'iam-db-auth', EnableIAMDatabaseAuthentication: 'true' }
      : { ManageMasterUserPassword: 'true' }),
    ...(isAurora
      ? { ServerlessV2ScalingConfiguration: { MinCapacity: '0.5', MaxCapacity: '2' } }
      : { DBInstanceClass: 'db.t4g.micro', StorageType: 'gp3', AllocatedStorage: '20', MultiAZ: 'false' }),
    EnableCloudwatchLogsExports: isAurora ? ['postgresql'] : ['postgresql', 'upgrade'],
  });
  const instances = propertiesOf(template, 'AWS::RDS::DBInstance');
  for (const instance of instances) {
    expect(instance).toMatchObject({
      PubliclyAccessible: 'false',
      CACertificateIdentifier: 'rds-ca-rsa2048-g1',
    });
  }
  const members = isAurora ? [`${stack}-db-1`] : [`${stack}-db`];
  expect(instances.map(({ DBInstanceIdentifier }) => DBInstanceIdentifier)).toEqual([
    ...members,
    ...(choices.reader ? [`${stack}-db-reader`] : []),
  ]);
  const groups = isAurora ? 'AWS::RDS::DBClusterParameterGroup' : 'AWS::RDS::DBParameterGroup';
  expect(propertiesOf(template, groups)).toMatchObject([
    { Family: `${isAurora ? 'aurora-postgresql' : 'postgres'}17`, Parameters: { 'rds.force_ssl': '1' } },
  ]);
}

function verifyProxy(template: Template, choices: Choices): void {
  const proxies = propertiesOf(template, 'AWS::RDS::DBProxy');
  if (!choices.proxy) {
    expect(proxies).toEqual([]);
    return;
  }
  const slot = (id: string) => ({
    ...{ AuthScheme: 'SECRETS', SecretArn: `<Slot${id}Secret>` },
    ...{ IAMAuth: 'DISABLED', ClientPasswordAuthType: 'POSTGRES_SCRAM_SHA_256' },
  });
  expect(proxies).toMatchObject([
    {
      ...{ DBProxyName: `${stack}-proxy`, EngineFamily: 'POSTGRESQL', RequireTLS: 'true' },
      ...{ IdleClientTimeout: '1800', VpcSecurityGroupIds: ['<ProxyGroup>'] },
      ...(choices.auth === 'iam' ? { DefaultAuthScheme: 'IAM_AUTH' } : { Auth: [slot('A'), slot('B')] }),
    },
  ]);
  expect('Auth' in (proxies[0] ?? {})).toBe(choices.auth === 'secret');
  const [pool, ...more] = propertiesOf(template, 'AWS::RDS::DBProxyTargetGroup');
  expect(more).toEqual([]);
  // No init query and no pinning filter, which is for MySQL; no target, for which CloudFormation would wait in vain.
  expect(pool).toEqual({
    DBProxyName: '<Proxy>',
    TargetGroupName: 'default',
    ConnectionPoolConfigurationInfo: {
      ...{ MaxConnectionsPercent: '80', MaxIdleConnectionsPercent: '50', ConnectionBorrowTimeout: '120' },
    },
  });
}

function wantedSecrets({ database, proxy, auth }: Choices): string[] {
  if (database === 'heroku') return ['heroku-key'];
  if (auth === 'iam') return [];
  return ['active', ...(proxy ? ['slot-a', 'slot-b'] : [])];
}

/** Empty containers. */
function verifySecrets(template: Template, choices: Choices): void {
  const secrets = propertiesOf(template, 'AWS::SecretsManager::Secret');
  expect(secrets.map(({ Name }) => Name).sort()).toEqual(
    wantedSecrets(choices).map((name) => `${stack}/${name}`),
  );
  for (const secret of secrets) expect(Object.keys(secret).sort()).toEqual(['Description', 'Name', 'Tags']);
}

function wantedEnvironment({ database, proxy, auth, reader }: Choices): Record<string, string> {
  if (database === 'heroku') {
    const addon = { LAMBDAPG_HEROKU_ADDON: 'postgresql-round-12345' };
    return { ...addon, LAMBDAPG_HEROKU_KEY_ARN: '<HerokuKey>', PGSSLMODE: 'no-verify' };
  }
  if (database === 'url') return { LAMBDAPG_SECRET_ARN: '<ActiveSecret>', PGSSLMODE: 'verify-full' };
  const readHost = proxy
    ? { aurora: '<ProxyReader.Endpoint>', rds: undefined }
    : { aurora: '<Database.ReadEndpoint.Address>', rds: '<DatabaseReader.Endpoint.Address>' };
  return {
    ...{ PGPORT: '5432', PGDATABASE: 'my_library', PGSSLMODE: 'verify-full' },
    ...(proxy
      ? { PGHOST: '<Proxy.Endpoint>' }
      : { PGHOST: '<Database.Endpoint.Address>', PGSSLROOTCERT: './rds-ca.pem' }),
    ...(auth === 'iam'
      ? { LAMBDAPG_DB_AUTH: 'iam', PGUSER: 'my_library_a' }
      : { LAMBDAPG_SECRET_ARN: '<ActiveSecret>' }),
    ...(reader && readHost[database] !== undefined && { PGHOST_READER: readHost[database] }),
  };
}

function verifyFunctions(template: Template, choices: Choices): void {
  const all = propertiesOf(template, 'AWS::Lambda::Function');
  const isNode = choices.language === 'node';
  const runtime = { Runtime: isNode ? 'nodejs24.x' : 'python3.13', Architectures: ['arm64'] };
  for (const [index, name] of functionNames.entries()) {
    const found = all.find(({ FunctionName }) => FunctionName === `${stack}-${name}`);
    expect(found).toMatchObject({
      ...runtime,
      ...{
        MemorySize: isNode ? '256' : '512',
        Timeout: '10',
        ReservedConcurrentExecutions: ['40', '1'][index],
      },
      Handler: isNode ? 'index.handler' : `app/${name}.handler`,
      LoggingConfig: { LogFormat: 'JSON' },
    });
    expect(found?.Environment).toEqual({ Variables: wantedEnvironment(choices) });
    expect(found?.VpcConfig).toEqual(isManaged(choices) ? vpcOf('Function') : undefined);
    expect([found?.Layers ?? []].flat().length).toBe(choices.packaging === 'layer' ? 1 : 0);
  }
  const runner = all.find(({ FunctionName }) => FunctionName === `${stack}-runner`);
  expect(runner?.VpcConfig).toEqual(isManaged(choices) ? vpcOf('Runner') : undefined);
  expect(runner?.Environment).toBeUndefined();
  expect(runner?.Layers ?? []).toEqual([]);
  const names = [...functionNames, ...(isManaged(choices) ? ['runner'] : [])];
  expect(all.length).toBe(names.length);
  const logs = propertiesOf(template, 'AWS::Logs::LogGroup');
  expect(
    logs.map(({ LogGroupName, RetentionInDays }) => `${LogGroupName} ${RetentionInDays}`).sort(),
  ).toEqual(names.map((name) => `/aws/lambda/${stack}-${name} 14`));
}

const vpcOf = (group: string) => ({
  SubnetIds: expect.arrayContaining([expect.stringMatching(/./), expect.stringMatching(/./)]),
  SecurityGroupIds: [`<${group}Group>`],
});

/** `rds-db:connect` or the one secret, and nothing else that is not needed to log and to be in a network. */
function verifyRoles(template: Template, choices: Choices): void {
  const policies = Object.fromEntries(
    ofType(template, 'AWS::IAM::ManagedPolicy').map(([id, { Properties }]) => [
      `<${id}>`,
      allowedBy(Properties),
    ]),
  );
  const network = isManaged(choices) ? ['<NetworkPolicy>'] : [];
  const roles = propertiesOf(template, 'AWS::IAM::Role');
  const roleOf = (name: string) => roles.find(({ RoleName }) => RoleName === `${stack}-${name}`);
  const names = [...functionNames, ...(isManaged(choices) ? ['runner'] : [])];
  expect(roles.length).toBe(names.length + Number(choices.proxy));
  for (const name of names) {
    const role = roleOf(name);
    const login = name === 'runner' ? [] : ['<LoginPolicy>'];
    expect(role?.ManagedPolicyArns).toEqual([...network, ...login]);
    const logs = `arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/${stack}-${name}:*`;
    expect(inlineOf(role).flatMap(allowedBy)).toEqual([
      `logs:CreateLogStream on ${logs}`,
      `logs:PutLogEvents on ${logs}`,
    ]);
  }
  expect(policies['<LoginPolicy>']).toEqual([wantedLogin(choices)]);
  if (isManaged(choices))
    expect(policies['<NetworkPolicy>']?.every((one) => /^ec2:.* on \*$/.test(one))).toBe(true);
  if (!choices.proxy) return;
  const proxyRole = inlineOf(roleOf('proxy')).flatMap(allowedBy);
  expect(proxyRole).toEqual(
    choices.auth === 'secret'
      ? ['<SlotASecret>', '<SlotBSecret>'].map((arn) => `secretsmanager:GetSecretValue on ${arn}`)
      : ['a', 'b'].map((slot) => `rds-db:connect on ${databaseUser(choices, slot)}`),
  );
}

const databaseUser = ({ database }: Choices, slot: string): string =>
  `arn:aws:rds-db:us-east-1:123456789012:dbuser:<Database.${database === 'rds' ? 'DbiResourceId' : 'DBClusterResourceId'}>/my_library_${slot}`;

function wantedLogin(choices: Choices): string {
  if (choices.database === 'heroku') return 'secretsmanager:GetSecretValue on <HerokuKey>';
  if (choices.auth === 'secret') return 'secretsmanager:GetSecretValue on <ActiveSecret>';
  if (!choices.proxy) return `rds-db:connect on ${databaseUser(choices, 'a')}`;
  return 'rds-db:connect on arn:aws:rds-db:us-east-1:123456789012:dbuser:<6 of <Proxy.DBProxyArn>>/my_library_a';
}

const inlineOf = (role: Record<string, unknown> = {}) => role.Policies as readonly Record<string, unknown>[];

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
}

function allowedBy(policy: Record<string, unknown>): string[] {
  const { Statement } = policy.PolicyDocument as { Statement: readonly Statement[] };
  return Statement.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action, Resource }) =>
    [Action].flat().flatMap((action) => [Resource].flat().map((resource) => `${action} on ${resource}`)),
  );
}

/** Everybody calls the alias, and may: gateway and schedule alike. */
function verifyCalls(template: Template): void {
  const aliases = propertiesOf(template, 'AWS::Lambda::Alias');
  expect(aliases.map(({ Name }) => Name)).toEqual(functionNames.map(() => 'live'));
  for (const { FunctionVersion } of aliases) expect(FunctionVersion).toMatch(/Version\w*\.Version>$/);
  const permissions = propertiesOf(template, 'AWS::Lambda::Permission');
  expect(permissions.map(({ Principal }) => Principal).sort()).toEqual([
    'apigateway.amazonaws.com',
    'events.amazonaws.com',
  ]);
  for (const { FunctionName, SourceArn } of permissions) {
    expect(FunctionName).toMatch(/live>?$/);
    expect(SourceArn).toBeDefined();
  }
  const rules = propertiesOf(template, 'AWS::Events::Rule');
  expect(rules).toMatchObject([
    {
      ...{ Name: `${stack}-overdue`, ScheduleExpression: 'rate(1 day)' },
      Targets: [{ Arn: expect.stringMatching(/live>?$/) }],
    },
  ]);
  const api = JSON.stringify([
    ...ofType(template, 'AWS::ApiGatewayV2::Api'),
    ...ofType(template, 'AWS::ApiGatewayV2::Route'),
    ...ofType(template, 'AWS::ApiGatewayV2::Integration'),
  ]);
  expect(api).toMatch(/\$default/);
  expect(api).toMatch(/live>?["/]/);
}

function verifyOutputs(template: Template, choices: Choices): void {
  const { proxy, auth, reader, database } = choices;
  const managed = [
    ...['databaseHost', 'databasePort', 'databaseName', 'runnerName'],
    ...(auth === 'secret' ? ['adminSecretArn'] : []),
    ...(proxy ? ['proxyHost'] : []),
    ...(reader ? ['readerHost'] : []),
    ...(reader && proxy && database === 'aurora' ? ['proxyReaderHost'] : []),
  ];
  const own = Object.keys(template.Outputs ?? {}).filter((name) => /^[a-z]/.test(name));
  expect(own.sort()).toEqual(
    [
      ...['url', 'region', 'stage'],
      ...(isManaged(choices) ? managed : []),
      ...(auth === 'secret' && database !== 'heroku' ? ['secretArn'] : []),
    ].sort(),
  );
  expect(template.Outputs?.stage?.Value).toBe('dev');
}
