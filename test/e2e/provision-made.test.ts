import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type CloudBed, isChange, nameOf, startCloudBed } from './cloud-bed.ts';
import { must, rulesOf } from './provision-world.ts';

/** Inputs of the calls that changed something, the last of each action: `rds:CreateDBProxy`. */
async function askedOf({ bed }: CloudBed): Promise<Record<string, unknown>> {
  return Object.fromEntries(
    (await bed.requests()).filter(isChange).map((request) => [nameOf(request), request.input]),
  );
}

async function configure({ dir }: CloudBed, cloud: object): Promise<void> {
  const file = join(dir, 'lambdapg.json');
  const config = JSON.parse(await readFile(file, 'utf8')) as object;
  await writeFile(file, JSON.stringify({ ...config, cloud }, null, 2));
}

const instance = {
  Engine: 'postgres',
  EngineVersion: '17',
  DBInstanceClass: 'db.t4g.micro',
  DBName: 'shop',
  StorageType: 'gp3',
  StorageEncrypted: true,
  MultiAZ: false,
  PubliclyAccessible: false,
  DeletionProtection: true,
  BackupRetentionPeriod: 7,
  CopyTagsToSnapshot: true,
  EnableCloudwatchLogsExports: ['postgresql', 'upgrade'],
  DBSubnetGroupName: 'shop-dev-db',
  DBParameterGroupName: 'shop-dev-pg17',
  Tags: expect.arrayContaining([
    { Key: 'lambdapg:project', Value: 'shop' },
    { Key: 'lambdapg:stage', Value: 'dev' },
  ]),
};
const forceSsl = {
  Parameters: [{ ParameterName: 'rds.force_ssl', ParameterValue: '1', ApplyMethod: 'immediate' }],
};

describe('what is made', () => {
  test('with secrets: everything encrypted, private and kept, and the proxy as its settings say', async () => {
    const cloud = await startCloudBed();
    const settings = { borrowTimeoutSeconds: 7, maxConnectionsPercent: 50, maxIdleConnectionsPercent: 20 };
    await configure(cloud, {
      proxy: { ...settings, idleClientTimeoutSeconds: 600, initQuery: 'SELECT 1', requireTls: false },
    });
    await must(cloud, 'provision', '--yes', '--no-prices');
    const asked = await askedOf(cloud);
    expect(asked).toMatchObject({
      'rds:CreateDBInstance': {
        ...instance,
        ManageMasterUserPassword: true,
        EnableIAMDatabaseAuthentication: false,
      },
      'rds:ModifyDBParameterGroup': forceSsl,
      'rds:CreateDBProxy': {
        RequireTLS: false,
        IdleClientTimeout: 600,
        Auth: ['slot-a', 'slot-b'].map((slot) => ({
          AuthScheme: 'SECRETS',
          IAMAuth: 'DISABLED',
          ClientPasswordAuthType: 'POSTGRES_SCRAM_SHA_256',
          SecretArn: expect.stringContaining(`:secret:shop-dev/${slot}-`),
        })),
      },
      'rds:ModifyDBProxyTargetGroup': {
        ConnectionPoolConfig: {
          ConnectionBorrowTimeout: 7,
          MaxConnectionsPercent: 50,
          MaxIdleConnectionsPercent: 20,
          InitQuery: 'SELECT 1',
        },
      },
      'ec2:CreateVpcEndpoint': {
        PrivateDnsEnabled: true,
        ServiceName: 'com.amazonaws.us-east-1.secretsmanager',
      },
    });
    expect(asked).not.toHaveProperty(['ec2:CreateNatGateway']);
    expect(asked['rds:CreateDBInstance']).not.toHaveProperty('MasterUserPassword');
    expect(await rulesOf(cloud)).toEqual([
      'database in tcp 5432 proxy',
      'endpoint in tcp 443 function',
      'function out tcp 443 endpoint',
      'function out tcp 5432 proxy',
      'proxy in tcp 5432 function',
      'proxy out tcp 5432 database',
    ]);
  }, 240_000);

  test('with IAM from end to end: no secret, no endpoint, no password; a runner has its two ways', async () => {
    const cloud = await startCloudBed();
    await must(cloud, 'provision', '--yes', '--no-prices', '--proxy', '--auth', 'iam', '--runner');
    const asked = await askedOf(cloud);
    expect(asked).toMatchObject({
      'rds:CreateDBInstance': {
        ...instance,
        MasterUserAuthenticationType: 'iam-db-auth',
        EnableIAMDatabaseAuthentication: true,
      },
      'rds:ModifyDBParameterGroup': forceSsl,
      'rds:CreateDBProxy': { DefaultAuthScheme: 'IAM_AUTH', RequireTLS: true },
    });
    expect(asked['rds:CreateDBProxy']).not.toHaveProperty('Auth');
    for (const without of ['secretsmanager:CreateSecret', 'ec2:CreateVpcEndpoint', 'ec2:CreateNatGateway'])
      expect(asked).not.toHaveProperty([without]);
    for (const password of ['ManageMasterUserPassword', 'MasterUserPassword'])
      expect(asked['rds:CreateDBInstance']).not.toHaveProperty(password);
    const policies = (await cloud.bed.requests()).filter(({ action }) => action === 'PutRolePolicy');
    const ofProxy = policies.find(({ input }) => input.RoleName === 'shop-dev-proxy');
    const { Statement } = JSON.parse(String(ofProxy?.input.PolicyDocument)) as { Statement: unknown };
    const users = (slot: string) => expect.stringMatching(new RegExp(`:dbuser:db-[^/]+/shop_${slot}$`));
    expect(Statement).toEqual([
      { Effect: 'Allow', Action: ['rds-db:connect'], Resource: [users('a'), users('b')] },
    ]);
    expect(await rulesOf(cloud)).toEqual([
      'database in tcp 5432 proxy',
      'database in tcp 5432 runner',
      'function out tcp 5432 proxy',
      'proxy in tcp 5432 function',
      'proxy in tcp 5432 runner',
      'proxy out tcp 5432 database',
      'runner out tcp 5432 database',
      'runner out tcp 5432 proxy',
    ]);
  }, 240_000);

  test('with a NAT gateway functions reach the internet by HTTPS', async () => {
    const cloud = await startCloudBed();
    await must(cloud, 'provision', '--yes', '--no-prices', '--network', 'nat');
    expect(await rulesOf(cloud)).toEqual([
      'database in tcp 5432 function',
      'function out tcp 443 0.0.0.0/0',
      'function out tcp 5432 database',
    ]);
  }, 240_000);
});
