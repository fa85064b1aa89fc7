import type { Bed } from './bed.ts';

/** Service, call, the output's list, and what names one of it. */
const lists = [
  ['ec2', 'DescribeVpcs', 'Vpcs', 'VpcId'],
  ['ec2', 'DescribeNatGateways', 'NatGateways', 'NatGatewayId'],
  ['ec2', 'DescribeAddresses', 'Addresses', 'PublicIp'],
  ['ec2', 'DescribeVpcEndpoints', 'VpcEndpoints', 'VpcEndpointId'],
  ['ec2', 'DescribeNetworkInterfaces', 'NetworkInterfaces', 'Description'],
  ['rds', 'DescribeDBInstances', 'DBInstances', 'DBInstanceIdentifier'],
  ['rds', 'DescribeDBClusters', 'DBClusters', 'DBClusterIdentifier'],
  ['rds', 'DescribeDBProxies', 'DBProxies', 'DBProxyName'],
  ['rds', 'DescribeDBSubnetGroups', 'DBSubnetGroups', 'DBSubnetGroupName'],
  ['secretsmanager', 'ListSecrets', 'SecretList', 'Name'],
  ['lambda', 'ListFunctions', 'Functions', 'FunctionName'],
  ['lambda', 'ListLayers', 'Layers', 'LayerName'],
  ['apigatewayv2', 'GetApis', 'Items', 'ApiId'],
  ['events', 'ListRules', 'Rules', 'Name'],
  ['logs', 'DescribeLogGroups', 'logGroups', 'logGroupName'],
  ['iam', 'ListRoles', 'Roles', 'RoleName'],
] as const;

/**
 * What the account still holds, as `service name`: of nothing that was there before anybody began (the default VPC), nor of CDK's
 * own bootstrap. Log groups that a service makes by itself outlive every stack, in AWS too: `keeps` names what may stay.
 */
export async function findLeftovers(bed: Bed, keeps = /^$/): Promise<readonly string[]> {
  const found = await Promise.all(
    lists.map(async ([service, action, key, name]) => {
      const output = await bed.aws<Record<string, Record<string, unknown>[]>>({
        ...{ service, action, input: {}, plain: false },
      });
      return (output[key] ?? [])
        .filter((one) => one.IsDefault !== true && !['deleted', 'deleting'].includes(String(one.State)))
        .map((one) => `${service} ${one[name]}`);
    }),
  );
  return found.flat().filter((one) => !/ cdk-hnb659fds-/.test(one) && !keeps.test(one));
}
