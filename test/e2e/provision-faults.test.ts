import { describe, expect, test } from 'vitest';
import { startCloudBed } from './cloud-bed.ts';
import { provision, verifyWorld } from './provision-world.ts';

describe('provision reaches the same world', () => {
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
