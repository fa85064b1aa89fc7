import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DescribeVpcsCommand,
  EC2Client,
  type IpPermission,
  RevokeSecurityGroupEgressCommand,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, startBed } from '../bed.ts';
import { clientOptions } from '../sdk.ts';
import { findReachable } from './network.ts';

let bed: Bed;
let ec2: EC2Client;
let vpc: string;

beforeAll(async () => {
  bed = await startBed({ pace: { default: 0 } });
  ec2 = new EC2Client(clientOptions(bed));
  const { Vpcs } = await ec2.send(new DescribeVpcsCommand({}));
  vpc = Vpcs?.[0]?.VpcId ?? '';
});

afterAll(() => bed.stop());

async function group(name: string, ...rules: IpPermission[]): Promise<string> {
  const made = await ec2.send(
    new CreateSecurityGroupCommand({ GroupName: name, Description: 'x', VpcId: vpc }),
  );
  const GroupId = made.GroupId ?? '';
  for (const rule of rules)
    await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: [rule] }));
  return GroupId;
}

const tcp = (port: number, rest: Partial<IpPermission>): IpPermission => ({
  ...{ IpProtocol: 'tcp', FromPort: port, ToPort: port, ...rest },
});

test('security groups decide who reaches whom', async () => {
  const client = await group('client');
  const stranger = await group('stranger');
  const mute = await group('mute');
  const all = { IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] };
  await ec2.send(new RevokeSecurityGroupEgressCommand({ GroupId: mute, IpPermissions: [all] }));
  const fromClient = { UserIdGroupPairs: [{ GroupId: client }] };
  const targets = {
    open: { groups: [await group('open', tcp(5432, fromClient))] },
    otherPort: { groups: [await group('other-port', tcp(3306, fromClient))] },
    byRange: { groups: [await group('by-range', tcp(5432, { IpRanges: [{ CidrIp: '10.0.0.0/8' }] }))] },
    world: {
      groups: [await group('world', tcp(5432, { IpRanges: [{ CidrIp: '0.0.0.0/0' }] }))],
      isPublic: true,
    },
    closed: { groups: [await group('closed')], isPublic: true },
  };
  const reached = async (...groups: string[]) => {
    const found = await findReachable(bed, { groups }, Object.values(targets));
    return Object.entries(targets).flatMap(([name, target]) => (found.has(target) ? [name] : []));
  };
  expect(await reached(client)).toEqual(['open', 'byRange', 'world']);
  expect(await reached(stranger)).toEqual(['byRange', 'world']);
  expect(await reached(stranger, client)).toEqual(['open', 'byRange', 'world']);
  expect(await reached(mute)).toEqual([]);
  expect(await reached()).toEqual(['world']);
});
