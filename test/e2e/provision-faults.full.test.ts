import { describe, expect, test } from 'vitest';
import type { Fault } from '../bed/bed.ts';
import { startCloudBed } from './cloud-bed.ts';
import { creations, provision, verifyWorld } from './provision-world.ts';

describe('provision reaches the same world', () => {
  test('when the answer of every creation is lost once after its effect', async () => {
    const cloud = await startCloudBed();
    const { bed, run } = cloud;
    for (const [service, action] of creations)
      await bed.fault({ service, action, kind: 'drop-after', count: 1 });
    const result = await run(...provision);
    expect(result.exitCode, result.stderr).toBe(0);
    const left = (await bed.faults()).filter(({ hits = 0 }) => hits === 0);
    expect(left, 'every fault was met').toEqual([]);
    await verifyWorld(cloud);
  }, 240_000);

  test('when two runs begin at once', async () => {
    const cloud = await startCloudBed();
    const { run } = cloud;
    const results = await Promise.all([run(...provision), run(...provision)]);
    expect(
      results.map(({ exitCode }) => exitCode),
      results.map(({ stderr }) => stderr).join(),
    ).toEqual([0, 0]);
    await verifyWorld(cloud);
  }, 240_000);

  test('when what was made is seen late', async () => {
    const cloud = await startCloudBed();
    const { bed, run } = cloud;
    await bed.lag({ default: 3 });
    const result = await run(...provision);
    expect(result.exitCode, result.stderr).toBe(0);
    await bed.lag({ default: 0 });
    await verifyWorld(cloud);
  }, 240_000);

  test('when the session expires in the middle: the next run goes on', async () => {
    const cloud = await startCloudBed();
    const { bed, run } = cloud;
    await bed.fault({ service: 'rds', action: 'CreateDBInstance', kind: 'expired', count: 1 });
    const expired = await run(...provision, '--json');
    expect(expired).toMatchObject({ exitCode: 1 });
    expect(expired.json()).toMatchObject({ error: { code: 'SESSION_EXPIRED' } });
    const result = await run(...provision);
    expect(result.exitCode, result.stderr).toBe(0);
    await verifyWorld(cloud);
  }, 240_000);

  test.each([
    ['throttled twice', { kind: 'throttling', count: 2 }],
    ['answered by a 500', { kind: 'server-error', count: 1 }],
    ['cut off before its effect', { kind: 'drop-before', count: 1 }],
  ] as const)(
    'when every creation is %s',
    async (_title, fault) => {
      const cloud = await startCloudBed();
      const { bed, run } = cloud;
      for (const [service, action] of creations) await bed.fault({ service, action, ...(fault as Fault) });
      const result = await run(...provision);
      expect(result.exitCode, result.stderr).toBe(0);
      await verifyWorld(cloud);
    },
    240_000,
  );
});
