import { expect, test } from 'vitest';
import { countOf, startCloudBed } from './cloud-bed.ts';
import { describeWorld } from './describe-world.ts';
import { complete, interruptAt, killAt, verifyDone } from './kill-points.ts';

const provision = ['provision', '--no-prices', '--auth', 'iam'];
const destroy = ['destroy', '--confirm', 'shop', '--no-snapshot'];

/** Every point: kill-provision, kill-deploy and kill-destroy of the long tier. */
test('provision and destroy go on after Ctrl-C and kill -9, and make nothing twice', async () => {
  const cloud = await startCloudBed();
  const empty = await describeWorld(cloud.bed);
  expect(await killAt(cloud, [...provision, '--yes'], { call: 'ec2:CreateVpc', nth: 1 })).toBe(true);
  expect(await interruptAt(cloud, [...provision, '--yes'], { call: 'ec2:CreateRouteTable', nth: 1 })).toBe(
    130,
  );
  expect(await killAt(cloud, [...provision, '--yes'], { call: 'rds:CreateDBInstance', nth: 1 })).toBe(true);
  await complete(cloud, ...provision, '--yes');
  const creations = (await cloud.changes()).filter((name) => name.includes(':Create'));
  expect(countOf(creations)).toEqual({
    'ec2:CreateVpc': 1,
    'ec2:CreateSubnet': 2,
    'ec2:CreateRouteTable': 1,
    'ec2:CreateSecurityGroup': 2,
    'rds:CreateDBSubnetGroup': 1,
    'rds:CreateDBParameterGroup': 1,
    'rds:CreateDBInstance': 1,
  });
  await verifyDone(cloud, ...provision, '--plan');
  expect(await killAt(cloud, destroy, { call: 'rds:DeleteDBInstance', nth: 1 })).toBe(true);
  expect(await complete(cloud, ...destroy)).toMatchObject({ unwanted: [] });
  expect(await describeWorld(cloud.bed)).toEqual(empty);
  await verifyDone(cloud, 'destroy', '--plan');
}, 120_000);
