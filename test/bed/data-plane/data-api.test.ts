import {
  CreateDBClusterCommand,
  CreateDBInstanceCommand,
  DescribeDBClustersCommand,
  DisableHttpEndpointCommand,
  EnableHttpEndpointCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import {
  BatchExecuteStatementCommand,
  BeginTransactionCommand,
  CommitTransactionCommand,
  ExecuteStatementCommand,
  type ExecuteStatementCommandInput,
  RDSDataClient,
  RollbackTransactionCommand,
} from '@aws-sdk/client-rds-data';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bed, startBed } from '../bed.ts';
import { clientOptions } from '../sdk.ts';
import { bindParameters } from './data-fields.ts';
import { type DataPlane, startDataPlane } from './data-plane.ts';

test('named parameters are found in code alone', () => {
  const values = ['a', 'b'].map((name) => ({ name, value: { stringValue: name } }));
  const sql = `SELECT ':a', ":a", a::text, $x$ :a $x$, :b, :a -- :a\n, /* :a */ :b`;
  const { text, values: bound } = bindParameters(sql, values);
  expect(text).toBe(
    `SELECT ':a', ":a", a::text, $x$ :a $x$, $1::varchar, $2::varchar -- :a\n, /* :a */ $1::varchar`,
  );
  expect(bound).toEqual(['b', 'a']);
});

describe('the Data API of a cluster', () => {
  let bed: Bed;
  let plane: DataPlane;
  let data: RDSDataClient;
  let base: { resourceArn: string; secretArn: string; database: string };

  beforeAll(async () => {
    bed = await startBed({ pace: { default: 0 } });
    plane = await startDataPlane(bed);
    data = new RDSDataClient(clientOptions(bed));
    const rds = new RDSClient(clientOptions(bed));
    const cluster = { Engine: 'aurora-postgresql', DBClusterIdentifier: 'aurora' };
    const { DBCluster } = await rds.send(
      new CreateDBClusterCommand({
        ...{ ...cluster, EngineVersion: '17', DatabaseName: 'shop', EnableHttpEndpoint: true },
        ...{ MasterUsername: 'boss', ManageMasterUserPassword: true },
      }),
    );
    base = {
      resourceArn: DBCluster?.DBClusterArn ?? '',
      secretArn: DBCluster?.MasterUserSecret?.SecretArn ?? '',
      database: 'shop',
    };
    await expect(run('SELECT 1')).rejects.toMatchObject({ name: 'DatabaseUnavailableException' });
    await rds.send(
      new CreateDBInstanceCommand({
        ...cluster,
        DBInstanceIdentifier: 'a1',
        DBInstanceClass: 'db.serverless',
      }),
    );
  });

  afterAll(async () => {
    await plane.stop();
    await bed.stop();
  });

  const run = (sql: string, change: Partial<ExecuteStatementCommandInput> = {}) =>
    data.send(new ExecuteStatementCommand({ ...base, sql, ...change }));

  test('answers typed fields and JSON', async () => {
    const sql = `SELECT 1 AS n, true AS b, 1.5::float8 AS d, 1.50::numeric AS m, NULL AS x, 'é' AS s,
      '\\x01ff'::bytea AS raw, '2026-11-21 10:00+01'::timestamptz AS at`;
    const { records, numberOfRecordsUpdated } = await run(sql);
    expect(numberOfRecordsUpdated).toBe(0);
    expect(records).toEqual([
      [
        ...[
          { longValue: 1 },
          { booleanValue: true },
          { doubleValue: 1.5 },
          { stringValue: '1.50' },
          { isNull: true },
        ],
        ...[
          { stringValue: 'é' },
          { blobValue: new Uint8Array([1, 255]) },
          { stringValue: '2026-11-21 09:00:00' },
        ],
      ],
    ]);
    const { formattedRecords = '' } = await run('SELECT 1 AS n, NULL AS x', { formatRecordsAs: 'JSON' });
    expect(JSON.parse(formattedRecords)).toEqual([{ n: 1, x: null }]);
  });

  test('binds parameters, refuses several statements, explains errors', async () => {
    await run('CREATE TABLE item (id uuid, n int)');
    const id = { name: 'id', value: { stringValue: '0192d4a1-0000-7000-8000-000000000000' } };
    const insert = 'INSERT INTO item VALUES (:id, :n)';
    const n = { name: 'n', value: { longValue: 7 } };
    await expect(run(insert, { parameters: [id, n] })).rejects.toMatchObject({
      name: 'DatabaseErrorException',
      message: expect.stringMatching(
        /^ERROR: column "id" is of type uuid but .* Position: \d+; SQLState: 42804$/,
      ),
    });
    const { numberOfRecordsUpdated } = await run(insert, { parameters: [{ ...id, typeHint: 'UUID' }, n] });
    expect(numberOfRecordsUpdated).toBe(1);
    await data.send(
      new BatchExecuteStatementCommand({
        ...{ ...base, sql: 'INSERT INTO item (n) VALUES (:n)' },
        parameterSets: [1, 2].map((longValue) => [{ name: 'n', value: { longValue } }]),
      }),
    );
    expect((await run('SELECT count(*) FROM item')).records).toEqual([[{ longValue: 3 }]]);
    await expect(run('SELECT 1; SELECT 2')).rejects.toMatchObject({ name: 'DatabaseErrorException' });
  });

  test('is there only while the endpoint is enabled', async () => {
    const rds = new RDSClient(clientOptions(bed));
    await rds.send(new DisableHttpEndpointCommand({ ResourceArn: base.resourceArn }));
    await expect(run('SELECT 1')).rejects.toMatchObject({ name: 'HttpEndpointNotEnabledException' });
    await rds.send(new EnableHttpEndpointCommand({ ResourceArn: base.resourceArn }));
    const { DBClusters } = await rds.send(new DescribeDBClustersCommand({}));
    expect(DBClusters?.[0]?.HttpEndpointEnabled).toBe(true);
  });

  test('keeps a transaction to itself until it ends', async () => {
    await run('CREATE TABLE t (a int)');
    const begin = async () => (await data.send(new BeginTransactionCommand(base))).transactionId ?? '';
    const count = async () => (await run('SELECT count(*) FROM t')).records?.[0]?.[0]?.longValue;
    const first = await begin();
    await run('INSERT INTO t VALUES (1)', { transactionId: first });
    expect(await count()).toBe(0);
    await data.send(new CommitTransactionCommand({ ...base, transactionId: first }));
    expect(await count()).toBe(1);
    const second = await begin();
    await run('INSERT INTO t VALUES (2)', { transactionId: second });
    await data.send(new RollbackTransactionCommand({ ...base, transactionId: second }));
    expect(await count()).toBe(1);
    await expect(run('SELECT 1', { transactionId: second })).rejects.toMatchObject({
      name: 'TransactionNotFoundException',
    });
  });
});
