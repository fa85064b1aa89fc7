import { describe, expect, test } from 'vitest';
import type { Fault } from '../bed/bed.ts';
import { startCloudBed } from './cloud-bed.ts';

/** Small, and yet with a proxy: 16 creations, no endpoint. */
const provision = ['provision', '--yes', '--no-prices', '--proxy', '--auth', 'iam'];

const creations: readonly (readonly [string, string])[] = [
  ['ec2', 'CreateVpc'],
  ['ec2', 'CreateSubnet'],
  ['ec2', 'CreateRouteTable'],
  ['ec2', 'CreateSecurityGroup'],
  ['ec2', 'AuthorizeSecurityGroupIngress'],
  ['ec2', 'AuthorizeSecurityGroupEgress'],
  ['rds', 'CreateDBSubnetGroup'],
  ['rds', 'CreateDBParameterGroup'],
  ['rds', 'CreateDBInstance'],
  ['iam', 'CreateRole'],
  ['iam', 'PutRolePolicy'],
  ['rds', 'CreateDBProxy'],
  ['rds', 'RegisterDBProxyTargets'],
];

describe.concurrent('provision reaches the same world', () => {
  test('when the answer of every creation is lost once after its effect', async () => {
    const { bed, run } = await startCloudBed();
    for (const [service, action] of creations)
      await bed.fault({ service, action, kind: 'drop-after', count: 1 });
    const result = await run(...provision);
    expect(result.exitCode, result.stderr).toBe(0);
    const left = (await bed.faults()).filter(({ hits = 0 }) => hits === 0);
    expect(left, 'every fault was met').toEqual([]);
    await verifyWorld(bed, run);
  }, 120_000);

  test.each([
    ['throttled twice', { kind: 'throttling', count: 2 }],
    ['answered by a 500', { kind: 'server-error', count: 1 }],
    ['cut off before its effect', { kind: 'drop-before', count: 1 }],
  ] as const)(
    'when every creation is %s',
    async (_title, fault) => {
      const { bed, run } = await startCloudBed();
      for (const [service, action] of creations) await bed.fault({ service, action, ...(fault as Fault) });
      const result = await run(...provision);
      expect(result.exitCode, result.stderr).toBe(0);
      await verifyWorld(bed, run);
    },
    120_000,
  );

  test('when what was made is seen late', async () => {
    const { bed, run } = await startCloudBed();
    await bed.lag({ default: 3 });
    const result = await run(...provision);
    expect(result.exitCode, result.stderr).toBe(0);
    await bed.lag({ default: 0 });
    await verifyWorld(bed, run);
  }, 120_000);

  test('when the session expires in the middle: the next run goes on', async () => {
    const { bed, run } = await startCloudBed();
    await bed.fault({ service: 'rds', action: 'CreateDBInstance', kind: 'expired', count: 1 });
    const expired = await run(...provision, '--json');
    expect(expired).toMatchObject({ exitCode: 1 });
    expect(expired.json()).toMatchObject({ error: { code: 'SESSION_EXPIRED' } });
    const result = await run(...provision);
    expect(result.exitCode, result.stderr).toBe(0);
    await verifyWorld(bed, run);
  }, 120_000);

  test('when two runs begin at once', async () => {
    const { bed, run } = await startCloudBed();
    const results = await Promise.all([run(...provision), run(...provision)]);
    expect(
      results.map(({ exitCode }) => exitCode),
      results.map(({ stderr }) => stderr).join(),
    ).toEqual([0, 0]);
    await verifyWorld(bed, run);
  }, 120_000);

  test('when a permission is missing: it is named, and the next run goes on', async () => {
    const { bed, run } = await startCloudBed();
    await bed.fault({ service: 'rds', action: 'CreateDBProxy', kind: 'access-denied', count: 1 });
    const denied = await run(...provision, '--json');
    expect(denied).toMatchObject({ exitCode: 1 });
    expect(denied.json()).toMatchObject({
      error: { code: 'ACCESS_DENIED', message: expect.stringContaining('rds:CreateDBProxy') },
    });
    const result = await run(...provision);
    expect(result.exitCode, result.stderr).toBe(0);
    await verifyWorld(bed, run);
  }, 120_000);

  type CloudBed = Awaited<ReturnType<typeof startCloudBed>>;

  async function verifyWorld(bed: CloudBed['bed'], run: CloudBed['run']): Promise<void> {
    await bed.clearFaults();
    const vpcs = await bed.aws<{ Vpcs: { Tags?: unknown[] }[] }>({
      service: 'ec2',
      action: 'DescribeVpcs',
      input: {},
    });
    expect(vpcs.Vpcs.filter(({ Tags = [] }) => Tags.length > 0)).toHaveLength(1);
    await bed.clearRequests();
    const last = await run('provision', '--plan', '--no-prices', '--json');
    expect(last.exitCode, last.stderr).toBe(0);
    const gone = await run('destroy', '--confirm', 'shop', '--json');
    expect(gone.exitCode, gone.stderr).toBe(0);
    const removed = (gone.json() as { removed: string[] }).removed;
    expect(
      removed.filter((id) => id === 'vpc' || id.startsWith('subnet-') || id.startsWith('group-')),
    ).toHaveLength(7);
    const after = await bed.aws<{ Vpcs: { Tags?: unknown[] }[] }>({
      service: 'ec2',
      action: 'DescribeVpcs',
      input: {},
    });
    expect(after.Vpcs.filter(({ Tags = [] }) => Tags.length > 0)).toEqual([]);
  }
});
