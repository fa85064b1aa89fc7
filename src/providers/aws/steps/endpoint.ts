import { CreateVpcEndpointCommand, DeleteVpcEndpointsCommand } from '@aws-sdk/client-ec2';
import { nameOf } from '../stage.ts';
import type { SubnetHave, VpcHave } from './network-haves.ts';
import type { GroupHave } from './security-groups.ts';
import { absent, ofResource, tagSpecs } from './tagged.ts';
import type { AwsStep, World } from './world.ts';

/** The way from subnets without an exit to Secrets Manager: one network interface per zone. */
export function secretsEndpoint(
  { aws, stage }: World,
  needs: {
    readonly vpc: AwsStep<VpcHave>;
    readonly subnets: readonly AwsStep<SubnetHave>[];
    readonly group: AwsStep<GroupHave>;
  },
): AwsStep<{ endpointId: string }> {
  const { vpc, subnets, group } = needs;
  return {
    id: 'secrets-endpoint',
    title: `interface endpoint ${nameOf(stage, 'secrets')} (Secrets Manager)`,
    needs: [vpc, ...subnets, group],
    async find(look) {
      const living = (await look.endpoints()).filter(
        ({ State }) => !/^(deleted|failed|rejected)$/i.test(State ?? ''),
      );
      const endpoint = ofResource(living, 'secrets', ({ VpcEndpointId }) => VpcEndpointId);
      if (endpoint?.VpcEndpointId === undefined) return absent;
      const have = { endpointId: endpoint.VpcEndpointId };
      // The API answers "available"; the SDK's enumeration says "Available".
      const state = String(endpoint.State).toLowerCase();
      if (state === 'available') return { state: 'ready', have };
      return state === 'deleting' ? { state: 'pending', why: state } : { state: 'pending', have, why: state };
    },
    async create(haves) {
      await aws.write.ec2.send(
        new CreateVpcEndpointCommand({
          VpcId: haves.get(vpc).vpcId,
          ServiceName: `com.amazonaws.${aws.region}.secretsmanager`,
          VpcEndpointType: 'Interface',
          SubnetIds: subnets.map((subnet) => haves.get(subnet).subnetId),
          SecurityGroupIds: [haves.get(group).groupId],
          PrivateDnsEnabled: true,
          TagSpecifications: tagSpecs(stage, 'vpc-endpoint', 'secrets'),
        }),
      );
    },
    async remove({ endpointId }) {
      await aws.write.ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: [endpointId] }));
    },
  };
}
