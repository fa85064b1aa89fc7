import { describe, expect, test } from 'vitest';
import { type CloudBed, openCloudBed, startCloudBed } from './cloud-bed.ts';
import { describeWorld, type WorldDescription } from './describe-world.ts';
import { complete, type KillPoint, killAt, killPoints, verifyDone } from './kill-points.ts';

const variants = {
  'RDS behind a proxy with IAM': ['--proxy', '--auth', 'iam'],
};

/** What an undisturbed run does and leaves. */
async function runCleanly(
  flags: readonly string[],
): Promise<{ points: KillPoint[]; world: WorldDescription }> {
  const cloud = await openCloudBed();
  try {
    await complete(cloud, 'provision', '--yes', '--no-prices', ...flags);
    return { points: await killPoints(cloud), world: await describeWorld(cloud.bed) };
  } finally {
    await cloud.stop();
  }
}

for (const [title, flags] of Object.entries(variants)) {
  const clean = await runCleanly(flags);
  describe(title, () => {
    test.concurrent.each(clean.points)(
      'provision killed after $call ($nth)',
      async (point) => {
        const cloud: CloudBed = await startCloudBed();
        const args = ['provision', '--no-prices', ...flags];
        expect(await killAt(cloud, [...args, '--yes'], point)).toBe(true);
        await complete(cloud, ...args, '--yes');
        expect(await describeWorld(cloud.bed)).toEqual(clean.world);
        await verifyDone(cloud, ...args, '--plan');
      },
      120_000,
    );
  });
}
