import { describe, expect, test } from 'vitest';
import { withCloudBed } from './cloud-bed.ts';
import { complete, describeStage, killAt, killPoints, verifyDone } from './kill-points.ts';

const variants = {
  'RDS behind a proxy with IAM': ['--proxy', '--auth', 'iam'],
  'RDS with secrets and a NAT gateway': ['--network', 'nat'],
  'Aurora behind a proxy with secrets and a reader': ['--database', 'aurora', '--proxy', '--reader'],
};

/** A point that an earlier variant has is not tried again: each takes some 20 s. */
const tried = new Set<string>();

for (const [title, flags] of Object.entries(variants)) {
  const provision = ['provision', '--no-prices', ...flags];
  const clean = await withCloudBed(async (cloud) => {
    await complete(cloud, ...provision, '--yes');
    return { points: await killPoints(cloud), world: await describeStage(cloud) };
  });
  const points = clean.points.filter(({ call, nth }) => !tried.has(`${call} ${nth}`));
  for (const { call, nth } of points) tried.add(`${call} ${nth}`);
  describe(title, () => {
    test.concurrent.each(points)(
      'provision is killed after $call ($nth)',
      (point) =>
        withCloudBed(async (cloud) => {
          expect(await killAt(cloud, [...provision, '--yes'], point)).toBe(true);
          await complete(cloud, ...provision, '--yes');
          expect(await describeStage(cloud)).toEqual(clean.world);
          await verifyDone(cloud, ...provision, '--plan');
        }),
      120_000,
    );
  });
}
