/* Which calls of AWS the consumers of a rotation make. */

const lookAtConsumers = [
  'lambda:GetAlias',
  'lambda:GetFunctionConfiguration',
  'lambda:GetProvisionedConcurrencyConfig',
  'lambda:ListAliases',
  'lambda:ListEventSourceMappings',
  'lambda:ListVersionsByFunction',
  'secretsmanager:GetSecretValue',
  'ssm:DescribeParameters',
  'ssm:GetParameter',
];

/** To look at consumers, shift them and ask them. */
export const consumerCalls = [
  ...lookAtConsumers,
  'cloudwatch:GetMetricData',
  'lambda:DeleteProvisionedConcurrencyConfig',
  'lambda:Invoke',
  'lambda:PublishVersion',
  'lambda:PutProvisionedConcurrencyConfig',
  'lambda:UpdateAlias',
  'lambda:UpdateFunctionConfiguration',
  'secretsmanager:PutSecretValue',
  'ssm:PutParameter',
];

/** `--find-consumers`; what of it is denied is left out and said. */
export const findConsumersCalls = [
  'ec2:DescribeNetworkInterfaces',
  'iam:GetPolicy',
  'iam:GetPolicyVersion',
  'iam:GetRolePolicy',
  'iam:ListAttachedRolePolicies',
  'iam:ListRolePolicies',
  'lambda:ListAliases',
  'lambda:ListFunctions',
  'secretsmanager:ListSecrets',
  'ssm:DescribeParameters',
];
