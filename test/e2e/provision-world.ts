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

interface Group {
  readonly GroupId: string;
  readonly GroupName: string;
  readonly IpPermissions: readonly Permission[];
  readonly IpPermissionsEgress: readonly Permission[];
}

interface Permission {
  readonly IpProtocol: string;
  readonly FromPort?: number;
  readonly UserIdGroupPairs?: readonly { readonly GroupId: string }[];
  readonly IpRanges?: readonly { readonly CidrIp: string }[];
}

/** Every rule of the stage's groups: `shop-dev-function out tcp 5432 shop-dev-proxy`. */
export async function rulesOf({ bed }: CloudBed): Promise<string[]> {
  const { SecurityGroups } = await bed.aws<{ SecurityGroups: Group[] }>({
    service: 'ec2',
    action: 'DescribeSecurityGroups',
    input: {},
  });
  const ours = SecurityGroups.filter(({ GroupName }) => GroupName.startsWith('shop-dev-'));
  const nameOf = (id: string): string => ours.find(({ GroupId }) => GroupId === id)?.GroupName ?? id;
  return ours
    .flatMap(({ GroupName, IpPermissions, IpPermissionsEgress }) => {
      const lines = (direction: string, permissions: readonly Permission[]) =>
        permissions.flatMap(({ IpProtocol, FromPort, UserIdGroupPairs = [], IpRanges = [] }) =>
          [
            ...UserIdGroupPairs.map(({ GroupId }) => nameOf(GroupId)),
            ...IpRanges.map(({ CidrIp }) => CidrIp),
          ].map((peer) =>
            `${GroupName} ${direction} ${IpProtocol} ${FromPort} ${peer}`.replaceAll('shop-dev-', ''),
          ),
        );
      return [...lines('out', IpPermissionsEgress), ...lines('in', IpPermissions)];
    })
    .sort();
}

/** Runs a command that must succeed. */
export const must = async (cloud: CloudBed, ...args: string[]) => {
  const result = await cloud.run(...args);
  expect(result.exitCode, result.stderr).toBe(0);
  return result;
};
