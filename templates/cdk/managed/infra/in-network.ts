import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { LambdaFunctionProps } from './lambda-function.ts';
import type { Network } from './network.ts';

/** Where a function stands. */
export const inNetwork = (
  { vpc, subnets }: Network,
  group: ec2.ISecurityGroup,
): NonNullable<LambdaFunctionProps['network']> => ({ vpc, vpcSubnets: subnets, securityGroups: [group] });

/**
 * Lambda makes a function's network interfaces with the function's role, and none of these permissions takes a resource that is
 * known beforehand; so the code that runs in the function is denied them.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html#configuration-vpc-best-practice
 */
export function networkInterfaces(functionArn: string): iam.PolicyStatement[] {
  const made = [
    'ec2:CreateNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DeleteNetworkInterface',
    'ec2:AssignPrivateIpAddresses',
    'ec2:UnassignPrivateIpAddresses',
  ];
  return [
    new iam.PolicyStatement({ actions: [...made, 'ec2:DescribeSubnets'], resources: ['*'] }),
    new iam.PolicyStatement({
      effect: iam.Effect.DENY,
      actions: [...made, 'ec2:DetachNetworkInterface'],
      resources: ['*'],
      conditions: { ArnEquals: { 'lambda:SourceFunctionArn': functionArn } },
    }),
  ];
}
