import {
  AllocateAddressCommand,
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  CreateNatGatewayCommand,
  DeleteInternetGatewayCommand,
  DeleteNatGatewayCommand,
  DetachInternetGatewayCommand,
  ReleaseAddressCommand,
} from '@aws-sdk/client-ec2';
import type { SubnetHave, VpcHave } from './network-haves.ts';
import { absent, difference, ofResource, tagSpecs } from './tagged.ts';
import type { AwsStep, World } from './world.ts';

export interface GatewayHave {
  readonly gatewayId: string;
  /** Empty while it is attached to none. */
  readonly vpcId: string;
}
export interface AddressHave {
  readonly allocationId: string;
}
export interface NatHave {
  readonly natId: string;
}

export function internetGatewayStep({ aws, stage }: World, vpc: AwsStep<VpcHave>): AwsStep<GatewayHave> {
  const { ec2 } = aws.write;
  return {
    id: 'internet-gateway',
    title: `internet gateway ${stage.prefix}-internet`,
    needs: [vpc],
    async find(look) {
      const gateway = ofResource(await look.internetGateways(), 'internet', (one) => one.InternetGatewayId);
      if (gateway?.InternetGatewayId === undefined) return absent;
      const vpcId = gateway.Attachments?.[0]?.VpcId ?? '';
      const have = { gatewayId: gateway.InternetGatewayId, vpcId };
      if (vpcId !== '') return { state: 'ready', have };
      return { state: 'drifted', have, differences: [difference('Attachments', 'none', 'the VPC', true)] };
    },
    async create() {
      await ec2.send(
        new CreateInternetGatewayCommand({
          TagSpecifications: tagSpecs(stage, 'internet-gateway', 'internet'),
        }),
      );
    },
    async update({ gatewayId }, haves) {
      const { vpcId } = haves.get(vpc);
      await ec2.send(new AttachInternetGatewayCommand({ InternetGatewayId: gatewayId, VpcId: vpcId }));
    },
    async remove({ gatewayId, vpcId }) {
      if (vpcId !== '') {
        await ec2.send(new DetachInternetGatewayCommand({ InternetGatewayId: gatewayId, VpcId: vpcId }));
      }
      await ec2.send(new DeleteInternetGatewayCommand({ InternetGatewayId: gatewayId }));
    },
  };
}

export function addressStep({ aws, stage }: World): AwsStep<AddressHave> {
  return {
    id: 'nat-address',
    title: `public address ${stage.prefix}-nat-address`,
    needs: [],
    async find(look) {
      const address = ofResource(await look.addresses(), 'nat-address', ({ AllocationId }) => AllocationId);
      if (address?.AllocationId === undefined) return absent;
      return { state: 'ready', have: { allocationId: address.AllocationId } };
    },
    async create() {
      await aws.write.ec2.send(
        new AllocateAddressCommand({
          Domain: 'vpc',
          TagSpecifications: tagSpecs(stage, 'elastic-ip', 'nat-address'),
        }),
      );
    },
    async remove({ allocationId }) {
      await aws.write.ec2.send(new ReleaseAddressCommand({ AllocationId: allocationId }));
    },
  };
}

export function natStep(
  { aws, stage }: World,
  subnet: AwsStep<SubnetHave>,
  address: AwsStep<AddressHave>,
  routes: AwsStep<unknown>,
): AwsStep<NatHave> {
  return {
    id: 'nat-gateway',
    title: `NAT gateway ${stage.prefix}-nat`,
    needs: [subnet, address, routes],
    async find(look) {
      const living = (await look.natGateways()).filter(
        ({ State }) => State !== 'deleted' && State !== 'failed',
      );
      const nat = ofResource(living, 'nat', ({ NatGatewayId }) => NatGatewayId);
      if (nat?.NatGatewayId === undefined) return absent;
      const have = { natId: nat.NatGatewayId };
      return nat.State === 'available'
        ? { state: 'ready', have }
        : { state: 'pending', have, why: String(nat.State) };
    },
    async create(haves) {
      await aws.write.ec2.send(
        new CreateNatGatewayCommand({
          SubnetId: haves.get(subnet).subnetId,
          AllocationId: haves.get(address).allocationId,
          TagSpecifications: tagSpecs(stage, 'natgateway', 'nat'),
        }),
      );
    },
    async remove({ natId }) {
      await aws.write.ec2.send(new DeleteNatGatewayCommand({ NatGatewayId: natId }));
    },
  };
}
