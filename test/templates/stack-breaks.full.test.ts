import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Choices } from '../../src/project/choices.ts';
import { makeTempDir } from '../postgres-server.ts';
import { verifyStack } from './cloudformation-facts.ts';
import { translateSam, writeEngineProject } from './cloudformation-projects.ts';
import { installedFor } from './engine-packages.ts';
import { answersFor } from './generate.ts';
import { resolveTemplate, type Template } from './resolve-template.ts';
import { fromCloudFormation, verifySecurity } from './security-assertions.ts';

/*
 * The facts that Serverless and SAM are tested for are facts that a test notices: each is broken once, in what was compiled.
 */
type Tree = Record<string, unknown>;
type Break = readonly [title: string, path: string, value?: unknown];

const open = { IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432, CidrIp: '0.0.0.0/0' };
const everything = { IpProtocol: '-1', CidrIp: '0.0.0.0/0' };
const admin = [
  { PolicyName: 'all', PolicyDocument: { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] } },
];
const ref = (Ref: string) => ({ Ref });

const breaksOfProxy: readonly Break[] = [
  [
    'the database is open to the world',
    'Resources.Open',
    { Type: 'AWS::EC2::SecurityGroupIngress', Properties: { ...open, GroupId: ref('DatabaseGroup') } },
  ],
  [
    'the function reaches the database besides the proxy',
    'Resources.Bypass',
    {
      Type: 'AWS::EC2::SecurityGroupIngress',
      Properties: {
        ...open,
        CidrIp: undefined,
        GroupId: ref('DatabaseGroup'),
        SourceSecurityGroupId: ref('FunctionGroup'),
      },
    },
  ],
  [
    'two rules for one pair',
    'Resources.Again',
    {
      Type: 'AWS::EC2::SecurityGroupIngress',
      Properties: {
        ...open,
        CidrIp: undefined,
        GroupId: ref('ProxyGroup'),
        SourceSecurityGroupId: ref('FunctionGroup'),
      },
    },
  ],
  ['the proxy does not reach the database', 'Resources.ProxyToDatabase'],
  ['the function does not reach the endpoint', 'Resources.EndpointFromFunction'],
  ['a group lets everything out', 'Resources.FunctionGroup.Properties.SecurityGroupEgress', [everything]],
  ['a rule takes every port', 'Resources.ProxyFromFunction.Properties.FromPort', 0],
  ['an internet gateway', 'Resources.Gateway', { Type: 'AWS::EC2::InternetGateway', Properties: {} }],
  ['no endpoint', 'Resources.SecretsEndpoint'],
  ['an endpoint without its private name', 'Resources.SecretsEndpoint.Properties.PrivateDnsEnabled', false],
  [
    'both subnets in one zone',
    'Resources.PrivateB.Properties.AvailabilityZone',
    { 'Fn::Select': [0, { 'Fn::GetAZs': '' }] },
  ],
  ['a public database', 'Resources.Database.Properties.PubliclyAccessible', true],
  ['storage that is not encrypted', 'Resources.Database.Properties.StorageEncrypted', false],
  ['a database that goes without a snapshot', 'Resources.Database.DeletionPolicy', 'Delete'],
  ['a database that anybody deletes', 'Resources.Database.Properties.DeletionProtection', false],
  ['a password in the template', 'Resources.Database.Properties.MasterUserPassword', 'canary'],
  ['no backups', 'Resources.Database.Properties.BackupRetentionPeriod', 0],
  ['connections without TLS', 'Resources.DatabaseParameters.Properties.Parameters', { 'rds.force_ssl': '0' }],
  ['another authority', 'Resources.Database.Properties.CACertificateIdentifier'],
  ['gp2', 'Resources.Database.Properties.StorageType', 'gp2'],
  ['a port that is not said', 'Resources.Database.Properties.Port'],
  ['a proxy without TLS', 'Resources.Proxy.Properties.RequireTLS', false],
  [
    'a proxy in the group of the database',
    'Resources.Proxy.Properties.VpcSecurityGroupIds',
    [ref('DatabaseGroup')],
  ],
  ['an init query', 'Resources.ProxyPool.Properties.ConnectionPoolConfigurationInfo.InitQuery', ''],
  [
    'pinning filters',
    'Resources.ProxyPool.Properties.ConnectionPoolConfigurationInfo.SessionPinningFilters',
    ['EXCLUDE_VARIABLE_SETS'],
  ],
  [
    'a target for which CloudFormation waits',
    'Resources.ProxyPool.Properties.DBInstanceIdentifiers',
    [ref('Database')],
  ],
  ['a proxy that reads the active secret', 'Resources.ProxyRole.Properties.Policies', admin],
  ['a secret with a value', 'Resources.ActiveSecret.Properties.SecretString', '{}'],
  ['a slot without its secret', 'Resources.SlotBSecret'],
  [
    'a function that connects past the proxy',
    'Resources.ApiFunction.Properties.Environment.Variables.PGHOST',
    { 'Fn::GetAtt': ['Database', 'Endpoint.Address'] },
  ],
  [
    'a certificate that is not verified',
    'Resources.ApiFunction.Properties.Environment.Variables.PGSSLMODE',
    'require',
  ],
  [
    "the secret's name in place of its ARN",
    'Resources.ApiFunction.Properties.Environment.Variables.LAMBDAPG_SECRET_ARN',
    'my-library-dev/active',
  ],
  [
    'a password in a variable',
    'Resources.OverdueFunction.Properties.Environment.Variables.PGPASSWORD',
    'canary',
  ],
  ['a function outside the network', 'Resources.OverdueFunction.Properties.VpcConfig'],
  ['no limit of environments', 'Resources.ApiFunction.Properties.ReservedConcurrentExecutions'],
  ['a runtime that is no more', 'Resources.ApiFunction.Properties.Runtime', 'nodejs20.x'],
  ['logs as plain text', 'Resources.ApiFunction.Properties.LoggingConfig'],
  ['logs without an end', 'Resources.ApiLogGroup.Properties.RetentionInDays'],
  ['one role that may do everything', 'Resources.ApiRole.Properties.Policies', admin],
  [
    'a runner that may read the secret',
    'Resources.RunnerRole.Properties.ManagedPolicyArns',
    [ref('NetworkPolicy'), ref('LoginPolicy')],
  ],
  [
    'a login policy for every secret',
    'Resources.LoginPolicy.Properties.PolicyDocument.Statement',
    [{ Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*' }],
  ],
  [
    'a schedule that calls $LATEST',
    'Resources.OverdueFunctionDaily.Properties.Targets',
    [{ Id: 'a', Arn: { 'Fn::GetAtt': ['OverdueFunction', 'Arn'] } }],
  ],
  ['an alias of another name', 'Resources.ApiFunctionAliaslive.Properties.Name', 'current'],
  ['nobody may call the function', 'Resources.ApiFunctionDefaultPermission'],
  ['no URL among the outputs', 'Outputs.url'],
  ['no secret among the outputs', 'Outputs.secretArn'],
];

const breaksOfIam: readonly Break[] = [
  ['two NAT gateways', 'Resources.Second', { Type: 'AWS::EC2::NatGateway', Properties: {} }],
  [
    'private subnets with a way to the internet of their own',
    'Resources.PrivateToInternet.Properties.GatewayId',
    ref('InternetGateway'),
  ],
  ['every port to the internet', 'Resources.FunctionToInternet.Properties.ToPort', 65_535],
  [
    'a login for every user',
    'Resources.LoginPolicy.Properties.PolicyDocument.Statement',
    [{ Effect: 'Allow', Action: 'rds-db:connect', Resource: '*' }],
  ],
  [
    'a secret where there is to be none',
    'Resources.Secret',
    { Type: 'AWS::SecretsManager::Secret', Properties: { Name: 'a' } },
  ],
  ['a master password that RDS keeps', 'Resources.Database.Properties.MasterUserAuthenticationType'],
  [
    'no authorities for a direct connection',
    'Resources.ApiFunction.Properties.Environment.Variables.PGSSLROOTCERT',
  ],
  ['no reader for reads', 'Resources.ApiFunction.Properties.Environment.Variables.PGHOST_READER'],
  ['a member of the cluster that is public', 'Resources.DatabaseReader.Properties.PubliclyAccessible', true],
];

const folders: string[] = [];
beforeAll(() => installedFor('sam'), 240_000);
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

describe.each([
  ['behind a proxy', {}, breaksOfProxy],
  [
    'by IAM through a NAT',
    { proxy: false, database: 'aurora', auth: 'iam', network: 'nat', reader: true },
    breaksOfIam,
  ],
] as const)('a stack %s', (_title, flags, breaks) => {
  let compiled: Template;
  let choices: Choices;
  beforeAll(async () => {
    const directory = await makeTempDir();
    folders.push(directory);
    const answers = answersFor('sam-proxy', flags);
    choices = answers.choices;
    await writeEngineProject(answers, directory);
    compiled = await translateSam(directory);
  }, 120_000);

  const verify = (template: Template): void => {
    const resolved = resolveTemplate(template, 'my-library-dev');
    verifyStack(resolved, choices);
    verifySecurity(fromCloudFormation(resolved), choices);
  };

  test('is as it is to be', () => verify(compiled));

  for (const [fact, path, value] of breaks) {
    test(fact, () => {
      const broken = structuredClone(compiled);
      setAt(broken as unknown as Tree, path, value);
      expect(() => verify(broken)).toThrow();
    });
  }
});

/** Puts a value where the path leads, or takes away what is there. */
function setAt(tree: Tree, path: string, value: unknown): void {
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  const place = keys.reduce<Tree>((at, key) => at[key] as Tree, tree);
  if (value === undefined) {
    expect(place).toHaveProperty([last]);
    delete place[last];
  } else place[last] = value;
}
