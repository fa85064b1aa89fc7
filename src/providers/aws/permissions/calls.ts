import { estimate, identity, lock, offers, reachDatabase, survey } from './survey-calls.ts';

/*
 * Which calls each command makes. Kept by hand, and checked twice: every call in the sources must stand in a list
 * (test/providers/aws/permissions), and every call that the test bed sees must be covered (`coveredBy`).
 */

const createNetwork = [
  'ec2:AllocateAddress',
  'ec2:AssociateRouteTable',
  'ec2:AttachInternetGateway',
  'ec2:AuthorizeSecurityGroupEgress',
  'ec2:AuthorizeSecurityGroupIngress',
  'ec2:CreateInternetGateway',
  'ec2:CreateNatGateway',
  'ec2:CreateRoute',
  'ec2:CreateRouteTable',
  'ec2:CreateSecurityGroup',
  'ec2:CreateSubnet',
  'ec2:CreateVpc',
  'ec2:CreateVpcEndpoint',
  'ec2:DescribeAvailabilityZones',
  'ec2:ModifyVpcAttribute',
  'ec2:RevokeSecurityGroupEgress',
  'ec2:RevokeSecurityGroupIngress',
];

const createDatabase = [
  'rds:CreateDBCluster',
  'rds:CreateDBClusterParameterGroup',
  'rds:CreateDBInstance',
  'rds:CreateDBInstanceReadReplica',
  'rds:CreateDBParameterGroup',
  'rds:CreateDBProxy',
  'rds:CreateDBProxyEndpoint',
  'rds:CreateDBSubnetGroup',
  'rds:ModifyDBCluster',
  'rds:ModifyDBClusterParameterGroup',
  'rds:ModifyDBInstance',
  'rds:ModifyDBParameterGroup',
  'rds:ModifyDBProxy',
  'rds:ModifyDBProxyTargetGroup',
  'rds:RegisterDBProxyTargets',
  'secretsmanager:CreateSecret',
  'secretsmanager:RestoreSecret',
];

const createRole = ['iam:CreateRole', 'iam:PutRolePolicy'];

/** The in-VPC runner is a function of its own. */
const createFunction = [
  ...createRole,
  'lambda:CreateFunction',
  'lambda:UpdateFunctionCode',
  'lambda:UpdateFunctionConfiguration',
  'logs:CreateLogGroup',
  'logs:PutRetentionPolicy',
];

const useDatabase = [...identity, 'rds:DescribeDBClusters', 'rds:DescribeDBInstances', ...reachDatabase];

const provision = [
  ...survey,
  ...lock,
  ...estimate,
  ...offers,
  ...createNetwork,
  ...createDatabase,
  ...createFunction,
  ...reachDatabase,
];

const deploy = [
  ...survey,
  ...lock,
  ...createFunction,
  'apigatewayv2:CreateApi',
  'apigatewayv2:CreateIntegration',
  'apigatewayv2:CreateRoute',
  'apigatewayv2:CreateStage',
  'apigatewayv2:DeleteApi',
  'apigatewayv2:DeleteIntegration',
  'apigatewayv2:DeleteRoute',
  'apigatewayv2:UpdateIntegration',
  'apigatewayv2:UpdateRoute',
  'apigatewayv2:UpdateStage',
  'events:DeleteRule',
  'events:PutRule',
  'events:PutTargets',
  'events:RemoveTargets',
  'iam:DeleteRole',
  'iam:DeleteRolePolicy',
  'lambda:AddPermission',
  'lambda:CreateAlias',
  'lambda:DeleteFunction',
  'lambda:DeleteFunctionConcurrency',
  'lambda:Invoke',
  'lambda:PublishVersion',
  'lambda:PutFunctionConcurrency',
  'lambda:RemovePermission',
  'lambda:UpdateAlias',
  'secretsmanager:GetSecretValue',
];

const destroy = [
  ...survey,
  ...lock,
  'apigatewayv2:DeleteApi',
  'ec2:DeleteInternetGateway',
  'ec2:DeleteNatGateway',
  'ec2:DeleteRouteTable',
  'ec2:DeleteSecurityGroup',
  'ec2:DeleteSubnet',
  'ec2:DeleteVpc',
  'ec2:DeleteVpcEndpoints',
  'ec2:DetachInternetGateway',
  'ec2:DisassociateRouteTable',
  'ec2:ReleaseAddress',
  'ec2:RevokeSecurityGroupEgress',
  'ec2:RevokeSecurityGroupIngress',
  'events:DeleteRule',
  'events:RemoveTargets',
  'iam:DeleteRole',
  'iam:DeleteRolePolicy',
  'lambda:DeleteFunction',
  'logs:DeleteLogGroup',
  'rds:DeleteDBCluster',
  'rds:DeleteDBClusterParameterGroup',
  'rds:DeleteDBInstance',
  'rds:DeleteDBParameterGroup',
  'rds:DeleteDBProxy',
  'rds:DeleteDBProxyEndpoint',
  'rds:DeleteDBSubnetGroup',
  'rds:DescribeDBClusterSnapshots',
  'rds:DescribeDBSnapshots',
  'rds:ModifyDBCluster',
  'rds:ModifyDBInstance',
  'secretsmanager:DeleteSecret',
];

/** What exists of a stage that an engine has made. */
const lookAtStack = ['cloudformation:DescribeStacks', 'cloudformation:ListStackResources'];

/** What is done besides the engine: secrets are filled, roles made, a proxy is told of its database. */
const completeStack = [
  ...[...survey, ...lock, ...lookAtStack, ...reachDatabase],
  'rds:RegisterDBProxyTargets',
  'secretsmanager:PutSecretValue',
];

const lookAtAttachment = [
  ...identity,
  ...lock,
  'ec2:DescribeSecurityGroups',
  'iam:GetRolePolicy',
  'lambda:GetFunction',
  'lambda:ListFunctions',
  'rds:DescribeDBProxies',
  'secretsmanager:DescribeSecret',
];

const attach = [
  ...lookAtAttachment,
  'ec2:AuthorizeSecurityGroupEgress',
  'ec2:AuthorizeSecurityGroupIngress',
  'ec2:CreateSecurityGroup',
  'ec2:DescribeRouteTables',
  'ec2:DescribeSubnets',
  'ec2:DescribeVpcEndpoints',
  'ec2:DescribeVpcPeeringConnections',
  'ec2:DescribeVpcs',
  'ec2:RevokeSecurityGroupEgress',
  'iam:PutRolePolicy',
  // The function that proves: made, asked, removed.
  'lambda:CreateFunction',
  'lambda:DeleteFunction',
  'lambda:Invoke',
  'lambda:ListVersionsByFunction',
  'lambda:TagResource',
  'lambda:UpdateFunctionConfiguration',
  'rds:DescribeDBClusters',
  'rds:DescribeDBInstances',
  'rds:DescribeDBSubnetGroups',
  'rds:ListTagsForResource',
  'rds:ModifyDBProxy',
  'secretsmanager:CreateSecret',
  'secretsmanager:GetSecretValue',
  'secretsmanager:PutSecretValue',
  'secretsmanager:RestoreSecret',
];

const detach = [
  ...lookAtAttachment,
  'ec2:DeleteSecurityGroup',
  'ec2:RevokeSecurityGroupEgress',
  'ec2:RevokeSecurityGroupIngress',
  'iam:DeleteRolePolicy',
  'lambda:DeleteFunction',
  'lambda:UntagResource',
  'lambda:UpdateFunctionConfiguration',
  'rds:ModifyDBProxy',
  'secretsmanager:DeleteSecret',
];

const lookAtRotation = [
  ...useDatabase,
  'lambda:GetAccountSettings',
  'lambda:GetAlias',
  'lambda:GetFunction',
  'lambda:GetFunctionConcurrency',
  'lambda:GetFunctionConfiguration',
  'lambda:GetProvisionedConcurrencyConfig',
  'lambda:ListAliases',
  'lambda:ListEventSourceMappings',
  'lambda:ListProvisionedConcurrencyConfigs',
  'lambda:ListVersionsByFunction',
  'rds:DescribeDBProxies',
  'rds:DescribeDBProxyEndpoints',
  'rds:DescribeDBProxyTargets',
  'secretsmanager:DescribeSecret',
  'secretsmanager:ListSecretVersionIds',
  'ssm:DescribeParameters',
  'ssm:GetParameter',
];

const rotate = [
  ...lookAtRotation,
  'cloudwatch:GetMetricData',
  'lambda:DeleteProvisionedConcurrencyConfig',
  'lambda:PublishVersion',
  'lambda:PutProvisionedConcurrencyConfig',
  'lambda:UpdateAlias',
  'lambda:UpdateFunctionConfiguration',
  'rds:ModifyDBCluster',
  'rds:ModifyDBInstance',
  // No call of ours: RDS asks for it when it is to rotate a master password.
  'secretsmanager:RotateSecret',
  'secretsmanager:PutSecretValue',
  'secretsmanager:UpdateSecretVersionStage',
  'ssm:PutParameter',
];

/** Everybody in the region may hold the login: names and tags cannot narrow it. */
const findConsumers = [
  ...lookAtRotation,
  'ec2:DescribeNetworkInterfaces',
  'iam:GetPolicy',
  'iam:GetPolicyVersion',
  'iam:GetRolePolicy',
  'iam:ListAttachedRolePolicies',
  'iam:ListRolePolicies',
  'lambda:ListFunctions',
  'secretsmanager:ListSecrets',
];

/** Calls of each command that reaches AWS, by its name. */
export const callsOf = {
  attach,
  deploy,
  destroy,
  detach,
  'engine-deploy': completeStack,
  'engine-destroy': [...survey, ...lookAtStack, 'rds:DescribeDBClusterSnapshots', 'rds:DescribeDBSnapshots'],
  'engine-plan': [...identity, ...lookAtStack, 'ec2:DescribeSubnets'],
  'engine-status': [...survey, ...estimate, ...lookAtStack, ...reachDatabase],
  'find-consumers': findConsumers,
  invoke: [...identity, 'lambda:GetFunction', 'lambda:Invoke'],
  migrate: useDatabase,
  // Any command's `--plan`: it reads no secret, so what only the database knows stays unverified.
  plan: [...survey, ...estimate, ...offers],
  provision,
  psql: useDatabase,
  rotate,
  seed: useDatabase,
  status: [...survey, ...estimate],
} as const satisfies Record<string, readonly string[]>;

export type CommandName = keyof typeof callsOf;

/** They work on what others made, under names and without tags of ours. */
export const foreignCommands: ReadonlySet<CommandName> = new Set<CommandName>([
  'attach',
  'detach',
  'find-consumers',
]);
