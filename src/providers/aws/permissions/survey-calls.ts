/* Groups of calls that several commands make: what is looked at, the lock of a run, the ways to a database. */

export const identity = ['sts:GetCallerIdentity'];

/** The lock of a run that changes something. */
export const lock = [
  'ssm:DeleteParameter',
  'ssm:GetParameter',
  'ssm:GetParametersByPath',
  'ssm:PutParameter',
];

const lookAtNetwork = [
  'ec2:DescribeAddresses',
  'ec2:DescribeInternetGateways',
  'ec2:DescribeNatGateways',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeRouteTables',
  'ec2:DescribeSecurityGroups',
  'ec2:DescribeSubnets',
  'ec2:DescribeVpcAttribute',
  'ec2:DescribeVpcEndpoints',
  'ec2:DescribeVpcs',
];

const lookAtDatabase = [
  'rds:DescribeDBClusterParameterGroups',
  'rds:DescribeDBClusterParameters',
  'rds:DescribeDBClusters',
  'rds:DescribeDBInstances',
  'rds:DescribeDBParameterGroups',
  'rds:DescribeDBParameters',
  'rds:DescribeDBProxies',
  'rds:DescribeDBProxyEndpoints',
  'rds:DescribeDBProxyTargetGroups',
  'rds:DescribeDBProxyTargets',
  'rds:DescribeDBSubnetGroups',
  'rds:ListTagsForResource',
  'secretsmanager:ListSecrets',
];

const lookAtFunctions = [
  'lambda:GetAccountSettings',
  'apigatewayv2:GetApis',
  'apigatewayv2:GetIntegrations',
  'apigatewayv2:GetRoutes',
  'apigatewayv2:GetStage',
  'apigatewayv2:GetStages',
  'events:DescribeRule',
  'events:ListTagsForResource',
  'events:ListTargetsByRule',
  'iam:GetRole',
  'iam:GetRolePolicy',
  'iam:ListRolePolicies',
  'lambda:GetAlias',
  'lambda:GetFunction',
  'lambda:GetFunctionConcurrency',
  'lambda:GetFunctionConfiguration',
  'lambda:GetPolicy',
  'lambda:ListFunctions',
  'lambda:ListVersionsByFunction',
  'logs:DescribeLogGroups',
  'logs:ListTagsForResource',
];

/** What budget and cost are made of. */
export const estimate = ['ec2:DescribeInstanceTypes', 'pricing:GetProducts'];

/** What AWS has on offer. */
export const offers = ['rds:DescribeDBEngineVersions', 'rds:DescribeOrderableDBInstanceOptions'];

export const survey = [...identity, ...lookAtNetwork, ...lookAtDatabase, ...lookAtFunctions];

/** SQL by any of the routes: login by secret or IAM, Data API, runner. */
export const reachDatabase = [
  'lambda:Invoke',
  'rds-data:BeginTransaction',
  'rds-data:CommitTransaction',
  'rds-data:ExecuteStatement',
  'rds-data:RollbackTransaction',
  'rds-db:connect',
  'secretsmanager:GetSecretValue',
];
