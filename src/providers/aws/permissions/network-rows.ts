import { extra, type Grant, type Rows, rowsOn } from './grant.ts';

const tagsAtCreation: Grant = extra(
  'ec2:CreateTags',
  ['tagsOfNewNetwork'],
  'tags are given at creation',
  'https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html',
);

/** EC2: network, security groups, endpoints. A new resource carries our tags; what it is made in is ours. */
export const networkRows: Rows = {
  ...rowsOn(
    ['anything'],
    [
      'ec2:DescribeAddresses',
      'ec2:DescribeAvailabilityZones',
      'ec2:DescribeInstanceTypes',
      'ec2:DescribeInternetGateways',
      'ec2:DescribeNatGateways',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeRouteTables',
      'ec2:DescribeSecurityGroups',
      'ec2:DescribeSubnets',
      'ec2:DescribeVpcAttribute',
      'ec2:DescribeVpcEndpoints',
      'ec2:DescribeVpcPeeringConnections',
      'ec2:DescribeVpcs',
    ],
  ),
  ...rowsOn(
    ['newNetwork'],
    ['ec2:AllocateAddress', 'ec2:CreateInternetGateway', 'ec2:CreateVpc'],
    [tagsAtCreation],
  ),
  ...rowsOn(
    ['newNetwork', 'ownNetwork'],
    ['ec2:CreateNatGateway', 'ec2:CreateRouteTable', 'ec2:CreateSubnet'],
    [tagsAtCreation],
  ),
  ...rowsOn(['newNetwork', 'ownNetwork', 'anyVpc'], ['ec2:CreateSecurityGroup'], [tagsAtCreation]),
  ...rowsOn(
    ['newNetwork', 'ownNetwork'],
    ['ec2:CreateVpcEndpoint'],
    [
      tagsAtCreation,
      extra(
        'route53:AssociateVPCWithHostedZone',
        ['anything'],
        'the private DNS name of the endpoint is a zone that AWS joins to the VPC',
        'https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html',
      ),
    ],
  ),
  ...rowsOn(
    ['ownNetwork', 'securityGroupRule'],
    ['ec2:AuthorizeSecurityGroupEgress', 'ec2:AuthorizeSecurityGroupIngress'],
  ),
  ...rowsOn(
    ['ownNetwork'],
    [
      'ec2:AssociateRouteTable',
      'ec2:AttachInternetGateway',
      'ec2:CreateRoute',
      'ec2:DeleteInternetGateway',
      'ec2:DeleteNatGateway',
      'ec2:DeleteRouteTable',
      'ec2:DeleteSecurityGroup',
      'ec2:DeleteSubnet',
      'ec2:DeleteVpc',
      'ec2:DeleteVpcEndpoints',
      'ec2:DetachInternetGateway',
      'ec2:DisassociateRouteTable',
      'ec2:ModifyVpcAttribute',
      'ec2:ReleaseAddress',
      'ec2:RevokeSecurityGroupEgress',
      'ec2:RevokeSecurityGroupIngress',
    ],
  ),
};
