import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { newGroup } from './groups.ts';
import { nameOf, tag } from './names.ts';
import { settings } from './project.ts';

/**
 * Two private subnets in two zones, and no way out: no internet gateway, no NAT. Nothing in here calls AWS: functions make their
 * IAM tokens themselves.
 */
export class Network extends Construct {
  readonly vpc: ec2.IVpc;
  readonly subnets: ec2.SubnetSelection;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    const { cidr } = settings('network', { cidr: '10.20.0.0/22' });
    const vpc = new ec2.Vpc(this, 'Vpc', {
      vpcName: nameOf(this, 'vpc'),
      ipAddresses: ec2.IpAddresses.cidr(cidr),
      maxAzs: 2,
      natGateways: 0,
      // A quarter each. Small is enough: a function needs an address per subnet and group, not one per environment.
      subnetConfiguration: [
        {
          name: 'private',
          subnetType: ec2.SubnetType.PRIVATE_ISOLATED,
          cidrMask: Number(cidr.split('/')[1]) + 2,
        },
      ],
      // Nothing is in the default group; emptying it would take one more function.
      restrictDefaultSecurityGroup: false,
    });
    tag(vpc, 'vpc');
    vpc.isolatedSubnets.forEach((subnet, index) => {
      tag(subnet, `private-${'ab'[index]}`);
    });
    this.vpc = vpc;
    this.subnets = { subnets: vpc.isolatedSubnets };
  }

  /** The group of functions that log in. */
  callerGroup(scope: Construct, name: string): ec2.SecurityGroup {
    return newGroup(scope, this.vpc, name);
  }
}
