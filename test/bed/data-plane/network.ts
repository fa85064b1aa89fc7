import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import type { Bed } from '../bed.ts';
import { claimLoopbackAddress, postgresPort } from './loopback-address.ts';

/** Where something stands in a network: its groups, and the subnets or the VPC that its address is from. */
export interface Place {
  readonly groups: readonly string[];
  readonly isPublic?: boolean;
}

interface Permission {
  readonly IpProtocol: string;
  readonly FromPort?: number;
  readonly ToPort?: number;
  readonly IpRanges?: readonly { readonly CidrIp: string }[];
  readonly UserIdGroupPairs?: readonly { readonly GroupId: string }[];
}

interface Group {
  readonly GroupId: string;
  readonly VpcId: string;
  readonly IpPermissions: readonly Permission[];
  readonly IpPermissionsEgress: readonly Permission[];
}

/**
 * Whether security groups let a PostgreSQL session through, asked of what the account holds now. Address ranges count by
 * VPC: one that is not `0.0.0.0/0` is taken to hold every address of the VPC.
 */
export async function findReachable<Target extends Place>(
  bed: Bed,
  from: Place,
  targets: readonly Target[],
): Promise<Set<Target>> {
  const ids = new Set([from, ...targets].flatMap(({ groups }) => groups));
  const { SecurityGroups } = await bed.aws<{ SecurityGroups: Group[] }>({
    ...{ service: 'ec2', action: 'DescribeSecurityGroups', input: {} },
  });
  const groups = new Map(
    SecurityGroups.filter(({ GroupId }) => ids.has(GroupId)).map((one) => [one.GroupId, one]),
  );
  const of = (place: Place) =>
    place.groups.map((id) => groups.get(id)).filter((group) => group !== undefined);
  return new Set(targets.filter((target) => isReachable(of(from), of(target), target.isPublic === true)));
}

function isReachable(from: readonly Group[], to: readonly Group[], isPublic: boolean): boolean {
  // Without groups of its own it is on the internet, as a function outside of a VPC.
  if (from.length === 0) return isPublic && to.some((group) => group.IpPermissions.some(opensToAll));
  const sameVpc = from.some(({ VpcId }) => to.some((group) => group.VpcId === VpcId));
  if (!sameVpc) return false;
  const leaves = from.some((group) => group.IpPermissionsEgress.some((rule) => admits(rule, to)));
  return leaves && to.some((group) => group.IpPermissions.some((rule) => admits(rule, from)));
}

function opensToAll(rule: Permission): boolean {
  return coversPort(rule) && (rule.IpRanges ?? []).some(({ CidrIp }) => CidrIp === '0.0.0.0/0');
}

function admits(rule: Permission, others: readonly Group[]): boolean {
  if (!coversPort(rule)) return false;
  if ((rule.IpRanges ?? []).length > 0) return true;
  return (rule.UserIdGroupPairs ?? []).some((pair) => others.some(({ GroupId }) => GroupId === pair.GroupId));
}

function coversPort(
  { IpProtocol, FromPort = 0, ToPort = 65_535 }: Permission,
  port: number = postgresPort,
): boolean {
  if (IpProtocol === '-1') return true;
  return ['tcp', '6'].includes(IpProtocol) && FromPort <= port && port <= ToPort;
}

interface Route {
  readonly DestinationCidrBlock?: string;
  readonly NatGatewayId?: string;
}

interface RouteTable {
  readonly RouteTableId: string;
  readonly Associations?: readonly { readonly SubnetId?: string; readonly Main?: boolean }[];
  readonly Routes?: readonly Route[];
}

interface Endpoint {
  readonly ServiceName: string;
  readonly RouteTableIds?: readonly string[];
  readonly SubnetIds?: readonly string[];
}

/**
 * Whether a function reaches a public name of S3: one outside of a VPC always; one inside by a NAT gateway or an endpoint for
 * S3, where its groups let port 443 out. A public subnet's internet gateway is of no use to a function, which has no public address:
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html
 */
export async function reachesPublicS3(
  bed: Bed,
  groups: readonly string[],
  subnets: readonly string[],
): Promise<boolean> {
  if (subnets.length === 0) return true;
  const ask = <Output>(action: string): Promise<Output> => bed.aws({ service: 'ec2', action, input: {} });
  const [{ SecurityGroups }, { RouteTables }, { VpcEndpoints }] = await Promise.all([
    ask<{ SecurityGroups: Group[] }>('DescribeSecurityGroups'),
    ask<{ RouteTables: RouteTable[] }>('DescribeRouteTables'),
    ask<{ VpcEndpoints: Endpoint[] }>('DescribeVpcEndpoints'),
  ]);
  const own = SecurityGroups.filter(({ GroupId }) => groups.includes(GroupId));
  if (!own.some((group) => group.IpPermissionsEgress.some((rule) => coversPort(rule, 443)))) return false;
  const endpoints = VpcEndpoints.filter(({ ServiceName }) => ServiceName.endsWith('.s3'));
  return subnets.every((subnet) => {
    const table = RouteTables.find(({ Associations = [] }) =>
      Associations.some(({ SubnetId }) => SubnetId === subnet),
    );
    const byNat = table?.Routes?.some((one) => one.DestinationCidrBlock === '0.0.0.0/0' && one.NatGatewayId);
    const byEndpoint = endpoints.some(
      ({ RouteTableIds = [], SubnetIds = [] }) =>
        SubnetIds.includes(subnet) || (table !== undefined && RouteTableIds.includes(table.RouteTableId)),
    );
    return Boolean(byNat) || byEndpoint;
  });
}

/** Takes connections and never answers: what a client sees of a dropped packet, from its own time limit on. */
export async function startBlackHole(): Promise<{ readonly host: string; stop(): void }> {
  const address = await claimLoopbackAddress();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}).once('close', () => sockets.delete(socket)));
    socket.resume();
  });
  server.listen({ host: address.host, port: postgresPort });
  await once(server, 'listening');
  server.unref();
  return {
    host: address.host,
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
      address.release();
    },
  };
}
