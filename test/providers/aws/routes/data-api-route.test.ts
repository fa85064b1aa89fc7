import { describe, expect, test } from 'vitest';
import { probeJob } from '../../../../src/jobs/probe-job.ts';
import { type QueryInput, queryJob } from '../../../../src/jobs/query-job.ts';
import { dataApiRoute } from '../../../../src/providers/aws/routes/data-api-route.ts';
import type { StageDatabase } from '../../../../src/providers/aws/routes/stage-database.ts';
import { catchUserError, useSchemaBed } from '../../../seed/schema-bed.ts';
import { serveDataApi } from './data-api-double.ts';

const bed = useSchemaBed();

async function open(appSecretArn: string | undefined = 'arn:app') {
  const requests: unknown[] = [];
  const client = await serveDataApi(bed().target.admin, requests);
  const { admin, ownerRole } = bed().target;
  const database: StageDatabase = {
    admin,
    app: bed().app,
    ...(ownerRole !== undefined && { ownerRole }),
    publiclyAccessible: false,
    runnerName: 'runner',
    title: 'cluster',
    dataApi: {
      clusterArn: 'arn:cluster',
      database: 'library',
      adminSecretArn: 'arn:admin',
      ...(appSecretArn && { appSecretArn }),
    },
  };
  const route = dataApiRoute(bed().context, client, database);
  const query = (text: string, more: Partial<QueryInput> = {}, target = admin) =>
    route.run(queryJob, target, {
      path: '-c',
      text,
      oneTransaction: true,
      maxRows: 1000,
      maxSize: 1e9,
      ...more,
    });
  return { route, query, requests, database };
}

describe('query through the Data API', () => {
  test('values come as PostgreSQL writes them', async () => {
    const { query } = await open();
    const text = `SELECT 1 AS a, true AS b, NULL AS c, 'x' AS d, '{"k": 1}'::jsonb AS e, 0.5::float8 AS f, 7::int8 AS g`;
    const { results } = await query(text);
    expect(results[0]).toMatchObject({ command: 'SELECT', rowCount: 1, cut: false });
    expect(results[0]?.rows).toEqual([['1', 't', null, 'x', '{"k": 1}', '0.5', '7']]);
    expect(results[0]?.columns.map(({ name, typeId }) => [name, typeId]).slice(0, 2)).toEqual([
      ['a', 23],
      ['b', 16],
    ]);
  });

  test('the login is by the secret of who asks', async () => {
    const { query, requests } = await open();
    await query('SELECT 1');
    await query('SELECT 1', {}, bed().app);
    expect(requests).toMatchObject([
      { secretArn: 'arn:admin' },
      { secretArn: 'arn:app', resourceArn: 'arn:cluster' },
    ]);
    const without = await open('');
    expect((await catchUserError(without.query('SELECT 1', {}, bed().app))).code).toBe('ROUTE_UNFIT');
  });

  test('several statements of -c are one transaction, of -f each its own; a role is taken', async () => {
    const { query } = await open();
    await query('CREATE TABLE made (id int)', { role: 'library_owner' });
    expect(await bed().sql(`SELECT tableowner FROM pg_tables WHERE tablename = 'made'`)).toEqual([
      { tableowner: 'library_owner' },
    ]);
    const { results } = await query('INSERT INTO made VALUES (1), (2); SELECT id FROM made ORDER BY id', {
      maxRows: 1,
    });
    expect(results).toMatchObject([
      { command: 'INSERT', rowCount: 2 },
      { cut: true, rows: [['1']] },
    ]);
    await catchUserError(query('DELETE FROM made; SELECT 1/0'));
    expect(await bed().sql('SELECT FROM made')).toHaveLength(2);
    await catchUserError(query('DELETE FROM made; SELECT 1/0', { oneTransaction: false }));
    expect(await bed().sql('SELECT FROM made')).toHaveLength(0);
  });

  test('an error has its caret; a transaction that no session could hold is refused', async () => {
    const { query, requests } = await open();
    const failed = await catchUserError(query(`SELECT 'ä', nmae FROM pg_class`));
    expect(failed.code).toBe('STATEMENT_FAILED');
    expect(failed.message).toContain('-c:1:13: column "nmae" does not exist (42703)\n  1 | SELECT');
    const before = requests.length;
    expect((await catchUserError(query('BEGIN; SELECT 1'))).code).toBe('BAD_SQL_FILE');
    expect(requests).toHaveLength(before);
  });
});

test('probe says the version, or why not', async () => {
  const { route, database } = await open();
  const probe = await route.run(probeJob, database.admin, { timeoutMs: 1000 });
  expect(probe).toMatchObject({
    ok: true,
    steps: [{ stage: 'query', ok: true, detail: expect.stringMatching(/^PostgreSQL 17/) }],
  });
});
