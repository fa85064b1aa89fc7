import { Annotations, ContextProvider } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as cxschema from 'aws-cdk-lib/cloud-assembly-schema';
import { Construct } from 'constructs';
import { newGroup } from './groups.ts';
import { settings } from './project.ts';

/**
 * The subnets that `lambdapg.json` names, in two zones of one VPC. They are used as they are: from them functions must reach
 * Secrets Manager, by an endpoint or a NAT gateway of yours.
 */
export class Network extends Construct {
  readonly vpc: ec2.IVpc;
  readonly subnets: ec2.SubnetSelection;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const { subnetIds } = settings('network', { subnetIds: [] as readonly string[] });
    const [first] = subnetIds;
    if (first === undefined || subnetIds.length < 2) {
      throw new Error(
        'cloud.network.subnetIds in lambdapg.json must name two subnets, in two zones of one VPC',
      );
    }
    this.vpc = ec2.Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId: this.#vpcOf(first),
      // Wanted, and used by nothing here.
      availabilityZones: ['unknown'],
    });
    this.subnets = { subnets: subnetIds.map((subnetId) => this.#subnet(subnetId)) };
  }

  #subnet(subnetId: string): ec2.ISubnet {
    const subnet = ec2.Subnet.fromSubnetId(this, subnetId, subnetId);
    // Nothing here adds a route.
    Annotations.of(subnet).acknowledgeWarning('@aws-cdk/aws-ec2:noSubnetRouteTableId');
    return subnet;
  }

  /** CDK asks AWS once and keeps the answer in cdk.context.json, which belongs into git. */
  #vpcOf(subnetId: string): string {
    const { value } = ContextProvider.getValue(this, {
      provider: cxschema.ContextProvider.CC_API_PROVIDER,
      props: {
        typeName: 'AWS::EC2::Subnet',
        exactIdentifier: subnetId,
        propertiesToReturn: ['VpcId'],
      },
      dummyValue: [{ VpcId: 'vpc-00000000' }],
    });
    const [subnet] = value as readonly { readonly VpcId: string }[];
    if (subnet === undefined) throw new Error(`there is no subnet ${subnetId} in this account and region`);
    return subnet.VpcId;
  }

  /** The group of functions that log in. */
  callerGroup(scope: Construct, name: string): ec2.SecurityGroup {
    const group = newGroup(scope, this.vpc, name);
    group.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(443), `${name} to AWS`);
    return group;
  }
}
