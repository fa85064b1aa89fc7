import { expect } from 'vitest';
import type { CloudBed } from './cloud-bed.ts';

/** Small, and yet with a proxy: 16 creations, no endpoint. */
export const provision = ['provision', '--yes', '--no-prices', '--proxy', '--auth', 'iam'];

export const creations: readonly (readonly [string, string])[] = [
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

/** One VPC, nothing left to do; and nothing left over once it is destroyed. */
export async function verifyWorld({ bed, run }: CloudBed): Promise<void> {
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
