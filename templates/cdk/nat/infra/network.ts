import { Fn } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { newGroup } from './groups.ts';
import { nameOf, tag } from './names.ts';
import { settings } from './project.ts';

/**
 * Two private subnets in two zones, and one NAT gateway in a public subnet through which both reach the internet. One, where CDK
 * would make one per zone: it costs by the hour, and when its zone fails functions reach the database still.
 */
export class Network extends Construct {
  readonly vpc: ec2.IVpc;
  readonly subnets: ec2.SubnetSelection;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const { cidr } = settings('network', { cidr: '10.20.0.0/22' });
    const cidrMask = Number(cidr.split('/')[1]) + 2;
    const vpc = new ec2.Vpc(this, 'Vpc', {
      vpcName: nameOf(this, 'vpc'),
      ipAddresses: ec2.IpAddresses.cidr(cidr),
      maxAzs: 2,
      natGateways: 0,
      // A quarter each; the third is the public subnet's.
      subnetConfiguration: [{ name: 'private', subnetType: ec2.SubnetType.PRIVATE_ISOLATED, cidrMask }],
      // Nothing is in the default group; emptying it would take one more function.
      restrictDefaultSecurityGroup: false,
    });
    tag(vpc, 'vpc');
    const nat = this.#openExit(vpc, cidrMask);
    vpc.isolatedSubnets.forEach((subnet, index) => {
      tag(subnet, `private-${'ab'[index]}`);
      (subnet as ec2.PrivateSubnet).addDefaultNatRoute(nat.ref);
    });
    this.vpc = vpc;
    this.subnets = { subnets: vpc.isolatedSubnets };
  }

  #openExit(vpc: ec2.Vpc, cidrMask: number): ec2.CfnNatGateway {
    const gateway = new ec2.CfnInternetGateway(this, 'Internet');
    tag(gateway, 'internet');
    const attachment = new ec2.CfnVPCGatewayAttachment(this, 'InternetAttachment', {
      vpcId: vpc.vpcId,
      internetGatewayId: gateway.ref,
    });
    const subnet = new ec2.PublicSubnet(this, 'Public', {
      vpcId: vpc.vpcId,
      availabilityZone: vpc.availabilityZones[0] ?? '',
      cidrBlock: Fn.select(2, Fn.cidr(vpc.vpcCidrBlock, 4, String(32 - cidrMask))),
      mapPublicIpOnLaunch: false,
    });
    tag(subnet, 'public-a');
    subnet.addDefaultInternetRoute(gateway.ref, attachment);
    const nat = subnet.addNatGateway();
    tag(nat, 'nat');
    return nat;
  }

  /** The group of functions that log in; whoever pays for a NAT gateway wants to reach the internet. */
  callerGroup(scope: Construct, name: string): ec2.SecurityGroup {
    const group = newGroup(scope, this.vpc, name);
    group.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(443), `${name} to the internet`);
    return group;
  }
}
