import { expect } from 'vitest';
import { type Choices, isManaged } from '../../src/project/choices.ts';
import { verifyCalls, verifyFunctions } from './cdk-function-facts.ts';
import { functionNames, type Properties, propertiesOf, stack, tagged, tagsOf } from './cdk-template.ts';
import { ofType } from './cloudformation-facts.ts';
import { type Resource, resolveTemplate, type Template } from './resolve-template.ts';
import { fromCloudFormation, verifySecurity } from './security-assertions.ts';

/*
 * What a stack of AWS CDK must be, from the choices that it was made with (docs/decisions/011-engines.md), for the project my-library
 * and the stage dev.
 */
export function verifyCdkStack(raw: Template, choices: Choices): void {
  const template = resolveTemplate(raw, stack);
  verifySecurity(fromCloudFormation(template), choices, schemaPassages(choices));
  verifyNetwork(template, choices);
  if (isManaged(choices)) {
    verifyDatabase(template, choices);
    verifySchema(template, choices);
  }
  verifyProxy(template, choices);
  verifySecrets(template, choices);
  verifyFunctions(template, choices);
  verifyCalls(template);
  verifyTags(template);
  verifyOutputs(template, choices);
}

const hasEndpoint = ({ network, auth }: Choices): boolean => network === 'isolated' && auth === 'secret';

function verifyNetwork(template: Template, choices: Choices): void {
  const isNew = isManaged(choices) && choices.network !== 'existing';
  const isNat = choices.network === 'nat';
  expect(propertiesOf(template, 'AWS::EC2::VPC').map(({ CidrBlock }) => CidrBlock)).toEqual(
    isNew ? ['10.20.0.0/22'] : [],
  );
  const subnets = propertiesOf(template, 'AWS::EC2::Subnet').map(
    ({ CidrBlock, AvailabilityZone }) => `${CidrBlock} in ${AvailabilityZone}`,
  );
  // The public one is the third quarter, of 256 addresses.
  const publicSubnet = expect.stringMatching(/\[2 of 4, 8 bits\] in us-east-1a$/);
  expect(subnets).toEqual(
    isNew
      ? ['10.20.0.0/24 in us-east-1a', '10.20.1.0/24 in us-east-1b', ...(isNat ? [publicSubnet] : [])]
      : [],
  );
  if (choices.network === 'existing')
    for (const { VpcId } of propertiesOf(template, 'AWS::EC2::SecurityGroup'))
      expect(VpcId).toBe('vpc-0a0b0c0d');
  const endpoints = propertiesOf(template, 'AWS::EC2::VPCEndpoint');
  expect(endpoints.length).toBe(hasEndpoint(choices) ? 1 : 0);
  for (const endpoint of endpoints) {
    expect(endpoint).toMatchObject({
      ...{ ServiceName: 'com.amazonaws.us-east-1.secretsmanager', VpcEndpointType: 'Interface' },
      ...{ PrivateDnsEnabled: 'true', SubnetIds: { length: 2 } },
    });
  }
  const routes = propertiesOf(template, 'AWS::EC2::Route').map(({ GatewayId, NatGatewayId }) =>
    GatewayId === undefined ? NatGatewayId : 'internet',
  );
  const [[nat = ''] = []] = ofType(template, 'AWS::EC2::NatGateway');
  expect(routes.sort()).toEqual(isNat ? [`<${nat}>`, `<${nat}>`, 'internet'].sort() : []);
}

function verifyDatabase(template: Template, choices: Choices): void {
  const isAurora = choices.database === 'aurora';
  const type = isAurora ? 'AWS::RDS::DBCluster' : 'AWS::RDS::DBInstance';
  const [, database] = tagged(template, type, 'db');
  const [group] = tagged(template, 'AWS::EC2::SecurityGroup', 'database-group');
  expect(database.DeletionPolicy).toBe('Snapshot');
  expect(database.Properties).toMatchObject({
    [isAurora ? 'DBClusterIdentifier' : 'DBInstanceIdentifier']: `${stack}-db`,
    [isAurora ? 'DatabaseName' : 'DBName']: 'my_library',
    ...{ Engine: isAurora ? 'aurora-postgresql' : 'postgres', EngineVersion: '17', Port: '5432' },
    ...{ StorageEncrypted: 'true', DeletionProtection: 'true', BackupRetentionPeriod: '7' },
    ...{ CopyTagsToSnapshot: 'true', MasterUsername: 'lambdapg_admin' },
    [isAurora ? 'VpcSecurityGroupIds' : 'VPCSecurityGroups']: [`<${group}.GroupId>`],
    ...(choices.auth === 'iam'
      ? { MasterUserAuthenticationType: 'iam-db-auth', EnableIAMDatabaseAuthentication: 'true' }
      : { ManageMasterUserPassword: 'true', EnableIAMDatabaseAuthentication: 'false' }),
    ...(isAurora
      ? {
          ServerlessV2ScalingConfiguration: { MinCapacity: '0.5', MaxCapacity: '2' },
          EnableHttpEndpoint: 'true',
        }
      : { DBInstanceClass: 'db.t4g.micro', StorageType: 'gp3', AllocatedStorage: '20', MultiAZ: 'false' }),
    EnableCloudwatchLogsExports: isAurora ? ['postgresql'] : ['postgresql', 'upgrade'],
  });
  const instances = propertiesOf(template, 'AWS::RDS::DBInstance');
  for (const { CACertificateIdentifier } of instances)
    expect(CACertificateIdentifier).toBe('rds-ca-rsa2048-g1');
  expect(instances.map(({ DBInstanceIdentifier }) => DBInstanceIdentifier)).toEqual([
    isAurora ? `${stack}-db-1` : `${stack}-db`,
    ...(choices.reader ? [`${stack}-db-reader`] : []),
  ]);
  const groups = isAurora ? 'AWS::RDS::DBClusterParameterGroup' : 'AWS::RDS::DBParameterGroup';
  expect(propertiesOf(template, groups)).toMatchObject([
    { Family: `${isAurora ? 'aurora-postgresql' : 'postgres'}17` },
  ]);
}

/** Migrations and seeds: by a function in the network, which one outside it asks, before functions and proxy. */
function verifySchema(template: Template, choices: Choices): void {
  const [[id, update] = ['', undefined], ...more] = ofType(template, 'Custom::LambdapgSchema');
  expect(more).toEqual([]);
  const isAurora = choices.database === 'aurora';
  const [database] = tagged(template, isAurora ? 'AWS::RDS::DBCluster' : 'AWS::RDS::DBInstance', 'db');
  const secret = (name: string) => `<${tagged(template, 'AWS::SecretsManager::Secret', name)[0]}>`;
  const admin = `<${database}.MasterUserSecret.SecretArn>`;
  const { ServiceToken, package: hash, ...given } = (update?.Properties ?? {}) as Properties;
  expect(given).toEqual({
    host: `<${database}.Endpoint.Address>`,
    ...(choices.auth === 'iam'
      ? { auth: 'iam' }
      : { adminSecretArn: admin, activeSecretArn: secret('active') }),
    ...(choices.auth === 'secret' &&
      choices.proxy && { slotASecretArn: secret('slot-a'), slotBSecretArn: secret('slot-b') }),
  });
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  // Its answer goes to S3, which an isolated network does not reach.
  const asker = template.Resources[String(ServiceToken).replace(/^<(\w+)\..*$/, '$1')]
    ?.Properties as Properties;
  expect(asker.FunctionName).toBeUndefined();
  expect(asker.VpcConfig).toBeUndefined();
  const waits = (resource: Resource) => [resource.DependsOn ?? []].flat().includes(id);
  const functions = ofType(template, 'AWS::Lambda::Function').filter(([, { Properties }]) =>
    functionNames.some((name) => (Properties as Properties).FunctionName === `${stack}-${name}`),
  );
  const after = [
    ...functions,
    ...ofType(template, 'AWS::RDS::DBProxy'),
    ...ofType(template, 'AWS::RDS::DBProxyTargetGroup'),
  ];
  expect(after.filter(([, resource]) => !waits(resource)).map(([name]) => name)).toEqual([]);
  // Before it: the way to the database, both ends of it, and the member that answers.
  const before = new Set([update?.DependsOn ?? []].flat());
  const needed = Object.entries(template.Resources).filter(
    ([, { Type, Properties }]) =>
      /^AWS::RDS::DB(Instance|Cluster)$/.test(Type) ||
      Type === 'AWS::EC2::VPCEndpoint' ||
      (/^AWS::EC2::SecurityGroup(In|E)gress$/.test(Type) &&
        String((Properties as Properties).Description).startsWith('schema to')),
  );
  expect(needed.filter(([name]) => !before.has(name)).map(([name]) => name)).toEqual([]);
}

function verifyProxy(template: Template, choices: Choices): void {
  const proxies = ofType(template, 'AWS::RDS::DBProxy');
  expect(proxies.length).toBe(choices.proxy ? 1 : 0);
  const [[id = '', proxy] = []] = proxies;
  if (proxy === undefined) return;
  const secret = (name: string) => `<${tagged(template, 'AWS::SecretsManager::Secret', name)[0]}>`;
  const slot = (name: string) => ({
    ...{ AuthScheme: 'SECRETS', SecretArn: secret(name) },
    ...{ IAMAuth: 'DISABLED', ClientPasswordAuthType: 'POSTGRES_SCRAM_SHA_256' },
  });
  const isIam = choices.auth === 'iam';
  const [group] = tagged(template, 'AWS::EC2::SecurityGroup', 'proxy-group');
  expect(proxy.Properties).toMatchObject({
    ...{ DBProxyName: `${stack}-proxy`, EngineFamily: 'POSTGRESQL', RequireTLS: 'true' },
    ...{ IdleClientTimeout: '1800', VpcSecurityGroupIds: [`<${group}.GroupId>`] },
    ...(isIam ? { DefaultAuthScheme: 'IAM_AUTH' } : { Auth: [slot('slot-a'), slot('slot-b')] }),
  });
  expect('Auth' in proxy.Properties).toBe(!isIam);
  const isAurora = choices.database === 'aurora';
  const [database] = tagged(template, isAurora ? 'AWS::RDS::DBCluster' : 'AWS::RDS::DBInstance', 'db');
  // No init query and no pinning filter, which is for MySQL.
  const pools = propertiesOf(template, 'AWS::RDS::DBProxyTargetGroup').map(
    ({ Tags: _tags, ...pool }) => pool,
  );
  expect(pools).toEqual([
    {
      ...{ DBProxyName: `<${id}>`, TargetGroupName: 'default' },
      [isAurora ? 'DBClusterIdentifiers' : 'DBInstanceIdentifiers']: [`<${database}>`],
      ConnectionPoolConfigurationInfo: {
        ...{ MaxConnectionsPercent: '80', MaxIdleConnectionsPercent: '50', ConnectionBorrowTimeout: '120' },
      },
    },
  ]);
  const endpoints = propertiesOf(template, 'AWS::RDS::DBProxyEndpoint');
  expect(endpoints.map(({ DBProxyEndpointName, TargetRole }) => [DBProxyEndpointName, TargetRole])).toEqual(
    choices.reader && isAurora ? [[`${stack}-proxy-reader`, 'READ_ONLY']] : [],
  );
  const role = template.Resources[String(proxy.Properties.RoleArn).replace(/^<(\w+)\..*$/, '$1')];
  const resourceId = isAurora ? 'DBClusterResourceId' : 'DbiResourceId';
  const user = (name: string) =>
    `arn:aws:rds-db:us-east-1:123456789012:dbuser:<${database}.${resourceId}>/my_library_${name}`;
  expect(role?.Properties.Policies).toMatchObject([
    {
      PolicyDocument: {
        Statement: [
          isIam
            ? { Action: 'rds-db:connect', Effect: 'Allow', Resource: [user('a'), user('b')] }
            : {
                ...{ Action: 'secretsmanager:GetSecretValue', Effect: 'Allow' },
                Resource: [secret('slot-a'), secret('slot-b')],
              },
        ],
      },
    },
  ]);
}

/** Empty containers. */
function verifySecrets(template: Template, { database, proxy, auth }: Choices): void {
  const slots = proxy ? ['slot-a', 'slot-b'] : [];
  const wanted = database === 'heroku' ? ['heroku-key'] : auth === 'iam' ? [] : ['active', ...slots];
  const secrets = propertiesOf(template, 'AWS::SecretsManager::Secret');
  expect(secrets.map(({ Name }) => Name)).toEqual(wanted.map((name) => `${stack}/${name}`));
  for (const secret of secrets) expect(Object.keys(secret).sort()).toEqual(['Description', 'Name', 'Tags']);
}

function verifyTags(template: Template): void {
  for (const [id, resource] of Object.entries(template.Resources)) {
    const tags = tagsOf(resource);
    if (Object.keys(tags).length === 0) continue;
    expect(tags, id).toMatchObject({
      'lambdapg:engine': 'cdk',
      'lambdapg:project': 'my-library',
      'lambdapg:stage': 'dev',
    });
  }
  const named = (type: string, tag: string) => tagsOf(tagged(template, type, tag)[1]).Name;
  for (const name of functionNames) {
    expect(named('AWS::Lambda::Function', `function-${name}`)).toBe(`${stack}-${name}`);
    expect(named('AWS::Logs::LogGroup', name)).toBe(`${stack}-${name}`);
  }
  expect(named('AWS::ApiGatewayV2::Api', 'http-api')).toBe(`${stack}-http-api`);
  for (const [, group] of ofType(template, 'AWS::EC2::SecurityGroup')) {
    const { Name, 'lambdapg:resource': resource = '' } = tagsOf(group);
    expect(Name).toBe(`${stack}-sg-${resource.replace(/-group$/, '')}`);
  }
  for (const [, subnet] of ofType(template, 'AWS::EC2::Subnet'))
    expect(tagsOf(subnet).Name).toMatch(/^my-library-dev-(private-[ab]|public-a)$/);
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
  expect(Object.keys(template.Outputs ?? {}).sort()).toEqual(
    [
      ...['url', 'region', 'stage'],
      ...(isManaged(choices) ? managed : []),
      ...(auth === 'secret' && database !== 'heroku' ? ['secretArn'] : []),
    ].sort(),
  );
  expect(template.Outputs?.stage?.Value).toBe('dev');
}

/** The function that migrates reaches the database, and what it asks AWS for. */
export const schemaPassages = (choices: Choices): string[] =>
  !isManaged(choices)
    ? []
    : [
        'schema -> database 5432',
        ...(choices.network !== 'isolated' ? ['schema -> 0.0.0.0/0 443'] : []),
        ...(choices.network === 'isolated' && choices.auth === 'secret' ? ['schema -> endpoint 443'] : []),
      ];
