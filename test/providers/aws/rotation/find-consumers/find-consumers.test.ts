import { beforeAll, expect, test } from 'vitest';
import {
  type FoundConsumers,
  findConsumers,
} from '../../../../../src/providers/aws/rotation/find-consumers/find-consumers.ts';
import type { Traces } from '../../../../../src/providers/aws/rotation/find-consumers/find-consumers-traces.ts';
import { startBed } from '../../../../bed/bed.ts';
import { makeNetwork } from '../../../../bed/differs.ts';
import {
  type ConsumerBed,
  type Input,
  prepared,
  secretArn,
  startConsumerBed,
} from '../consumers/consumer-bed.ts';

let world: ConsumerBed;
const host = 'shop-dev-db.abc.us-east-1.rds.amazonaws.com';
const traces: Traces = {
  ...{ secretArn, secret: 'shop-dev/active', hosts: [host], known: prepared },
};

const aws = (service: string, action: string, input: Input) =>
  world.bed.aws<Input>({ service, action, input });

beforeAll(async () => {
  const bed = await startBed({ pace: { default: 0 } });
  world = await startConsumerBed({ bed });
  const make = world.makeFunction;
  await make('plain', { DB_USER: 'shop_a', DB_SECRET: 'old-password', MOOD: 'good' });
  await make('url', { MAIN_URL: `postgres://somebody:else@${host}:5432/shop` });
  await make('pg', { PGHOST: host, PGUSER: 'x', PGPASSWORD: 'y' });
  await make('module', { LAMBDAPG_SECRET_ARN: secretArn });
  await make('reader', { CREDENTIALS: 'shop-dev/active' });
  await make('stranger', { MOOD: 'good' });
  await make('shop-dev-api', { LAMBDAPG_SECRET_ARN: secretArn });
  await aws('iam', 'CreateRole', { RoleName: 'bypolicy', AssumeRolePolicyDocument: '{}' });
  const Statement = [{ Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: secretArn }];
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  await aws('iam', 'PutRolePolicy', { RoleName: 'bypolicy', PolicyName: 'reads', PolicyDocument });
  const Role = `arn:aws:iam::${bed.account}:role/bypolicy`;
  await make('quiet', { MOOD: 'good' }, { Role });
  for (const Name of ['/shop/dev/url', '/shop/prod/url', '/lambdapg/shop/dev/lock'])
    await aws('ssm', 'PutParameter', { Name, Value: 'x', Type: 'SecureString' });
  for (const Name of ['shop-dev/active', 'shop/dev/copy', 'shop-other'])
    await aws('secretsmanager', 'CreateSecret', { Name, SecretString: '{}' });
  return () => bed.stop();
});

const of = ({ candidates }: FoundConsumers, id: string) => candidates.find((one) => one.id === id);

test('are found by variables, policies and names, with what to list', async () => {
  const found = await findConsumers(world.world, traces);
  expect(found.unseen).toEqual([]);
  expect(found.candidates.map(({ id }) => id)).toEqual([
    ...['function module', 'function pg', 'function plain', 'function quiet', 'function reader'],
    ...['function shop-dev-api', 'function url', 'parameter /shop/dev/url', 'secret shop/dev/copy'],
  ]);
  const entry = (id: string) => of(found, id)?.entry;
  expect(entry('function plain')).toEqual({
    ...{ function: 'plain', alias: 'live', credentials: 'environment' },
    variables: { user: 'DB_USER', password: 'DB_SECRET' },
  });
  expect(entry('function url')).toEqual({
    ...{ function: 'url', alias: 'live', credentials: 'environment', variables: { url: 'MAIN_URL' } },
  });
  expect(entry('function pg')).toMatchObject({ credentials: 'environment' });
  expect(entry('function module')).toMatchObject({ credentials: 'module' });
  expect(entry('function reader')).toMatchObject({ credentials: 'cached' });
  expect(of(found, 'function quiet')).toMatchObject({
    evidence: ['policy reads of its role names the secret'],
    note: expect.stringContaining('"start" instead of "cached"'),
  });
  expect(entry('parameter /shop/dev/url')).toEqual({ parameter: '/shop/dev/url', form: 'json' });
  const told = JSON.stringify(found);
  for (const secret of ['old-password', 'new/p@ssword', 'somebody:else']) expect(told).not.toContain(secret);
});

test('that are listed, or the project’s own, say so', async () => {
  const functions = { api: { handler: 'src/api.handler' } };
  const listed = [
    { function: 'arn:aws:lambda:us-east-1:1:function:plain:live', credentials: 'environment' },
    { parameter: '/shop/{stage}/url', form: 'url' },
  ];
  const found = await findConsumers(world.worldOf(listed, functions), traces);
  const isListed = found.candidates.filter((one) => one.listed).map(({ id }) => id);
  expect(isListed).toEqual(['function plain', 'function shop-dev-api', 'parameter /shop/dev/url']);
  expect(of(found, 'function plain')?.entry).toBe(undefined);
});

test('are found by who is connected now', async () => {
  const { subnets, group } = await makeNetwork((service, action, input = {}) => aws(service, action, input));
  const inVpc = { VpcConfig: { SubnetIds: subnets, SecurityGroupIds: [group] } };
  await world.makeFunction('placed', { MOOD: 'good' }, inVpc);
  const { NetworkInterfaces } = (await aws('ec2', 'DescribeNetworkInterfaces', {
    Filters: [{ Name: 'group-id', Values: [group] }],
  })) as { NetworkInterfaces: { PrivateIpAddress: string }[] };
  const session = (application: string, address: string) => ({
    ...{ pid: 1, user: 'shop_a', application, address, state: 'idle', startedAt: 0, changedAt: 0 },
  });
  const sessions = [
    session('lpg/stranger/3/0a1b2c3d', '10.0.0.9'),
    session('', NetworkInterfaces[0]?.PrivateIpAddress ?? ''),
    session('psql', '192.168.1.5'),
    session('lambdapg rotation', '192.168.1.5'),
  ];
  const found = await findConsumers(world.world, { ...traces, sessions });
  expect(of(found, 'function stranger')?.evidence).toEqual(['it is connected now as shop_a from 10.0.0.9']);
  expect(of(found, 'function placed')?.evidence[0]).toContain('it is connected now as shop_a');
  expect(of(found, 'session psql at 192.168.1.5')).toMatchObject({ listed: false });
  expect(found.candidates.filter(({ id }) => id.startsWith('session')).length).toBe(1);
});

test('may be missing where the caller may not look', async () => {
  await world.bed.fault({ service: 'iam', action: 'ListRolePolicies', kind: 'access-denied', count: -1 });
  const found = await findConsumers(world.world, traces);
  await world.bed.clearFaults();
  expect(found.unseen.join('\n')).toContain('iam:ListRolePolicies');
  expect(of(found, 'function plain')).toBeDefined();
});
