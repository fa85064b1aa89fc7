import { describe, expect, test } from 'vitest';
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

  test('when a permission is missing: it is named, and the next run goes on', async () => {
    const cloud = await startCloudBed();
    const { bed, run } = cloud;
    await bed.fault({ service: 'rds', action: 'CreateDBProxy', kind: 'access-denied', count: 1 });
    const denied = await run(...provision, '--json');
    expect(denied).toMatchObject({ exitCode: 1 });
    expect(denied.json()).toMatchObject({
      error: { code: 'ACCESS_DENIED', message: expect.stringContaining('rds:CreateDBProxy') },
    });
    const result = await run(...provision);
    expect(result.exitCode, result.stderr).toBe(0);
    await verifyWorld(cloud);
  }, 240_000);
});
