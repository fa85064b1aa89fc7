import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DescribeSubnetsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  CreateAliasCommand,
  CreateFunctionCommand,
  InvokeCommand,
  type InvokeCommandInput,
  LambdaClient,
  PublishLayerVersionCommand,
  PublishVersionCommand,
  UpdateAliasCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { CreateDBInstanceCommand, DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bed, startBed } from '../bed.ts';
import { clientOptions } from '../sdk.ts';
import { type DataPlane, startDataPlane } from './data-plane.ts';
import { zipOf } from './zip.ts';

let bed: Bed;
let plane: DataPlane;
let lambda: LambdaClient;
let role: string;

beforeAll(async () => {
  bed = await startBed({ pace: { default: 0 } });
  plane = await startDataPlane(bed);
  lambda = new LambdaClient(clientOptions(bed));
  const trust = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const { Role } = await new IAMClient(clientOptions(bed)).send(
    new CreateRoleCommand({
      RoleName: 'fn',
      AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
    }),
  );
  role = Role?.Arn ?? '';
});

afterAll(async () => {
  await plane.stop();
  await bed.stop();
});

async function create(name: string, code: Readonly<Record<string, string>>, change: object = {}) {
  await lambda.send(
    new CreateFunctionCommand({
      ...{ FunctionName: name, Role: role, Runtime: 'nodejs24.x', Handler: 'index.handler', Timeout: 10 },
      ...{ Code: { ZipFile: await zipOf(code) }, ...change },
    }),
  );
}

async function invoke(name: string, event: unknown = {}, change: Partial<InvokeCommandInput> = {}) {
  const Payload = Buffer.from(JSON.stringify(event));
  const output = await lambda.send(
    new InvokeCommand({ FunctionName: name, Payload, LogType: 'Tail', ...change }),
  );
  const text = Buffer.from(output.Payload ?? '').toString('utf8');
  return { ...output, answer: text === '' ? undefined : JSON.parse(text) };
}

const nodeCode = (answer: string) => ({
  'index.mjs': `console.log('cold');
export const handler = async (event, context) => { console.log('asked'); return ${answer}; };`,
});

describe('a Node function', () => {
  test('runs with its configuration, its role and its name', async () => {
    const variables = { STAGE: 'dev', CERTIFICATE: '/var/task/ca.pem' };
    await create('hello', nodeCode('{ event, env: process.env, arn: context.invokedFunctionArn }'), {
      Environment: { Variables: variables },
    });
    const { answer, StatusCode, ExecutedVersion, FunctionError, LogResult } = await invoke('hello', { a: 1 });
    expect({ StatusCode, ExecutedVersion, FunctionError }).toEqual({
      StatusCode: 200,
      ExecutedVersion: '$LATEST',
    });
    expect(answer.event).toEqual({ a: 1 });
    expect(answer.arn).toBe(`arn:aws:lambda:${bed.region}:${bed.account}:function:hello`);
    expect(answer.env).toMatchObject({
      STAGE: 'dev',
      AWS_REGION: bed.region,
      AWS_ENDPOINT_URL: bed.endpoint,
    });
    expect(answer.env.CERTIFICATE).toBe(`${answer.env.LAMBDA_TASK_ROOT}/ca.pem`);
    expect(plane.identities.findSigner(answer.env.AWS_ACCESS_KEY_ID)?.arn).toBe(role);
    expect(Buffer.from(LogResult ?? '', 'base64').toString()).toMatch(/asked\n(.*\n)*REPORT/);
  });

  test('finds its layers, a later one over an earlier one', async () => {
    const publish = async (LayerName: string, files: Readonly<Record<string, string>>) => {
      const { LayerVersionArn = '' } = await lambda.send(
        new PublishLayerVersionCommand({ LayerName, Content: { ZipFile: await zipOf(files) } }),
      );
      return LayerVersionArn;
    };
    const Layers = [
      await publish('one', { 'nodejs/node_modules/a/index.js': 'module.exports = 1', 'ca.pem': 'one' }),
      await publish('two', { 'python/b.py': 'value = 2', 'ca.pem': 'two' }),
    ];
    const js = `const { readFileSync } = require('node:fs');
exports.handler = async () => [require('a'), readFileSync(process.env.CA, 'utf8'), typeof require('@aws-sdk/client-lambda').LambdaClient];`;
    const py = `import os, b
def handler(event, context): return [b.value, open(os.environ['CA']).read()]`;
    const change = { Layers, Environment: { Variables: { CA: '/opt/ca.pem' } } };
    await create('layered', { 'index.js': js }, change);
    await create(
      'layered-py',
      { 'app.py': py },
      { ...change, Runtime: 'python3.13', Handler: 'app.handler' },
    );
    expect((await invoke('layered')).answer).toEqual([1, 'two', 'function']);
    expect((await invoke('layered-py')).answer).toEqual([2, 'two']);
  });

  test('starts afresh after a change, and stays as it was in a version and behind an alias', async () => {
    await create('vary', nodeCode('1'));
    const { Version } = await lambda.send(new PublishVersionCommand({ FunctionName: 'vary' }));
    await lambda.send(
      new CreateAliasCommand({ FunctionName: 'vary', Name: 'live', FunctionVersion: Version ?? '' }),
    );
    expect((await invoke('vary')).answer).toBe(1);
    await lambda.send(
      new UpdateFunctionCodeCommand({
        FunctionName: 'vary',
        ZipFile: await zipOf(nodeCode('process.env.MODE ?? 2')),
      }),
    );
    expect((await invoke('vary')).answer).toBe(2);
    await lambda.send(
      new UpdateFunctionConfigurationCommand({
        FunctionName: 'vary',
        Environment: { Variables: { MODE: 'x' } },
      }),
    );
    expect((await invoke('vary')).answer).toBe('x');
    const aliased = await invoke('vary', {}, { Qualifier: 'live' });
    expect([aliased.answer, aliased.ExecutedVersion]).toEqual([1, '1']);

    const second = await lambda.send(new PublishVersionCommand({ FunctionName: 'vary' }));
    const weights = (weight: number) =>
      lambda.send(
        new UpdateAliasCommand({
          ...{ FunctionName: 'vary', Name: 'live' },
          RoutingConfig: { AdditionalVersionWeights: { [second.Version ?? '']: weight } },
        }),
      );
    await weights(1);
    expect((await invoke('vary:live')).answer).toBe('x');
  });

  test('are counted by alias and version', async () => {
    await create('counted', nodeCode(`(event.fail ? (() => { throw new Error('no') })() : 1)`));
    const { Version = '' } = await lambda.send(new PublishVersionCommand({ FunctionName: 'counted' }));
    await lambda.send(
      new CreateAliasCommand({ FunctionName: 'counted', Name: 'live', FunctionVersion: Version }),
    );
    await invoke('counted');
    await invoke('counted', {}, { Qualifier: 'live' });
    await invoke('counted', { fail: true }, { Qualifier: 'live' });
    const sum = async (MetricName: string, dimensions: Readonly<Record<string, string>>) => {
      const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
      const Metric = { Namespace: 'AWS/Lambda', MetricName, Dimensions };
      const { MetricDataResults } = await new CloudWatchClient(clientOptions(bed)).send(
        new GetMetricDataCommand({
          MetricDataQueries: [{ Id: 'sum', MetricStat: { Metric, Period: 3_600, Stat: 'Sum' } }],
          StartTime: new Date(Date.now() - 60_000),
          EndTime: new Date(Date.now() + 60_000),
        }),
      );
      return MetricDataResults?.[0]?.Values?.[0] ?? 0;
    };
    const all = { FunctionName: 'counted' };
    const live = { ...all, Resource: 'counted:live' };
    const first = { ...live, ExecutedVersion: Version };
    expect([
      ...[await sum('Invocations', all), await sum('Invocations', live), await sum('Invocations', first)],
      ...[await sum('Errors', first), await sum('Errors', { ...live, ExecutedVersion: '9' })],
    ]).toEqual([3, 2, 2, 1, 0]);
  });

  test('that throws, is absent, is only started or only asked about', async () => {
    await create('throws', nodeCode(`(() => { throw new TypeError('no') })()`));
    const failed = await invoke('throws');
    expect(failed.FunctionError).toBe('Unhandled');
    expect(failed.answer).toMatchObject({ errorType: 'TypeError', errorMessage: 'no' });
    await expect(invoke('absent')).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
      message: `Function not found: arn:aws:lambda:${bed.region}:${bed.account}:function:absent`,
    });
    expect((await invoke('throws', {}, { InvocationType: 'Event', LogType: 'None' })).StatusCode).toBe(202);
    expect((await invoke('throws', {}, { InvocationType: 'DryRun', LogType: 'None' })).StatusCode).toBe(204);
  });
});

describe('a function and a database', () => {
  let endpoint: string;
  let dbGroup: string;
  let fnGroup: string;
  let subnets: string[];
  const ec2 = () => new EC2Client(clientOptions(bed));

  beforeAll(async () => {
    const found = await ec2().send(new DescribeSubnetsCommand({}));
    const vpc = found.Subnets?.[0]?.VpcId ?? '';
    subnets = (found.Subnets ?? []).slice(0, 2).map(({ SubnetId }) => SubnetId ?? '');
    const group = async (GroupName: string) =>
      (await ec2().send(new CreateSecurityGroupCommand({ GroupName, Description: 'x', VpcId: vpc })))
        .GroupId ?? '';
    [dbGroup, fnGroup] = [await group('db'), await group('fn')];
    const rds = new RDSClient(clientOptions(bed));
    await rds.send(
      new CreateDBInstanceCommand({
        ...{
          DBInstanceIdentifier: 'db',
          Engine: 'postgres',
          DBInstanceClass: 'db.t4g.micro',
          AllocatedStorage: 20,
        },
        ...{ MasterUsername: 'boss', MasterUserPassword: 'first-Password', VpcSecurityGroupIds: [dbGroup] },
      }),
    );
    const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: 'db' }));
    endpoint = DBInstances?.[0]?.Endpoint?.Address ?? '';
  });

  const variables = () => ({
    ...{ PGHOST: endpoint, PGUSER: 'boss', PGPASSWORD: 'first-Password', PGDATABASE: 'postgres' },
    ...{ PGSSLMODE: 'verify-full', PGSSLROOTCERT: '/var/task/rds-ca.pem' },
  });

  test('meet over verified TLS at the RDS name, once the security groups allow it', async () => {
    const { outputFiles } = await build({
      stdin: {
        resolveDir: import.meta.dirname,
        contents: `import pg from 'pg'; import { readFileSync } from 'node:fs';
          export const handler = async ({ connectLimitMs }) => {
            const ssl = { ca: readFileSync(process.env.PGSSLROOTCERT, 'utf8') };
            const client = new pg.Client({ ssl, connectionTimeoutMillis: connectLimitMs });
            client.on('error', () => {});
            await client.connect();
            const { rows } = await client.query('SELECT current_user AS who, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
            await client.end();
            return { rows, host: client.host };
          };`,
      },
      ...{ bundle: true, platform: 'node', format: 'cjs', write: false, external: ['pg-native'] },
    });
    const [soon, late] = [{ connectLimitMs: 700 }, { connectLimitMs: 20_000 }];
    const code = { 'index.js': outputFiles[0]?.text ?? '', 'rds-ca.pem': plane.ca };
    await create('query', code, {
      Environment: { Variables: variables() },
      VpcConfig: { SubnetIds: subnets, SecurityGroupIds: [fnGroup] },
      Timeout: 30,
    });
    const blocked = await invoke('query', soon);
    expect(blocked.answer).toMatchObject({ errorMessage: expect.stringMatching(/timeout/) });
    await create('outside', code, { Environment: { Variables: variables() } });
    await ec2().send(
      new AuthorizeSecurityGroupIngressCommand({
        GroupId: dbGroup,
        IpPermissions: [
          { IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432, UserIdGroupPairs: [{ GroupId: fnGroup }] },
        ],
      }),
    );
    expect((await invoke('query', late)).answer).toEqual({
      rows: [{ who: 'boss', ssl: true }],
      host: endpoint,
    });
    expect((await invoke('outside', soon)).answer).toMatchObject({
      errorMessage: expect.stringMatching(/timeout/),
    });
  });

  test('in Python, too', async () => {
    const code = `import os
def handler(event, context):
    with open(os.environ['PGSSLROOTCERT']) as file: assert 'BEGIN' in file.read()
    return {'host': os.environ['PGHOST'], 'address': os.environ.get('PGHOSTADDR')}`;
    await create(
      'python',
      { 'app.py': code, 'rds-ca.pem': plane.ca },
      {
        ...{ Runtime: 'python3.13', Handler: 'app.handler', Environment: { Variables: variables() } },
        VpcConfig: { SubnetIds: subnets, SecurityGroupIds: [fnGroup] },
      },
    );
    const address = plane.findHost(endpoint)?.host;
    expect((await invoke('python')).answer).toEqual({ host: endpoint, address });
  });
});
