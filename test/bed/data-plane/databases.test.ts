import { readFileSync } from 'node:fs';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import {
  CreateDBClusterCommand,
  CreateDBInstanceCommand,
  CreateDBParameterGroupCommand,
  DeleteDBInstanceCommand,
  DescribeDBInstancesCommand,
  ModifyDBInstanceCommand,
  ModifyDBParameterGroupCommand,
  RDSClient,
  StartDBInstanceCommand,
  StopDBInstanceCommand,
  waitUntilDBInstanceAvailable,
} from '@aws-sdk/client-rds';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { Signer } from '@aws-sdk/rds-signer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ConnectionTarget } from '../../../src/database/target.ts';
import { withClient } from '../../../src/database/with-client.ts';
import { Secret } from '../../../src/secret.ts';
import { type Bed, startBed } from '../bed.ts';
import { clientOptions } from '../sdk.ts';
import { type DataPlane, startDataPlane } from './data-plane.ts';

let bed: Bed;
let plane: DataPlane;
let rds: RDSClient;
const password = 'first-Password';

beforeAll(async () => {
  bed = await startBed();
  plane = await startDataPlane(bed);
  rds = new RDSClient(clientOptions(bed));
});

afterAll(async () => {
  await plane.stop();
  await bed.stop();
});

const instance = (id: string) => ({
  DBInstanceIdentifier: id,
  Engine: 'postgres',
  DBInstanceClass: 'db.t4g.micro',
  AllocatedStorage: 20,
});

async function endpointOf(id: string): Promise<string> {
  await waitUntilDBInstanceAvailable(
    { client: rds, maxWaitTime: 30, minDelay: 0.01, maxDelay: 0.05 },
    { DBInstanceIdentifier: id },
  );
  const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: id }));
  return DBInstances?.[0]?.Endpoint?.Address ?? '';
}

function query(
  name: string,
  user: string,
  secret: Secret | string,
  sql: string,
  change: Partial<ConnectionTarget> = {},
) {
  const place = plane.findHost(name);
  if (place === undefined) throw new Error(`no address for ${name}`);
  const target: ConnectionTarget = {
    ...{ ...place, database: 'postgres', user, tls: { ca: plane.ca, name } },
    password: typeof secret === 'string' ? new Secret(secret) : secret,
    ...change,
  };
  return withClient(target, { applicationName: 'test' }, async (client) => (await client.query(sql)).rows);
}

describe('a DB instance with a password', () => {
  test('is a real server at the name that RDS answered, for as long as it exists', async () => {
    await rds.send(
      new CreateDBInstanceCommand({
        ...instance('one'),
        DBName: 'shop',
        MasterUsername: 'postgres',
        MasterUserPassword: password,
      }),
    );
    const name = await endpointOf('one');
    expect(readFileSync(plane.environment.LAMBDAPG_DB_HOST_MAP!.slice(1), 'utf8')).toContain(`${name}=127.`);
    expect(plane.hostMap()).toContain(`${name}=`);
    expect(
      await query(name, 'postgres', password, 'SELECT current_database()', { database: 'shop' }),
    ).toEqual([{ current_database: 'shop' }]);

    await rds.send(
      new ModifyDBInstanceCommand({
        DBInstanceIdentifier: 'one',
        MasterUserPassword: 'second-Password',
        ApplyImmediately: true,
      }),
    );
    await endpointOf('one');
    await expect(query(name, 'postgres', password, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    expect(await query(name, 'postgres', 'second-Password', 'SELECT 1 AS one')).toEqual([{ one: 1 }]);

    await rds.send(new StopDBInstanceCommand({ DBInstanceIdentifier: 'one' }));
    await expect(query(name, 'postgres', 'second-Password', 'SELECT 1')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    await expect
      .poll(() => rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: 'one' })))
      .toMatchObject({ DBInstances: [{ DBInstanceStatus: 'stopped' }] });
    await rds.send(new StartDBInstanceCommand({ DBInstanceIdentifier: 'one' }));
    await endpointOf('one');
    expect(await query(name, 'postgres', 'second-Password', 'SELECT 1 AS one')).toEqual([{ one: 1 }]);

    await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: 'one', SkipFinalSnapshot: true }));
    expect(plane.findHost(name)).toBeUndefined();
    expect(plane.databases.all()).toEqual([]);
  });

  test('its parameter group decides rds.force_ssl and max_connections', async () => {
    await rds.send(
      new CreateDBParameterGroupCommand({
        DBParameterGroupName: 'plain',
        DBParameterGroupFamily: 'postgres17',
        Description: 'x',
      }),
    );
    const set = (ParameterName: string, ParameterValue: string) =>
      rds.send(
        new ModifyDBParameterGroupCommand({
          DBParameterGroupName: 'plain',
          Parameters: [{ ParameterName, ParameterValue, ApplyMethod: 'pending-reboot' }],
        }),
      );
    await set('rds.force_ssl', '0');
    await set('max_connections', '25');
    await rds.send(
      new CreateDBInstanceCommand({
        ...{ ...instance('two'), EngineVersion: '17', DBParameterGroupName: 'plain' },
        ...{ MasterUsername: 'boss', MasterUserPassword: password },
      }),
    );
    const name = await endpointOf('two');
    const show = `SELECT current_setting('max_connections') AS most`;
    expect(await query(name, 'boss', password, show, { tls: false })).toEqual([{ most: '25' }]);
    await set('rds.force_ssl', '1');
    await expect
      .poll(() => query(name, 'boss', password, show, { tls: false }).catch((error) => error.code))
      .toBe('28000');
    await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: 'two', SkipFinalSnapshot: true }));
  });
});

test('a managed master secret opens the database', async () => {
  const { DBInstance } = await rds.send(
    new CreateDBInstanceCommand({
      ...instance('managed'),
      MasterUsername: 'boss',
      ManageMasterUserPassword: true,
    }),
  );
  const secrets = new SecretsManagerClient(clientOptions(bed));
  const { SecretString = '{}' } = await secrets.send(
    new GetSecretValueCommand({
      SecretId: DBInstance?.MasterUserSecret?.SecretArn,
      VersionStage: 'AWSCURRENT',
    }),
  );
  const held = JSON.parse(SecretString) as { username: string; password: string };
  const name = await endpointOf('managed');
  const change = { DBInstanceIdentifier: 'managed', ApplyImmediately: true };
  await rds.send(new ModifyDBInstanceCommand({ ...change, EnableIAMDatabaseAuthentication: true }));
  expect(await query(name, held.username, held.password, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await endpointOf('managed');
  await rds.send(new ModifyDBInstanceCommand({ ...change, RotateMasterUserPassword: true }));
  expect(await query(name, held.username, held.password, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  // RDS takes its time: some reads.
  await endpointOf('managed');
  await endpointOf('managed');
  await expect(query(name, held.username, held.password, 'SELECT 1')).rejects.toMatchObject({
    code: '28P01',
  });
});

describe('IAM authentication', () => {
  const token = (
    hostname: string,
    username: string,
    credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string },
  ) => new Signer({ hostname, port: 5432, username, region: bed.region, credentials }).getAuthToken();

  test('a master without a password logs in by a token, and a role as its policy allows', async () => {
    await rds.send(
      new CreateDBInstanceCommand({
        ...{ ...instance('iam'), MasterUsername: 'boss', EnableIAMDatabaseAuthentication: true },
        MasterUserAuthenticationType: 'iam-db-auth',
      }),
    );
    const name = await endpointOf('iam');
    const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } =
      bed.environment;
    const master = await token(name, 'boss', { accessKeyId, secretAccessKey });
    await query(name, 'boss', master, 'CREATE ROLE app LOGIN; GRANT rds_iam TO app');

    const iam = new IAMClient(clientOptions(bed));
    const trust = {
      Statement: [
        { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
      ],
    };
    const { Role } = await iam.send(
      new CreateRoleCommand({
        RoleName: 'fn',
        AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', ...trust }),
      }),
    );
    const sts = new STSClient(clientOptions(bed));
    const { Credentials } = await sts.send(
      new AssumeRoleCommand({ RoleArn: Role?.Arn, RoleSessionName: 'test' }),
    );
    const own = {
      accessKeyId: Credentials?.AccessKeyId ?? '',
      secretAccessKey: Credentials?.SecretAccessKey ?? '',
      sessionToken: Credentials?.SessionToken ?? '',
    };
    const asApp = async () => query(name, 'app', await token(name, 'app', own), 'SELECT current_user AS who');
    await expect(asApp()).rejects.toMatchObject({
      code: '28000',
      message: 'PAM authentication failed for user "app"',
    });
    expect(plane.databases.refusals.at(-1)).toMatch(/role\/fn may not rds-db:connect/);

    const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: 'iam' }));
    const Resource = `arn:aws:rds-db:${bed.region}:${bed.account}:dbuser:${DBInstances?.[0]?.DbiResourceId}/app`;
    const policy = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'rds-db:connect', Resource }],
    };
    await iam.send(
      new PutRolePolicyCommand({
        RoleName: 'fn',
        PolicyName: 'connect',
        PolicyDocument: JSON.stringify(policy),
      }),
    );
    expect(await asApp()).toEqual([{ who: 'app' }]);
    await expect(query(name, 'boss', await token(name, 'boss', own), 'SELECT 1')).rejects.toMatchObject({
      code: '28000',
    });
  });
});

test('an Aurora cluster answers once it has an instance; its reader only reads', async () => {
  const cluster = { DBClusterIdentifier: 'aurora', Engine: 'aurora-postgresql', EngineVersion: '17' };
  const { DBCluster } = await rds.send(
    new CreateDBClusterCommand({
      ...cluster,
      MasterUsername: 'boss',
      MasterUserPassword: password,
      DatabaseName: 'shop',
    }),
  );
  const [writer = '', reader = ''] = [DBCluster?.Endpoint, DBCluster?.ReaderEndpoint];
  expect(plane.findHost(writer)).toBeUndefined();
  const member = {
    Engine: 'aurora-postgresql',
    DBInstanceClass: 'db.serverless',
    DBClusterIdentifier: 'aurora',
  };
  await rds.send(new CreateDBInstanceCommand({ ...member, DBInstanceIdentifier: 'a1' }));
  await query(writer, 'boss', password, 'CREATE TABLE t (a int); INSERT INTO t VALUES (1)', {
    database: 'shop',
  });
  await query(reader, 'boss', password, 'INSERT INTO t VALUES (2)', { database: 'shop' });

  await rds.send(new CreateDBInstanceCommand({ ...member, DBInstanceIdentifier: 'a2' }));
  const count = 'SELECT count(*)::int AS n FROM t';
  expect(await query(reader, 'boss', password, count, { database: 'shop' })).toEqual([{ n: 2 }]);
  await expect(
    query(reader, 'boss', password, 'INSERT INTO t VALUES (3)', { database: 'shop' }),
  ).rejects.toMatchObject({ code: '25006' });
  expect(await query(await endpointOf('a1'), 'boss', password, count, { database: 'shop' })).toEqual([
    { n: 2 },
  ]);

  await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: 'a2', SkipFinalSnapshot: true }));
  await query(reader, 'boss', password, 'INSERT INTO t VALUES (4)', { database: 'shop' });
});

test('another engine is left to the gate', async () => {
  const mysql = { ...instance('other'), Engine: 'mysql' };
  await rds.send(
    new CreateDBInstanceCommand({ ...mysql, MasterUsername: 'boss', MasterUserPassword: password }),
  );
  expect(plane.findHost(await endpointOf('other'))).toBeUndefined();
  await rds.send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: 'other', SkipFinalSnapshot: true }));
});
