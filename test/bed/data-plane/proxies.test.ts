import { DescribeSubnetsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { CreateRoleCommand, IAMClient, PutRolePolicyCommand } from '@aws-sdk/client-iam';
import {
  CreateDBInstanceCommand,
  CreateDBProxyCommand,
  DeleteDBProxyCommand,
  DescribeDBInstancesCommand,
  DescribeDBProxiesCommand,
  DescribeDBProxyTargetsCommand,
  ModifyDBInstanceCommand,
  ModifyDBProxyTargetGroupCommand,
  RDSClient,
  RegisterDBProxyTargetsCommand,
} from '@aws-sdk/client-rds';
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { Signer } from '@aws-sdk/rds-signer';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withClient } from '../../../src/database/with-client.ts';
import { Secret } from '../../../src/secret.ts';
import { type Bed, startBed } from '../bed.ts';
import { clientOptions } from '../sdk.ts';
import { type DataPlane, startDataPlane } from './data-plane.ts';

let bed: Bed;
let plane: DataPlane;
let rds: RDSClient;
let iam: IAMClient;
let subnets: string[];
let dbResourceId: string;
const password = 'first-Password';

beforeAll(async () => {
  bed = await startBed({ pace: { default: 0 } });
  plane = await startDataPlane(bed, { checksNetwork: false });
  rds = new RDSClient(clientOptions(bed));
  iam = new IAMClient(clientOptions(bed));
  const found = await new EC2Client(clientOptions(bed)).send(new DescribeSubnetsCommand({}));
  subnets = (found.Subnets ?? []).slice(0, 2).map(({ SubnetId }) => SubnetId ?? '');
  await rds.send(
    new CreateDBInstanceCommand({
      ...{
        DBInstanceIdentifier: 'db',
        Engine: 'postgres',
        DBInstanceClass: 'db.t4g.micro',
        AllocatedStorage: 20,
      },
      ...{ MasterUsername: 'boss', MasterUserPassword: password, EnableIAMDatabaseAuthentication: true },
    }),
  );
  const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: 'db' }));
  dbResourceId = DBInstances?.[0]?.DbiResourceId ?? '';
});

afterAll(async () => {
  await plane.stop();
  await bed.stop();
});

async function roleFor(RoleName: string, service: string): Promise<string> {
  const trust = { Effect: 'Allow', Principal: { Service: service }, Action: 'sts:AssumeRole' };
  const document = JSON.stringify({ Version: '2012-10-17', Statement: [trust] });
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: document }));
  return Role?.Arn ?? '';
}

async function allow(RoleName: string, Action: string, Resource: string): Promise<void> {
  const document = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource }] };
  await iam.send(
    new PutRolePolicyCommand({ RoleName, PolicyName: 'own', PolicyDocument: JSON.stringify(document) }),
  );
}

async function proxyOf(DBProxyName: string) {
  const { DBProxies } = await rds.send(new DescribeDBProxiesCommand({ DBProxyName }));
  return {
    name: DBProxies?.[0]?.Endpoint ?? '',
    resourceId: DBProxies?.[0]?.DBProxyArn?.split(':').at(-1) ?? '',
  };
}

async function health(DBProxyName: string) {
  const { Targets } = await rds.send(new DescribeDBProxyTargetsCommand({ DBProxyName }));
  return Targets?.[0]?.TargetHealth;
}

function query(name: string, user: string, secret: string, sql: string) {
  const place = plane.findHost(name);
  if (place === undefined) throw new Error(`no address for ${name}`);
  const target = {
    ...place,
    database: 'postgres',
    user,
    password: new Secret(secret),
    tls: { ca: plane.ca, name },
  };
  return withClient(target, { applicationName: 'test' }, async (client) => (await client.query(sql)).rows);
}

test('a proxy with secrets: health tells the truth, clients log in, the pool is as configured', async () => {
  const secrets = new SecretsManagerClient(clientOptions(bed));
  const put = (value: string) => JSON.stringify({ username: 'boss', password: value });
  const { ARN } = await secrets.send(new CreateSecretCommand({ Name: 'boss', SecretString: put('wrong') }));
  const RoleArn = await roleFor('proxy', 'rds.amazonaws.com');
  await rds.send(
    new CreateDBProxyCommand({
      ...{
        DBProxyName: 'pooled',
        EngineFamily: 'POSTGRESQL',
        RoleArn,
        VpcSubnetIds: subnets,
        RequireTLS: true,
      },
      Auth: [{ AuthScheme: 'SECRETS', SecretArn: ARN, IAMAuth: 'DISABLED' }],
    }),
  );
  await rds.send(new RegisterDBProxyTargetsCommand({ DBProxyName: 'pooled', DBInstanceIdentifiers: ['db'] }));
  const refused = { State: 'UNAVAILABLE', Reason: 'AUTH_FAILURE' };
  expect(await health('pooled')).toMatchObject({
    ...refused,
    Description: expect.stringMatching(/may not read/),
  });
  await allow('proxy', 'secretsmanager:GetSecretValue', ARN ?? '');
  expect(await health('pooled')).toMatchObject({
    ...refused,
    Description: expect.stringMatching(/password auth/),
  });
  await secrets.send(new PutSecretValueCommand({ SecretId: ARN, SecretString: put(password) }));
  expect(await health('pooled')).toEqual({ State: 'AVAILABLE' });

  await rds.send(
    new ModifyDBProxyTargetGroupCommand({
      ...{ DBProxyName: 'pooled', TargetGroupName: 'default' },
      ConnectionPoolConfig: { MaxConnectionsPercent: 10, MaxIdleConnectionsPercent: 5 },
    }),
  );
  const { name } = await proxyOf('pooled');
  expect(await query(name, 'boss', password, 'SELECT current_user AS who')).toEqual([{ who: 'boss' }]);
  expect(plane.proxies.find('pooled')?.metrics()).toMatchObject({ MaxDatabaseConnectionsAllowed: 6 });
  const before = plane.proxies.find('pooled');
  const change = { DBInstanceIdentifier: 'db', ApplyImmediately: true };
  for (const EnableIAMDatabaseAuthentication of [false, true])
    await rds.send(new ModifyDBInstanceCommand({ ...change, EnableIAMDatabaseAuthentication }));
  expect(plane.proxies.find('pooled')).not.toBe(before);
  expect(await query(name, 'boss', password, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await expect(query(name, 'stranger', password, 'SELECT 1')).rejects.toThrow(
    /no credentials for the role stranger/,
  );

  await rds.send(new DeleteDBProxyCommand({ DBProxyName: 'pooled' }));
  expect(plane.findHost(name)).toBeUndefined();
});

test('a proxy goes on with a secret that it has read, for as long as a test says', async () => {
  const secrets = new SecretsManagerClient(clientOptions(bed));
  const put = (value: string) => JSON.stringify({ username: 'slot', password: value });
  const { ARN } = await secrets.send(new CreateSecretCommand({ Name: 'slot', SecretString: put('old-one') }));
  const RoleArn = await roleFor('aged-proxy', 'rds.amazonaws.com');
  await allow('aged-proxy', 'secretsmanager:GetSecretValue', ARN ?? '');
  const server = plane.databases.find('instance', 'db')?.server;
  await server?.asAdmin((client) => client.query('CREATE ROLE slot LOGIN'));
  await server?.setPassword('slot', new Secret('old-one'));
  await rds.send(
    new CreateDBProxyCommand({
      ...{ DBProxyName: 'aged', EngineFamily: 'POSTGRESQL', RoleArn, VpcSubnetIds: subnets },
      Auth: [{ AuthScheme: 'SECRETS', SecretArn: ARN, IAMAuth: 'DISABLED' }],
    }),
  );
  await rds.send(new RegisterDBProxyTargetsCommand({ DBProxyName: 'aged', DBInstanceIdentifiers: ['db'] }));
  const { name } = await proxyOf('aged');
  plane.proxies.secretMemory.ageMs = Number.POSITIVE_INFINITY;
  expect(await query(name, 'slot', 'old-one', 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await server?.setPassword('slot', new Secret('new-one'));
  await secrets.send(new PutSecretValueCommand({ SecretId: ARN, SecretString: put('new-one') }));
  await expect(query(name, 'slot', 'new-one', 'SELECT 1')).rejects.toThrow(/role slot/);
  plane.proxies.secretMemory.ageMs = 0;
  expect(await query(name, 'slot', 'new-one', 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('a proxy with IAM end to end: both legs need their own right', async () => {
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } =
    bed.environment;
  const RoleArn = await roleFor('iam-proxy', 'rds.amazonaws.com');
  await rds.send(
    new CreateDBProxyCommand({
      ...{ DBProxyName: 'iam', EngineFamily: 'POSTGRESQL', RoleArn, VpcSubnetIds: subnets, RequireTLS: true },
      DefaultAuthScheme: 'IAM_AUTH',
    }),
  );
  await rds.send(new RegisterDBProxyTargetsCommand({ DBProxyName: 'iam', DBInstanceIdentifiers: ['db'] }));
  await plane.databases
    .find('instance', 'db')
    ?.server.asAdmin((client) => client.query('CREATE ROLE app LOGIN; GRANT rds_iam TO app'));
  const { name, resourceId } = await proxyOf('iam');
  const client = plane.identities.assume(await roleFor('client', 'lambda.amazonaws.com'));
  const asApp = async (credentials: {
    accessKeyId: string;
    secretAccessKey: string;
    sessionToken?: string;
  }) => {
    const signer = new Signer({
      hostname: name,
      port: 5432,
      username: 'app',
      region: bed.region,
      credentials,
    });
    return query(name, 'app', await signer.getAuthToken(), 'SELECT current_user AS who');
  };
  // The proxy's role may not connect yet, whoever asks.
  await expect(asApp({ accessKeyId, secretAccessKey })).rejects.toThrow();
  const dbusers = `arn:aws:rds-db:${bed.region}:${bed.account}:dbuser`;
  await allow('iam-proxy', 'rds-db:connect', `${dbusers}:${dbResourceId}/*`);
  expect(await asApp({ accessKeyId, secretAccessKey })).toEqual([{ who: 'app' }]);
  await expect(asApp(client)).rejects.toThrow();
  await allow('client', 'rds-db:connect', `${dbusers}:${resourceId}/app`);
  expect(await asApp(client)).toEqual([{ who: 'app' }]);
});
