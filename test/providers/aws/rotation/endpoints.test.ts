import { beforeEach, expect, test } from 'vitest';
import {
  type RotationEndpoints,
  rotationEndpoints,
} from '../../../../src/providers/aws/rotation/endpoints.ts';
import { withProxyHealth } from '../../../../src/providers/aws/rotation/endpoints-health.ts';
import type { EndpointLogin, RotationDatabase } from '../../../../src/rotation/parts.ts';
import { Secret } from '../../../../src/secret.ts';
import { awsOf, makeNetwork, proxyInput } from '../../../bed/differs.ts';
import { type StageBed, startStageBed } from './endpoints-world.ts';

let stage: StageBed;
beforeEach(async () => {
  stage = await startStageBed();
});

const aurora = { database: { kind: 'aurora' } };

async function endpoints(cloud: object = {}): Promise<RotationEndpoints> {
  const world = await stage.world(cloud, { LAMBDAPG_RDS_CA: import.meta.filename });
  return rotationEndpoints(world, await stage.have(world));
}

/** `writer shop-dev-db`: what of a title does not change from run to run. */
const titles = (found: RotationEndpoints['endpoints']): string[] =>
  found.map(({ title }) => title.replace(/\..*$/, ''));

async function makeProxy(target: object): Promise<void> {
  const network = await makeNetwork(awsOf(stage.bed, false));
  await stage.ask('rds', 'CreateDBProxy', proxyInput(network, { DBProxyName: 'shop-dev-proxy' }));
  await stage.ask('rds', 'RegisterDBProxyTargets', { DBProxyName: 'shop-dev-proxy', ...target });
}

test('an instance: the writer and every replica, of replicas too', async () => {
  await stage.makeInstance({ BackupRetentionPeriod: 1 });
  for (const [id, source] of [
    ['shop-dev-db-2', 'shop-dev-db'],
    ['shop-dev-db-3', 'shop-dev-db-2'],
  ]) {
    const input = { DBInstanceIdentifier: id, SourceDBInstanceIdentifier: source };
    await stage.ask('rds', 'CreateDBInstanceReadReplica', input);
  }
  const { endpoints: found, proxyEndpoints, proxy, hosts } = await endpoints();
  expect(titles(found)).toEqual(['writer shop-dev-db', 'reader shop-dev-db-2', 'reader shop-dev-db-3']);
  expect(new Set(found.map(({ target }) => target.host)).size).toBe(3);
  expect([...hosts]).toEqual(found.map(({ target }) => target.host));
  // Instances are signed by RDS's own authority.
  expect(
    found.every(({ target: { tls, database } }) => tls && tls.ca !== undefined && database === 'shop'),
  ).toBe(true);
  expect({ proxyEndpoints, proxy }).toEqual({ proxyEndpoints: [], proxy: undefined });
});

test('a replica that is stopped is named, and asked nothing', async () => {
  await stage.makeInstance({ BackupRetentionPeriod: 1 });
  await stage.ask('rds', 'CreateDBInstanceReadReplica', {
    ...{ DBInstanceIdentifier: 'shop-dev-db-2', SourceDBInstanceIdentifier: 'shop-dev-db' },
  });
  await stage.bed.hook({ after: ['rds:DescribeDBInstances'] }, async ({ input, output }) => {
    if (input.DBInstanceIdentifier !== 'shop-dev-db-2') return undefined;
    const [instance] = (output?.DBInstances ?? []) as object[];
    return { output: { ...output, DBInstances: [{ ...instance, DBInstanceStatus: 'stopped' }] } };
  });
  const { endpoints: found, notes } = await endpoints();
  expect(titles(found)).toEqual(['writer shop-dev-db']);
  expect(notes).toEqual(['reader shop-dev-db-2 is stopped: no login was tried there']);
});

test('a cluster: the writer endpoint and each reader by itself; the shared names are names of it', async () => {
  await stage.makeCluster(2);
  await makeProxy({ DBClusterIdentifiers: ['shop-dev-db'] });
  await stage.ask('rds', 'CreateDBProxyEndpoint', {
    ...{
      DBProxyName: 'shop-dev-proxy',
      DBProxyEndpointName: 'shop-dev-proxy-reader',
      TargetRole: 'READ_ONLY',
    },
    VpcSubnetIds: await proxySubnets(),
  });
  const { endpoints: found, proxyEndpoints, hosts, proxy } = await endpoints(aurora);
  expect(titles(found)).toEqual(['writer shop-dev-db', 'reader shop-dev-db-2', 'reader shop-dev-db-3']);
  expect(proxyEndpoints.map(({ title }) => title)).toEqual([
    'proxy shop-dev-proxy',
    'proxy shop-dev-proxy, read-only endpoint shop-dev-proxy-reader',
  ]);
  // A proxy's certificate is signed by a public authority.
  expect(proxyEndpoints.map(({ target }) => target.tls)).toEqual([{}, {}]);
  expect(proxy?.DBProxyName).toBe('shop-dev-proxy');
  expect([...hosts].filter((host) => host.includes('cluster-ro-'))).toHaveLength(1);
  for (const { target } of proxyEndpoints) expect(hosts.has(target.host)).toBe(true);
});

async function proxySubnets(): Promise<string[]> {
  const { DBProxies } = await stage.ask<{ DBProxies: { VpcSubnetIds: string[] }[] }>(
    'rds',
    'DescribeDBProxies',
    {},
  );
  return DBProxies[0]?.VpcSubnetIds ?? [];
}

test("a cluster without readers: nothing answers at a proxy's read-only endpoint", async () => {
  await stage.makeCluster();
  await makeProxy({ DBClusterIdentifiers: ['shop-dev-db'] });
  await stage.ask('rds', 'CreateDBProxyEndpoint', {
    ...{
      DBProxyName: 'shop-dev-proxy',
      DBProxyEndpointName: 'shop-dev-proxy-reader',
      TargetRole: 'READ_ONLY',
    },
    VpcSubnetIds: await proxySubnets(),
  });
  const { endpoints: found, proxyEndpoints } = await endpoints(aurora);
  expect(titles(found)).toEqual(['writer shop-dev-db']);
  expect(proxyEndpoints.map(({ title }) => title)).toEqual(['proxy shop-dev-proxy']);
});

test('a database outside AWS has one endpoint; of Heroku and of IAM nothing is rotated', async () => {
  const url = await stage.world({ database: { kind: 'url' } }, {}, 'sam');
  await stage.ask('secretsmanager', 'CreateSecret', {
    ...{ Name: 'shop-dev/active', SecretString: 'postgres://shop_a:x@db.example:6432/shop' },
  });
  const { endpoints: found, hosts } = await rotationEndpoints(url);
  expect(found).toEqual([
    {
      title: 'server db.example:6432',
      target: { host: 'db.example', port: 6432, database: 'shop', tls: {} },
    },
  ]);
  expect([...hosts]).toEqual(['db.example']);
  const addon = { database: { kind: 'heroku', herokuAddon: 'postgresql-round-1' } };
  const heroku = await stage.world(addon, {}, 'sam');
  await expect(rotationEndpoints(heroku)).rejects.toMatchObject({
    code: 'ROTATION_UNSUPPORTED',
    suggestions: expect.arrayContaining([expect.stringContaining('heroku pg:credentials:rotate')]),
  });
  const iam = await stage.world({ auth: 'iam' });
  await expect(rotationEndpoints(iam)).rejects.toMatchObject({ code: 'NOTHING_TO_ROTATE' });
});

test('where the proxy cannot log in itself, a login that nobody answers is a bad one', async () => {
  await stage.makeInstance();
  await makeProxy({ DBInstanceIdentifiers: ['shop-dev-db'] });
  const { aws } = await stage.world();
  let seen: EndpointLogin = { endpoint: 'proxy', login: 'unknown', why: 'timeout' };
  const database = { proxyLogins: async () => [seen] } as unknown as RotationDatabase;
  const { proxyLogins } = withProxyHealth(aws, 'shop-dev-proxy', database);
  const login = () => proxyLogins({ user: 'shop_b', password: new Secret('x') });
  expect(await login()).toEqual([seen]);
  const Description = 'wrong password';
  await stage.bed.targetHealth('shop-dev-proxy', {
    State: 'UNAVAILABLE',
    Reason: 'AUTH_FAILURE',
    Description,
  });
  expect(await login()).toEqual([
    { endpoint: 'proxy', login: 'bad', why: expect.stringMatching(/AUTH_FAILURE: wrong password.*timeout/) },
  ]);
  // It may be the other slot's secret that does not fit.
  seen = { endpoint: 'proxy', login: 'ok' };
  expect(await login()).toEqual([seen]);
});
