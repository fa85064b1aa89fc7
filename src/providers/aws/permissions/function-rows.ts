import { extra, type Grant, type Grants, type Rows, rowsOn } from './grant.ts';

const lambdaGuide = 'https://docs.aws.amazon.com/lambda/latest/dg';

const passRole = extra(
  'iam:PassRole',
  ['roleForFunction'],
  'the function works with a role of its own',
  `${lambdaGuide}/lambda-intro-execution-role.html`,
);

/** Lambda looks at the network on the caller's behalf. */
const network: readonly Grant[] = ['DescribeSecurityGroups', 'DescribeSubnets', 'DescribeVpcs'].map((name) =>
  extra(
    `ec2:${name}`,
    ['anything'],
    'Lambda checks subnets and security groups with the rights of the caller',
    `${lambdaGuide}/configuration-vpc.html#configuration-vpc-permissions`,
  ),
);

const invoke: Grants = [{ action: 'lambda:InvokeFunction', scopes: ['function', 'consumerFunction'] }];

/** Roles, functions and their logs. */
const lambdaRows: Rows = {
  ...rowsOn(
    ['anything'],
    [
      'cloudwatch:GetMetricData',
      'lambda:GetAccountSettings',
      'lambda:ListEventSourceMappings',
      'lambda:ListFunctions',
    ],
  ),
  ...rowsOn(
    ['function'],
    ['lambda:CreateFunction'],
    [
      passRole,
      ...network,
      extra(
        'lambda:TagResource',
        ['function'],
        'tags are given at creation',
        `${lambdaGuide}/configuration-tags.html`,
      ),
    ],
  ),
  ...rowsOn(['function', 'consumerFunction'], ['lambda:UpdateFunctionConfiguration'], [passRole, ...network]),
  'lambda:Invoke': invoke,
  ...rowsOn(
    ['function'],
    [
      'lambda:AddPermission',
      'lambda:CreateAlias',
      'lambda:DeleteFunction',
      'lambda:DeleteFunctionConcurrency',
      'lambda:GetPolicy',
      'lambda:PutFunctionConcurrency',
      'lambda:RemovePermission',
      'lambda:TagResource',
      'lambda:UntagResource',
      'lambda:UpdateFunctionCode',
    ],
  ),
  ...rowsOn(
    ['function', 'consumerFunction'],
    [
      'lambda:DeleteProvisionedConcurrencyConfig',
      'lambda:GetAlias',
      'lambda:GetFunction',
      'lambda:GetFunctionConcurrency',
      'lambda:GetFunctionConfiguration',
      'lambda:GetProvisionedConcurrencyConfig',
      'lambda:ListAliases',
      'lambda:ListProvisionedConcurrencyConfigs',
      'lambda:ListVersionsByFunction',
      'lambda:PublishVersion',
      'lambda:PutProvisionedConcurrencyConfig',
      'lambda:UpdateAlias',
    ],
  ),
};

const roleRows: Rows = {
  ...rowsOn(
    ['role'],
    ['iam:CreateRole'],
    [
      extra(
        'iam:TagRole',
        ['role'],
        'tags are given at creation',
        'https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags_roles.html',
      ),
    ],
  ),
  ...rowsOn(
    ['role'],
    [
      'iam:DeleteRole',
      'iam:DeleteRolePolicy',
      'iam:GetRole',
      'iam:GetRolePolicy',
      'iam:ListAttachedRolePolicies',
      'iam:ListRolePolicies',
      'iam:PutRolePolicy',
    ],
  ),
  ...rowsOn(['managedPolicy'], ['iam:GetPolicy', 'iam:GetPolicyVersion']),
};

const logRows: Rows = {
  ...rowsOn(['anything'], ['logs:DescribeLogGroups']),
  ...rowsOn(
    ['logGroup'],
    ['logs:CreateLogGroup'],
    [
      extra(
        'logs:TagResource',
        ['logGroup'],
        'tags are given at creation',
        'https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html',
      ),
    ],
  ),
  ...rowsOn(['logGroup'], ['logs:DeleteLogGroup', 'logs:ListTagsForResource', 'logs:PutRetentionPolicy']),
};

export const functionRows: Rows = { ...lambdaRows, ...roleRows, ...logRows };
