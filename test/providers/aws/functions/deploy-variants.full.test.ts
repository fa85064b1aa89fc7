import { describe, expect, test } from 'vitest';
import { aliasVersion, defaultFunctions, policyOf, routesOf, startDeployBed } from './deploy-bed.ts';

const name = (fn: string): string => `my-api-dev-${fn}`;

describe('a deployment', () => {
  test('with IAM may log in as one user of one proxy, and holds no secret and no certificate', async () => {
    const deployed = await startDeployBed({ auth: 'iam', proxy: {} });
    const { bed } = deployed;
    await deployed.deploy();
    const { environment } = await bed.functionCode(name('api'), 'live');
    expect(environment).toMatchObject({ LAMBDAPG_DB_AUTH: 'iam', PGUSER: 'my_api_a' });
    expect(Object.keys(environment)).not.toEqual(expect.arrayContaining(['PGSSLROOTCERT']));
    expect((await policyOf(deployed, 'api')).Statement.at(-1)).toEqual({
      ...{ Effect: 'Allow', Action: ['rds-db:connect'] },
      Resource: `arn:aws:rds-db:us-east-1:${bed.account}:dbuser:db-ABCDEFG/my_api_a`,
    });
  });

  test('of another configuration changes what differs, one step after the other', async () => {
    const deployed = await startDeployBed();
    await deployed.deploy();
    await deployed.change({
      functions: {
        ...defaultFunctions,
        overdue: { handler: 'src/overdue.handler', schedule: 'rate(2 days)', memoryMb: 512 },
      },
      sources: { 'src/overdue.ts': 'later' },
    });
    await deployed.deploy();
    const { configuration } = await deployed.bed.functionCode(name('overdue'), 'live');
    expect(configuration).toMatchObject({ MemorySize: 512, Version: '2' });
    const rule = await deployed.bed.aws({
      service: 'events',
      action: 'DescribeRule',
      input: { Name: name('overdue') },
    });
    expect(rule.ScheduleExpression).toBe('rate(2 days)');
    expect((await deployed.plan()).shown.changes).toBe(0);
  });

  test('of one function leaves the others as they are', async () => {
    const deployed = await startDeployBed();
    await expect(deployed.plan(['api'])).rejects.toMatchObject({ code: 'NOT_DEPLOYED' });
    await deployed.deploy();
    await deployed.change({
      sources: { 'src/api.ts': 'two', 'src/overdue.ts': 'two' },
    });
    await deployed.deploy(['overdue']);
    expect([await aliasVersion(deployed), await aliasVersion(deployed, 'overdue')]).toEqual(['1', '2']);
    await expect(deployed.plan(['nosuch'])).rejects.toMatchObject({ code: 'FUNCTION_NOT_FOUND' });
  });

  test('whose version does not answer well leaves the former one in place', async () => {
    const deployed = await startDeployBed();
    await deployed.deploy();
    await deployed.change({ sources: { 'src/api.ts': 'two' } });
    deployed.answers.version = (version) => ({ statusCode: version === '2' ? 503 : 200 });
    await expect(deployed.deploy()).rejects.toMatchObject({ code: 'HEALTH_CHECK_FAILED' });
    expect(await aliasVersion(deployed)).toBe('1');
  });

  test('takes back what somebody has changed by hand, and shows no value of theirs', async () => {
    const deployed = await startDeployBed();
    const { bed } = deployed;
    await deployed.deploy();
    const everything = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
    };
    const policy = {
      RoleName: name('api'),
      PolicyName: 'lambdapg',
      PolicyDocument: JSON.stringify(everything),
    };
    await bed.aws({ service: 'iam', action: 'PutRolePolicy', input: policy });
    const Variables = { PGPASSWORD: 'by-hand' };
    const input = { FunctionName: name('api'), Environment: { Variables } };
    await bed.aws({ service: 'lambda', action: 'UpdateFunctionConfiguration', input });
    const { shown } = await deployed.plan();
    const differing = shown.actions.flatMap(({ differences = [] }) =>
      differences.map(({ property }) => property),
    );
    expect(differing).toEqual(
      expect.arrayContaining(['PolicyDocument', 'Environment PGPASSWORD', 'Environment PGHOST']),
    );
    expect(JSON.stringify(shown)).not.toContain('by-hand');
    await deployed.deploy();
    expect((await policyOf(deployed, 'api')).Statement.length).toBe(4);
    expect((await deployed.plan()).shown.changes).toBe(0);
  });

  test('with very many routes lets the API call by one statement', async () => {
    const deployed = await startDeployBed();
    const routes = Array.from({ length: 40 }, (_, index) => `GET /things/${index}`);
    await deployed.change({ functions: { api: { handler: 'src/api.handler', routes } } });
    expect((await deployed.plan()).shown.warnings).toEqual([
      expect.stringContaining('no route serves /health'),
    ]);
    await deployed.deploy();
    const added = (await deployed.changes()).filter((call) => call === 'lambda:AddPermission');
    expect(added.length).toBe(1);
    expect((await routesOf(deployed)).keys.length).toBe(40);
  });
});
