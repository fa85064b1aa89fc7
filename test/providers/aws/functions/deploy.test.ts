import { describe, expect, test } from 'vitest';
import { policyFor } from '../../../../src/providers/aws/permissions/policy.ts';
import { coveredBy } from '../permissions/covered-by.ts';
import { aliasVersion, policyOf, routesOf, startDeployBed } from './deploy-bed.ts';
import { secretArn } from './deploy-run.ts';

const name = (fn: string): string => `my-api-dev-${fn}`;

describe('a first deployment', () => {
  test('makes everything with no more rights than it needs, asks the version first, then the URL', async () => {
    const deployed = await startDeployBed();
    const { bed, asked } = deployed;
    const result = await deployed.deploy();
    expect(result).toMatchObject({
      functions: [
        { name: 'api', version: '1' },
        { name: 'overdue', version: '1' },
      ],
      health: { status: 200 },
    });
    expect(asked).toEqual(['version 1', 'url /health']);
    const log = await bed.requests();
    const at = (action: string): number => log.findIndex((call) => call.action === action);
    expect(at('Invoke')).toBeLessThan(at('CreateAlias'));
    expect(at('CreateLogGroup')).toBeLessThan(at('CreateFunction'));
    const { environment } = await bed.functionCode(name('api'), 'live');
    const input = { FunctionName: name('api'), Qualifier: 'live' };
    const read = { service: 'lambda', action: 'GetFunctionConfiguration', input, plain: false };
    expect(await bed.aws(read)).toMatchObject({
      ...{ Runtime: 'nodejs24.x', Handler: 'index.handler', MemorySize: 256, Timeout: 10 },
      ...{ Architectures: ['arm64'], Role: `arn:aws:iam::${bed.account}:role/my-api-dev-api` },
      VpcConfig: { SubnetIds: deployed.input.subnetIds, SecurityGroupIds: [deployed.input.groupId] },
      LoggingConfig: { LogFormat: 'JSON', LogGroup: '/aws/lambda/my-api-dev-api' },
    });
    expect(environment).toEqual({
      MOOD: 'good',
      PGHOST: 'db.example.rds.amazonaws.com',
      PGPORT: '5432',
      PGDATABASE: 'my_api',
      PGSSLMODE: 'verify-full',
      PGSSLROOTCERT: './rds-ca.pem',
      LAMBDAPG_SECRET_ARN: secretArn,
    });
    expect((await policyOf(deployed, 'api')).Statement).toEqual([
      {
        Effect: 'Allow',
        Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        Resource: `arn:aws:logs:us-east-1:${bed.account}:log-group:/aws/lambda/my-api-dev-api:*`,
      },
      { Effect: 'Allow', Action: expect.arrayContaining(['ec2:CreateNetworkInterface']), Resource: '*' },
      {
        ...{ Effect: 'Deny', Action: expect.arrayContaining(['ec2:CreateNetworkInterface']), Resource: '*' },
        Condition: {
          ArnEquals: {
            'lambda:SourceFunctionArn': `arn:aws:lambda:us-east-1:${bed.account}:function:my-api-dev-api`,
          },
        },
      },
      {
        Effect: 'Allow',
        Action: ['secretsmanager:GetSecretValue'],
        Resource: environment.LAMBDAPG_SECRET_ARN,
      },
    ]);
    expect(await routesOf(deployed)).toEqual({
      keys: ['ANY /books/{proxy+}', 'GET /health'],
      integrations: 1,
    });
  });

  test('lets only the routes and the schedule call, each its own alias', async () => {
    const deployed = await startDeployBed();
    const { bed } = deployed;
    await deployed.deploy();
    const callers = async (fn: string): Promise<unknown[]> => {
      const input = { FunctionName: name(fn), Qualifier: 'live' };
      const { Policy } = await bed.aws({ service: 'lambda', action: 'GetPolicy', input });
      const { Statement } = JSON.parse(String(Policy)) as {
        Statement: Record<string, Record<string, unknown>>[];
      };
      return Statement.map(({ Resource, Condition }) => [
        Resource,
        Object.values(Condition?.ArnLike ?? {})[0],
      ]).sort();
    };
    const alias = (fn: string): string => `arn:aws:lambda:us-east-1:${bed.account}:function:${name(fn)}:live`;
    const api = (end: string) =>
      expect.stringMatching(new RegExp(`^arn:aws:execute-api:us-east-1:\\d+:\\w+/${end}$`));
    expect(await callers('api')).toEqual([
      [alias('api'), api('[*]/[*]/books/{proxy[+]}')],
      [alias('api'), api('[*]/GET/health')],
    ]);
    expect(await callers('overdue')).toEqual([
      [alias('overdue'), `arn:aws:events:us-east-1:${bed.account}:rule/my-api-dev-overdue`],
    ]);
    const { Targets } = await bed.aws({
      service: 'events',
      action: 'ListTargetsByRule',
      input: { Rule: name('overdue') },
    });
    expect(Targets).toMatchObject([{ Arn: alias('overdue') }]);
    const { ReservedConcurrentExecutions } = await bed.aws({
      ...{ service: 'lambda', action: 'GetFunctionConcurrency', input: { FunctionName: name('overdue') } },
    });
    expect(ReservedConcurrentExecutions).toBe(2);
  });

  test('whose version does not answer well lets nobody in, and goes on once it does', async () => {
    const deployed = await startDeployBed();
    deployed.answers.version = () => ({ statusCode: 500, body: 'no database' });
    await expect(deployed.deploy()).rejects.toMatchObject({
      code: 'HEALTH_CHECK_FAILED',
      exit: 1,
      message: expect.stringMatching(
        /^version 1 of my-api-dev-api answers 500 on \/health in \d+ ms: no database\n {2}START\n {2}the log says why/,
      ),
    });
    expect((await deployed.changes()).filter((call) => /Alias|Route|Rule/.test(call))).toEqual([]);
    deployed.answers.version = () => ({ statusCode: 200 });
    expect(await deployed.deploy()).toMatchObject({ functions: [{ version: '1' }, { version: '1' }] });
  });
});

describe('a second deployment', () => {
  test('of the same changes nothing, and asks the URL', async () => {
    const deployed = await startDeployBed();
    await deployed.deploy();
    await deployed.bed.clearRequests();
    expect((await deployed.plan()).shown).toMatchObject({ changes: 0 });
    expect(await deployed.deploy()).toMatchObject({ created: [], updated: [], health: { status: 200 } });
    expect(await deployed.changes()).toEqual([]);
  });

  test('of new code shifts that function alone', async () => {
    const deployed = await startDeployBed();
    await deployed.deploy();
    await deployed.change({ sources: { 'src/api.ts': 'two' } });
    const { shown } = await deployed.plan();
    expect(shown.actions.filter(({ kind }) => kind !== 'keep').map(({ step, kind }) => [step, kind])).toEqual(
      [
        ['function-api', 'update'],
        ['alias-api', 'update'],
      ],
    );
    expect(await deployed.deploy()).toMatchObject({
      functions: [
        { name: 'api', version: '2', former: '1' },
        { name: 'overdue', version: '1' },
      ],
    });
    expect(await aliasVersion(deployed)).toBe('2');
  });

  test('whose URL does not answer well goes back', async () => {
    const deployed = await startDeployBed();
    await deployed.deploy();
    await deployed.change({
      sources: { 'src/api.ts': 'two', 'src/overdue.ts': 'two' },
    });
    deployed.answers.url = 500;
    await expect(deployed.deploy()).rejects.toMatchObject({
      code: 'ROLLED_BACK',
      exit: 1,
      message: expect.stringMatching(
        /^http.*\/health answers 500: from the url\nrolled back: api from version 2 to 1, overdue from version 2 to 1$/,
      ),
    });
    expect([await aliasVersion(deployed), await aliasVersion(deployed, 'overdue')]).toEqual(['1', '1']);
  });

  test('takes away functions, routes and schedules that are gone from lambdapg.json, and nothing of others', async () => {
    const deployed = await startDeployBed();
    await deployed.deploy();
    await deployed.bed.aws({
      ...{
        service: 'logs',
        action: 'CreateLogGroup',
        input: { logGroupName: '/aws/lambda/my-api-dev-theirs' },
      },
    });
    await deployed.change({ functions: { api: { handler: 'src/api.handler', routes: ['GET /health'] } } });
    const result = await deployed.deploy();
    expect([...result.removed].sort()).toEqual(['function-overdue', 'role-overdue', 'schedule-overdue']);
    const where = {
      project: 'my-api',
      stage: 'dev',
      account: deployed.bed.account,
      region: 'us-east-1',
      partition: 'aws',
    };
    expect(await coveredBy(policyFor(['deploy'], where), await deployed.bed.requests(), where)).toEqual([]);
    expect(await routesOf(deployed)).toEqual({ keys: ['GET /health'], integrations: 1 });
    expect((await deployed.plan()).shown.changes).toBe(0);
  });
});

describe('what is not ours', () => {
  test('is never touched', async () => {
    const deployed = await startDeployBed();
    const { bed } = deployed;
    await deployed.deploy();
    await bed.aws({
      ...{ service: 'lambda', action: 'UntagResource' },
      input: {
        Resource: `arn:aws:lambda:us-east-1:${bed.account}:function:${name('api')}`,
        TagKeys: ['lambdapg:project'],
      },
    });
    await bed.clearRequests();
    await expect(deployed.deploy()).rejects.toMatchObject({
      code: 'PLAN_REFUSED',
      message: expect.stringContaining(
        "function my-api-dev-api: my-api-dev-api exists and does not carry this project's tags",
      ),
    });
    expect(await deployed.changes()).toEqual([]);
  });

  test('a function name that lambdapg uses itself is refused', async () => {
    const deployed = await startDeployBed();
    await deployed.change({ functions: { runner: { handler: 'src/api.handler' } } });
    await expect(deployed.plan()).rejects.toMatchObject({ code: 'RESERVED_NAME', exit: 2 });
  });
});
