import * as ec2 from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { nameOf, prefixOf, tag } from './names.ts';

/** A security group that lets nothing in or out but what `connect` opens; the default would let everything out. */
export function newGroup(scope: Construct, vpc: ec2.IVpc, name: string): ec2.SecurityGroup {
  const group = new ec2.SecurityGroup(scope, `${name}-group`, {
    vpc,
    securityGroupName: nameOf(scope, name),
    description: `${name} of ${prefixOf(scope)}`,
    allowAllOutbound: false,
  });
  tag(group, `${name}-group`, nameOf(scope, `sg-${name}`));
  return group;
}

/**
 * Lets `from` open connections to `to`: one rule at each end. They are resources of their own, because two groups that name each
 * other in their own rules could not be made; and the port is a number, where CDK's own rules of databases hold a reference.
 */
export function connect(from: ec2.SecurityGroup, to: ec2.SecurityGroup, port: 443 | 5432): void {
  const [source = '', target = ''] = [from, to].map(({ node }) => node.id.replace('-group', ''));
  const rule = { ipProtocol: 'tcp', fromPort: port, toPort: port, description: `${source} to ${target}` };
  new ec2.CfnSecurityGroupEgress(from, `out-to-${target}`, {
    ...rule,
    groupId: from.securityGroupId,
    destinationSecurityGroupId: to.securityGroupId,
  });
  new ec2.CfnSecurityGroupIngress(from, `in-to-${target}`, {
    ...rule,
    groupId: to.securityGroupId,
    sourceSecurityGroupId: from.securityGroupId,
  });
}
