import { describe, expect, test } from 'vitest';
import { type CloudBed, withCloudBed } from './cloud-bed.ts';
import { describeWorld } from './describe-world.ts';
import { complete, killAt, killAtNew, killPoints, verifyDone } from './kill-points.ts';

const provision = ['provision', '--yes', '--no-prices', '--proxy', '--network', 'nat'];
const destroy = ['destroy', '--confirm', 'shop'];

async function verifyGone(cloud: CloudBed, world: unknown): Promise<void> {
  expect(await complete(cloud, ...destroy)).toMatchObject({ unwanted: [] });
  expect(await describeWorld(cloud.bed)).toEqual(world);
  await verifyDone(cloud, 'destroy', '--plan');
}

const clean = await withCloudBed(async (cloud) => {
  await complete(cloud, ...provision);
  await cloud.bed.clearRequests();
  await complete(cloud, ...destroy);
  return { points: await killPoints(cloud), world: await describeWorld(cloud.bed) };
});

/** With those of functions, and without the lock's: it is taken before each. */
const effects = [
  ...new Set(clean.points.map(({ call }) => call).filter((call) => !call.startsWith('ssm:'))),
  ...['apigatewayv2:DeleteApi', 'events:RemoveTargets', 'events:DeleteRule', 'lambda:DeleteFunction'],
  'logs:DeleteLogGroup',
];

describe('destroy', () => {
  test.concurrent.each(clean.points)(
    'is killed after $call ($nth)',
    (point) =>
      withCloudBed(async (cloud) => {
        await complete(cloud, ...provision);
        expect(await killAt(cloud, destroy, point)).toBe(true);
        await verifyGone(cloud, clean.world);
      }),
    180_000,
  );

  test(
    'of a stage with functions is killed after every effect, one run after the other',
    () =>
      withCloudBed(async (cloud) => {
        await complete(cloud, ...provision);
        await complete(cloud, 'deploy', '--yes');
        const known = new Set<string>();
        let kills = 0;
        while (await killAtNew(cloud, destroy, effects, known)) kills += 1;
        expect(kills).toBeGreaterThan(clean.points.length / 2);
        await verifyGone(cloud, clean.world);
      }),
    600_000,
  );
});
