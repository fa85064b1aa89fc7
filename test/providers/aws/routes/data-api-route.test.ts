import { CreateDBClusterCommand, CreateDBInstanceCommand, RDSClient } from '@aws-sdk/client-rds';
import { RDSDataClient } from '@aws-sdk/client-rds-data';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseHostMap } from '../../../../src/database/host-map.ts';
import type { OpenDatabase } from '../../../../src/database/open-database.ts';
import type { ConnectionTarget } from '../../../../src/database/target.ts';
import { withClient } from '../../../../src/database/with-client.ts';
import { probeJob } from '../../../../src/jobs/probe-job.ts';
import { type QueryInput, queryJob } from '../../../../src/jobs/query-job.ts';
import { openStageDatabase } from '../../../../src/providers/aws/routes/choose-route.ts';
import type { DataApi } from '../../../../src/providers/aws/routes/stage-database.ts';
import { Secret } from '../../../../src/secret.ts';
import { type Bed, startBed } from '../../../bed/bed.ts';
import { type DataPlane, startDataPlane } from '../../../bed/data-plane/data-plane.ts';
import { clientOptions } from '../../../bed/sdk.ts';
import { testContext } from '../../../postgres-server.ts';
import { catchUserError } from '../../../seed/schema-bed.ts';

const context = testContext();
let bed: Bed;
let plane: DataPlane;
let opened: OpenDatabase;
let dialled: ConnectionTarget;

beforeAll(async () => {
  bed = await startBed({ pace: { default: 0 } });
  plane = await startDataPlane(bed);
  const { admin, dataApi } = await createCluster();
  const place = plane.findHost(admin.host);
  if (place === undefined) throw new Error('the cluster has no address');
  dialled = { ...admin, ...place, tls: { ca: plane.ca, name: admin.host } };
  const database = {
    admin,
    app: { ...admin, user: 'shop_a' },
    publiclyAccessible: false,
    runnerName: 'none',
    title: 'cluster',
    dataApi,
  };
  const clients = {
    lambda: () => {
      throw new Error('no runner is needed');
    },
    rdsData: async () => new RDSDataClient(clientOptions(bed)),
  };
  opened = openStageDatabase(context, clients, database, { hostMap: parseHostMap({}) });
});
afterAll(async () => {
  await plane.stop();
  await bed.stop();
});

async function createCluster(): Promise<{ admin: ConnectionTarget; dataApi: DataApi }> {
  const rds = new RDSClient(clientOptions(bed));
  const cluster = { Engine: 'aurora-postgresql', DBClusterIdentifier: 'aurora' };
  const { DBCluster } = await rds.send(
    new CreateDBClusterCommand({
      ...{ ...cluster, EngineVersion: '17', DatabaseName: 'shop', EnableHttpEndpoint: true },
      ...{ MasterUsername: 'boss', ManageMasterUserPassword: true },
    }),
  );
  const instance = { ...cluster, DBInstanceIdentifier: 'a1', DBInstanceClass: 'db.serverless' };
  await rds.send(new CreateDBInstanceCommand(instance));
  const { DBClusterArn: clusterArn = '', Endpoint: host = '', Port: port = 5432 } = DBCluster ?? {};
  const adminSecretArn = DBCluster?.MasterUserSecret?.SecretArn ?? '';
  const secrets = new SecretsManagerClient(clientOptions(bed));
  const { SecretString = '{}' } = await secrets.send(new GetSecretValueCommand({ SecretId: adminSecretArn }));
  const { password } = JSON.parse(SecretString) as { password: string };
  return {
    admin: { host, port, database: 'shop', user: 'boss', password: new Secret(password), tls: {} },
    dataApi: { clusterArn, database: 'shop', adminSecretArn },
  };
}

const query = (text: string, more: Partial<QueryInput> = {}, target = opened.admin) =>
  opened.run(queryJob, target, {
    path: '-c',
    text,
    oneTransaction: true,
    maxRows: 1000,
    maxSize: 1e9,
    ...more,
  });
/** Past the Data API. */
const sql = (text: string) =>
  withClient(dialled, { applicationName: 'test' }, async (client) => (await client.query(text)).rows);

describe('query through the Data API', () => {
  test('is the way to a private cluster, and its values come as PostgreSQL writes them', async () => {
    const text = `SELECT 1 AS a, true AS b, NULL AS c, 'x' AS d, '{"k": 1}'::jsonb AS e, 0.5::float8 AS f, 7::int8 AS g, '\\x01ff'::bytea AS h`;
    const { results } = await query(text);
    expect(results[0]).toMatchObject({ command: 'SELECT', rowCount: 1, cut: false });
    expect(results[0]?.rows).toEqual([['1', 't', null, 'x', '{"k": 1}', '0.5', '7', '\\x01ff']]);
    expect(results[0]?.columns.slice(0, 2)).toEqual([
      { name: 'a', typeId: 23 },
      { name: 'b', typeId: 16 },
    ]);
    const routes = context.events.filter(({ type }) => type === 'route');
    expect(routes).toMatchObject([{ route: 'data-api', message: 'reaches cluster through the Data API' }]);
  });

  test('a login without a secret is not to be had', async () => {
    expect((await catchUserError(query('SELECT 1', {}, opened.app))).code).toBe('ROUTE_UNFIT');
  });

  test('several statements of -c are one transaction, of -f each its own; a role is taken', async () => {
    await sql(
      'CREATE ROLE shop_owner; GRANT shop_owner TO boss; GRANT CREATE ON SCHEMA public TO shop_owner',
    );
    await query('CREATE TABLE made (id int)', { role: 'shop_owner' });
    expect(await sql(`SELECT tableowner FROM pg_tables WHERE tablename = 'made'`)).toEqual([
      { tableowner: 'shop_owner' },
    ]);
    const role = 'shop_owner';
    const both = 'INSERT INTO made VALUES (1), (2); SELECT id FROM made ORDER BY id';
    const { results } = await query(both, { role, maxRows: 1 });
    expect(results).toMatchObject([
      { command: 'INSERT', rowCount: 2 },
      { cut: true, rows: [['1']] },
    ]);
    await catchUserError(query('DELETE FROM made; SELECT 1/0', { role }));
    expect(await query('SELECT id FROM made', { role })).toMatchObject({ results: [{ rowCount: 2 }] });
    const apart = query('DELETE FROM made; SELECT 1/0', { role, oneTransaction: false });
    expect((await catchUserError(apart)).message).toContain('the statement before it was done');
    expect(await query('SELECT id FROM made', { role })).toMatchObject({ results: [{ rowCount: 0 }] });
  });

  test('an error has its caret; a transaction that no session could hold is refused', async () => {
    const failed = await catchUserError(query(`SELECT 'ä', nmae FROM pg_class`));
    expect(failed.code).toBe('STATEMENT_FAILED');
    expect(failed.message).toContain('-c:1:13: column "nmae" does not exist (42703)\n  1 | SELECT');
    await bed.clearRequests();
    expect((await catchUserError(query('BEGIN; SELECT 1'))).code).toBe('BAD_SQL_FILE');
    expect(await bed.requests()).toEqual([]);
  });

  test('a result above the service’s limit names a way for it', async () => {
    const long = await catchUserError(query(`SELECT repeat('x', 60000) FROM generate_series(1, 30)`));
    expect(long.code).toBe('RESULT_TOO_LONG');
    expect(long.suggestions).toContain('or --route runner');
  });
});

test('probe says the version, or why not', async () => {
  const probe = await opened.run(probeJob, opened.admin, { timeoutMs: 1000 });
  const detail = expect.stringMatching(/^PostgreSQL 17/);
  expect(probe).toMatchObject({ ok: true, steps: [{ stage: 'query', ok: true, detail }] });
});
