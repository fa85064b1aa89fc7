import {
  CreateSubnetCommand,
  CreateVpcCommand,
  DeleteSubnetCommand,
  DeleteVpcCommand,
  DescribeAvailabilityZonesCommand,
  DescribeSubnetsCommand,
  DescribeVpcAttributeCommand,
  ModifyVpcAttributeCommand,
  type Subnet,
} from '@aws-sdk/client-ec2';
import { exitCodes, UserError } from '../../../errors.ts';
import { addressStep, internetGatewayStep, natStep } from './internet.ts';
import type { SubnetHave, VpcHave } from './network-haves.ts';
import { routeTableStep } from './route-table.ts';
import { absent, difference, ofResource, tagSpecs } from './tagged.ts';
import type { AwsStep, World } from './world.ts';

/** The network that functions, proxy and database live in, made or found. */
export interface NetworkSteps {
  readonly vpc: AwsStep<VpcHave>;
  /** Two, in two zones, for functions, proxy and database alike. */
  readonly subnets: readonly AwsStep<SubnetHave>[];
  readonly all: readonly AwsStep<unknown>[];
}

/** A new VPC: two private subnets and, with `nat`, a public one that holds one NAT gateway. */
export function newNetwork(world: World): NetworkSteps {
  const vpc = vpcStep(world);
  const subnets = [0, 1].map((index) => subnetStep(world, vpc, `private-${'ab'[index]}`, index));
  if (world.stage.cloud.network.kind === 'isolated') {
    const routes = routeTableStep(world, vpc, 'private-routes', subnets);
    return { vpc, subnets, all: [vpc, ...subnets, routes] };
  }
  const publicSubnet = subnetStep(world, vpc, 'public-a', 0, 2);
  const gateway = internetGatewayStep(world, vpc);
  const publicRoutes = routeTableStep(world, vpc, 'public-routes', [publicSubnet], gateway);
  const address = addressStep(world);
  const nat = natStep(world, publicSubnet, address, publicRoutes);
  const routes = routeTableStep(world, vpc, 'private-routes', subnets, nat);
  return { vpc, subnets, all: [vpc, ...subnets, publicSubnet, gateway, publicRoutes, address, nat, routes] };
}

function vpcStep({ aws, stage }: World): AwsStep<VpcHave> {
  const { ec2 } = aws.write;
  return {
    id: 'vpc',
    title: `VPC ${stage.prefix}-vpc (${stage.cloud.network.cidr})`,
    needs: [],
    async find(look) {
      const vpc = ofResource(await look.vpcs(), 'vpc', ({ VpcId }) => VpcId);
      if (vpc?.VpcId === undefined) return absent;
      if (vpc.State !== 'available') return { state: 'pending', why: String(vpc.State) };
      const have = { vpcId: vpc.VpcId };
      const { EnableDnsHostnames } = await aws.read.ec2.send(
        new DescribeVpcAttributeCommand({ VpcId: vpc.VpcId, Attribute: 'enableDnsHostnames' }),
      );
      const differences = [
        ...(EnableDnsHostnames?.Value === true
          ? []
          : [difference('EnableDnsHostnames', 'false', 'true', true)]),
        ...(vpc.CidrBlock === stage.cloud.network.cidr
          ? []
          : [difference('CidrBlock', String(vpc.CidrBlock), stage.cloud.network.cidr, false)]),
      ];
      return differences.length > 0 ? { state: 'drifted', have, differences } : { state: 'ready', have };
    },
    async create() {
      await ec2.send(
        new CreateVpcCommand({
          CidrBlock: stage.cloud.network.cidr,
          TagSpecifications: tagSpecs(stage, 'vpc', 'vpc'),
        }),
      );
    },
    async update({ vpcId }) {
      // The private name of an interface endpoint resolves only with this.
      await ec2.send(new ModifyVpcAttributeCommand({ VpcId: vpcId, EnableDnsHostnames: { Value: true } }));
    },
    async remove({ vpcId }) {
      await ec2.send(new DeleteVpcCommand({ VpcId: vpcId }));
    },
  };
}

/** The `index`th zone; the `block`th quarter of the VPC's addresses. */
function subnetStep(
  world: World,
  vpc: AwsStep<VpcHave>,
  resource: string,
  index: number,
  block = index,
): AwsStep<SubnetHave> {
  const { aws, stage } = world;
  return {
    id: `subnet-${resource}`,
    title: `subnet ${stage.prefix}-${resource}`,
    needs: [vpc],
    async find(look) {
      const subnet = ofResource(await look.subnets(), resource, ({ SubnetId }) => SubnetId);
      if (subnet?.SubnetId === undefined) return absent;
      if (subnet.State !== 'available') return { state: 'pending', why: String(subnet.State) };
      return { state: 'ready', have: { subnetId: subnet.SubnetId, zone: subnet.AvailabilityZone ?? '' } };
    },
    async create(haves) {
      await aws.write.ec2.send(
        new CreateSubnetCommand({
          VpcId: haves.get(vpc).vpcId,
          CidrBlock: quarterOf(stage.cloud.network.cidr, block),
          AvailabilityZone: await zoneAt(world, index),
          TagSpecifications: tagSpecs(stage, 'subnet', resource),
        }),
      );
    },
    async remove({ subnetId }) {
      await aws.write.ec2.send(new DeleteSubnetCommand({ SubnetId: subnetId }));
    },
  };
}

async function zoneAt({ aws, stage }: World, index: number): Promise<string> {
  const { AvailabilityZones = [] } = await aws.read.ec2.send(
    new DescribeAvailabilityZonesCommand({
      Filters: [
        { Name: 'state', Values: ['available'] },
        { Name: 'zone-type', Values: ['availability-zone'] },
      ],
    }),
  );
  const zone = AvailabilityZones.map(({ ZoneName }) => ZoneName ?? '').sort()[index];
  if (zone === undefined) {
    throw new UserError(
      'TOO_FEW_ZONES',
      `region ${aws.region} has fewer than two zones for ${stage.prefix}`,
      {
        suggestions: ['another --region'],
      },
    );
  }
  return zone;
}

/** `10.20.0.0/22`, 1 -> `10.20.1.0/24`. */
export function quarterOf(cidr: string, index: number): string {
  const [address = '', bits = '16'] = cidr.split('/');
  const length = Number(bits) + 2;
  const base = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const start = base + index * 2 ** (32 - length);
  return `${[24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256).join('.')}/${length}`;
}

/** Subnets that exist: looked at, never made or removed. */
export function existingNetwork({ aws, stage }: World): NetworkSteps {
  const { subnetIds } = stage.cloud.network;
  let asked: Promise<readonly Subnet[]> | undefined;
  const getAll = (): Promise<readonly Subnet[]> => {
    asked ??= getSubnets(aws, subnetIds);
    return asked;
  };
  const step = <Have>(
    id: string,
    title: string,
    have: (subnets: readonly Subnet[]) => Have,
  ): AwsStep<Have> => ({
    id,
    title,
    needs: [],
    find: async () => ({ state: 'ready', have: have(await getAll()) }),
    create: async () => {},
  });
  const vpc = step('vpc', 'the VPC of the subnets', ([first]) => ({ vpcId: first?.VpcId ?? '' }));
  const subnets = subnetIds.map((id) =>
    step(`subnet-${id}`, `subnet ${id}`, (all) => ({
      subnetId: id,
      zone: all.find(({ SubnetId }) => SubnetId === id)?.AvailabilityZone ?? '',
    })),
  );
  return { vpc, subnets, all: [vpc, ...subnets] };
}

/**
 * @throws UserError NO_SUBNETS, UNKNOWN_SUBNET, SUBNETS_OF_TWO_VPCS, SUBNETS_IN_ONE_ZONE (RDS wants two zones)
 */
export async function getSubnets(aws: World['aws'], ids: readonly string[]): Promise<readonly Subnet[]> {
  if (ids.length < 2) {
    throw new UserError('NO_SUBNETS', `an existing network needs two subnets, found ${ids.length}`, {
      exit: exitCodes.usage,
      suggestions: [
        '--subnets subnet-1…,subnet-2…',
        'lambdapg provision --network isolated makes a new network',
      ],
    });
  }
  const { Subnets = [] } = await aws.read.ec2.send(
    new DescribeSubnetsCommand({ Filters: [{ Name: 'subnet-id', Values: [...ids] }] }),
  );
  const unknown = ids.filter((id) => !Subnets.some(({ SubnetId }) => SubnetId === id));
  if (unknown.length > 0) {
    throw new UserError('UNKNOWN_SUBNET', `no subnet ${unknown.join(', ')} in ${aws.region}`, {
      suggestions: ['--region, if it is in another one'],
    });
  }
  const of = (pick: (subnet: Subnet) => string | undefined): string[] => [
    ...new Set(Subnets.map((one) => pick(one) ?? '')),
  ];
  const [vpcs, zones] = [of(({ VpcId }) => VpcId), of(({ AvailabilityZone }) => AvailabilityZone)];
  if (vpcs.length > 1) {
    throw new UserError(
      'SUBNETS_OF_TWO_VPCS',
      `the subnets belong to ${vpcs.join(' and ')}: they must share one VPC`,
    );
  }
  if (zones.length < 2) {
    throw new UserError(
      'SUBNETS_IN_ONE_ZONE',
      `all subnets are in ${zones[0]}: RDS needs two availability zones`,
      {
        suggestions: ['add a subnet of another zone'],
      },
    );
  }
  return Subnets;
}
