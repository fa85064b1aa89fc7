import {
  DescribeRouteTablesCommand,
  DescribeSubnetsCommand,
  DescribeVpcEndpointsCommand,
  DescribeVpcPeeringConnectionsCommand,
  DescribeVpcsCommand,
  type Filter,
  type IpPermission,
  type Route,
  type RouteTable,
  type SecurityGroup,
  type Subnet,
} from '@aws-sdk/client-ec2';
import type {
  Exit,
  GroupFacts,
  GroupRule,
  NetworkFacts,
  SubnetFacts,
} from '../../../provision/wiring-facts.ts';
import type { AttachLook, AttachWorld } from './attach-world.ts';
import { ownerOf } from './resource-owner.ts';

/** What the wiring is chosen from: the VPCs of functions and target, and what leads from one to another. */
export async function findNetworkFacts(
  { aws }: AttachWorld,
  look: AttachLook,
  vpcIds: readonly string[],
): Promise<NetworkFacts> {
  if (vpcIds.length === 0)
    return { subnets: [], groups: [], secretsEndpoints: new Map(), dedicatedVpcs: new Set() };
  const { ec2 } = aws.read;
  const Filters: Filter[] = [{ Name: 'vpc-id', Values: [...vpcIds] }];
  const [vpcs, subnets, tables, endpoints, peerings, groups] = await Promise.all([
    ec2.send(new DescribeVpcsCommand({ VpcIds: [...vpcIds] })),
    ec2.send(new DescribeSubnetsCommand({ Filters, MaxResults: 1000 })),
    ec2.send(new DescribeRouteTablesCommand({ Filters, MaxResults: 100 })),
    ec2.send(new DescribeVpcEndpointsCommand({ Filters })),
    vpcIds.length > 1 ? ec2.send(new DescribeVpcPeeringConnectionsCommand({})) : undefined,
    look.groups(),
  ]);
  const peered = (peerings?.VpcPeeringConnections ?? []).flatMap(({ Status, VpcPeeringConnectionId: id }) =>
    Status?.Code === 'active' && id !== undefined ? [id] : [],
  );
  const service = `com.amazonaws.${aws.region}.secretsmanager`;
  return {
    subnets: (subnets.Subnets ?? []).map((one) =>
      subnetFacts(one, tables.RouteTables ?? [], new Set(peered)),
    ),
    groups: groups.filter(({ VpcId = '' }) => vpcIds.includes(VpcId)).map(groupFacts),
    secretsEndpoints: new Map(
      (endpoints.VpcEndpoints ?? [])
        .filter(
          ({ ServiceName, PrivateDnsEnabled, State }) =>
            ServiceName === service &&
            PrivateDnsEnabled === true &&
            /^(available|pending)$/i.test(String(State)),
        )
        .map(({ VpcId = '', Groups = [] }) => [
          VpcId,
          { groupIds: Groups.flatMap(({ GroupId }) => GroupId ?? []) },
        ]),
    ),
    dedicatedVpcs: new Set(
      (vpcs.Vpcs ?? [])
        .filter(({ InstanceTenancy }) => InstanceTenancy === 'dedicated')
        .map(({ VpcId = '' }) => VpcId),
    ),
  };
}

function subnetFacts(
  subnet: Subnet,
  tables: readonly RouteTable[],
  peered: ReadonlySet<string>,
): SubnetFacts {
  const { SubnetId: id = '', VpcId: vpcId = '', AvailabilityZone: zone = '', CidrBlock: cidr = '' } = subnet;
  const routes = routesOf(id, vpcId, tables);
  return {
    ...{ id, vpcId, zone, cidr },
    freeAddresses: subnet.AvailableIpAddressCount ?? 1,
    exit: exitOf(routes.find(({ DestinationCidrBlock }) => DestinationCidrBlock === '0.0.0.0/0')),
    joined: routes.flatMap(({ DestinationCidrBlock, VpcPeeringConnectionId = '', TransitGatewayId }) =>
      DestinationCidrBlock !== undefined && (peered.has(VpcPeeringConnectionId) || TransitGatewayId)
        ? [DestinationCidrBlock]
        : [],
    ),
  };
}

/** A subnet without a table of its own follows its VPC's main one. */
function routesOf(subnetId: string, vpcId: string, tables: readonly RouteTable[]): Route[] {
  const own = tables.find(({ Associations = [] }) => Associations.some((one) => one.SubnetId === subnetId));
  const main = tables.find(
    ({ VpcId, Associations = [] }) => VpcId === vpcId && Associations.some(({ Main }) => Main === true),
  );
  return ((own ?? main)?.Routes ?? []).filter(({ State }) => State !== 'blackhole');
}

function exitOf(route: Route | undefined): Exit {
  if (route === undefined) return 'none';
  if (route.GatewayId?.startsWith('igw-')) return 'public';
  // A NAT instance, a transit gateway or a firewall may lead out as well: whoever made the route meant it to.
  return route.NatGatewayId || route.TransitGatewayId || route.NetworkInterfaceId || route.InstanceId
    ? 'nat'
    : 'none';
}

function groupFacts(group: SecurityGroup): GroupFacts {
  const owner = ownerOf(group.Tags);
  return {
    id: group.GroupId ?? '',
    vpcId: group.VpcId ?? '',
    rules: [...rulesOf('in', group.IpPermissions), ...rulesOf('out', group.IpPermissionsEgress)],
    ...(owner !== undefined && { owner }),
  };
}

const rulesOf = (direction: 'in' | 'out', permissions: readonly IpPermission[] = []): GroupRule[] =>
  permissions
    .filter(({ IpProtocol = '' }) => ['-1', 'tcp', '6'].includes(IpProtocol))
    .map(({ IpProtocol, FromPort, ToPort, UserIdGroupPairs = [], IpRanges = [] }) => ({
      direction,
      from: IpProtocol === '-1' ? 0 : (FromPort ?? 0),
      to: IpProtocol === '-1' ? 65_535 : (ToPort ?? 65_535),
      peers: [
        ...UserIdGroupPairs.flatMap(({ GroupId }) => GroupId ?? []),
        ...IpRanges.flatMap(({ CidrIp }) => CidrIp ?? []),
      ],
    }));
