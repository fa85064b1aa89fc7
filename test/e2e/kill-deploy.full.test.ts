import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type CloudBed, withCloudBed } from './cloud-bed.ts';
import { complete, describeStage, killAt, killPoints, verifyDone } from './kill-points.ts';

const provision = ['provision', '--yes', '--no-prices', '--auth', 'iam'];
const deploy = ['deploy', '--yes'];

/** Undisturbed: what it does, and what it leaves. */
async function deployCleanly(cloud: CloudBed) {
  await cloud.bed.clearRequests();
  await complete(cloud, ...deploy);
  return { points: await killPoints(cloud), world: await describeStage(cloud) };
}

async function changeFunction({ dir }: CloudBed): Promise<void> {
  const source = join(dir, 'src/health.ts');
  await writeFile(source, (await readFile(source, 'utf8')).replace('json(200', 'json(201'));
  const config = join(dir, 'lambdapg.json');
  const answers = JSON.parse(await readFile(config, 'utf8')) as { functions: { api: object } };
  answers.functions.api = { ...answers.functions.api, memoryMb: 512 };
  await writeFile(config, JSON.stringify(answers));
}

const clean = await withCloudBed(async (cloud) => {
  await complete(cloud, ...provision);
  const first = await deployCleanly(cloud);
  await changeFunction(cloud);
  return { first, second: await deployCleanly(cloud) };
});

describe('deploy', () => {
  test.concurrent.each(clean.first.points)(
    'the first is killed after $call ($nth)',
    (point) =>
      withCloudBed(async (cloud) => {
        await complete(cloud, ...provision);
        expect(await killAt(cloud, deploy, point)).toBe(true);
        expect(await complete(cloud, ...deploy)).toMatchObject({ health: { status: 200 } });
        expect(await describeStage(cloud)).toEqual(clean.first.world);
        await verifyDone(cloud, 'deploy', '--plan');
      }),
    180_000,
  );

  test.concurrent.each(clean.second.points)(
    'the second is killed after $call ($nth)',
    (point) =>
      withCloudBed(async (cloud) => {
        await complete(cloud, ...provision);
        await complete(cloud, ...deploy);
        await changeFunction(cloud);
        expect(await killAt(cloud, deploy, point)).toBe(true);
        expect(await complete(cloud, ...deploy)).toMatchObject({ health: { status: 201 } });
        expect(await describeStage(cloud)).toEqual(clean.second.world);
        await verifyDone(cloud, 'deploy', '--plan');
      }),
    180_000,
  );
});
