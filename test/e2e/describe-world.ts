import type { Bed } from '../bed/bed.ts';

type Item = Readonly<Record<string, unknown>>;

/** Every resource of an account, by kind; ids are replaced by names, so that two accounts can be compared. */
export type WorldDescription = Readonly<Record<string, readonly unknown[]>>;

/** Operation, its list, and what is compared, the id first. */
const lists: readonly (readonly [string, string, string, readonly string[]])[] = [
  ['ec2', 'DescribeVpcs', 'Vpcs', ['VpcId', 'CidrBlock', 'State', 'Tags']],
  ['ec2', 'DescribeSubnets', 'Subnets', ['SubnetId', 'VpcId', 'CidrBlock', 'AvailabilityZone', 'Tags']],
  ['ec2', 'DescribeRouteTables', 'RouteTables', ['RouteTableId', 'VpcId', 'Routes', 'Associations', 'Tags']],
  ['ec2', 'DescribeInternetGateways', 'InternetGateways', ['InternetGatewayId', 'Attachments', 'Tags']],
  ['ec2', 'DescribeNatGateways', 'NatGateways', ['NatGatewayId', 'SubnetId', 'State', 'Tags']],
  ['ec2', 'DescribeAddresses', 'Addresses', ['AllocationId', 'Tags']],
  [
    ...(['ec2', 'DescribeSecurityGroups', 'SecurityGroups'] as const),
    ['GroupId', 'GroupName', 'VpcId', 'IpPermissions', 'IpPermissionsEgress', 'Tags'],
  ],
  [
    ...(['ec2', 'DescribeVpcEndpoints', 'VpcEndpoints'] as const),
    ['VpcEndpointId', 'VpcId', 'ServiceName', 'SubnetIds', 'Groups', 'State', 'Tags'],
  ],
  [
    ...(['rds', 'DescribeDBInstances', 'DBInstances'] as const),
    [
      ...[
        'DBInstanceIdentifier',
        'DBInstanceStatus',
        'DBInstanceClass',
        'EngineVersion',
        'DeletionProtection',
      ],
      ...['VpcSecurityGroups', 'DBParameterGroups', 'IAMDatabaseAuthenticationEnabled', 'MultiAZ', 'TagList'],
    ],
  ],
  [
    ...(['rds', 'DescribeDBSnapshots', 'DBSnapshots'] as const),
    ['DBSnapshotIdentifier', 'DBInstanceIdentifier', 'SnapshotType', 'Status'],
  ],
  [
    ...(['rds', 'DescribeDBClusters', 'DBClusters'] as const),
    ['DBClusterIdentifier', 'Status', 'DBClusterMembers', 'VpcSecurityGroups', 'TagList'],
  ],
  ['rds', 'DescribeDBSubnetGroups', 'DBSubnetGroups', ['DBSubnetGroupName', 'VpcId', 'Subnets']],
  [
    'rds',
    'DescribeDBParameterGroups',
    'DBParameterGroups',
    ['DBParameterGroupName', 'DBParameterGroupFamily'],
  ],
  [
    ...(['rds', 'DescribeDBClusterParameterGroups', 'DBClusterParameterGroups'] as const),
    ['DBClusterParameterGroupName'],
  ],
  [
    ...(['rds', 'DescribeDBProxies', 'DBProxies'] as const),
    ['DBProxyName', 'Status', 'VpcSubnetIds', 'VpcSecurityGroupIds', 'Auth', 'RoleArn', 'RequireTLS'],
  ],
  ['rds', 'DescribeDBProxyEndpoints', 'DBProxyEndpoints', ['DBProxyEndpointName', 'Status', 'TargetRole']],
  ['secretsmanager', 'ListSecrets', 'SecretList', ['Name', 'DeletedDate', 'Tags']],
  ['iam', 'ListRoles', 'Roles', ['RoleName', 'AssumeRolePolicyDocument']],
  [
    ...(['lambda', 'ListFunctions', 'Functions'] as const),
    [
      ...['FunctionName', 'Version', 'Runtime', 'Handler', 'MemorySize', 'Timeout', 'Role', 'VpcConfig'],
      ...['CodeSha256', 'State', 'LastUpdateStatus', 'Environment'],
    ],
  ],
  ['apigatewayv2', 'GetApis', 'Items', ['ApiId', 'Name', 'ProtocolType', 'Tags']],
  ['events', 'ListRules', 'Rules', ['Name', 'ScheduleExpression', 'State']],
  ['logs', 'DescribeLogGroups', 'logGroups', ['logGroupName', 'retentionInDays']],
  ['ssm', 'DescribeParameters', 'Parameters', ['Name']],
];

/** What belongs to each item of a kind: operation, its list or value, how the item is named there. */
const details: readonly (readonly [string, string, string, string, readonly [string, string], Item?])[] = [
  ['Roles', 'iam', 'ListRolePolicies', 'PolicyNames', ['RoleName', 'RoleName']],
  [
    ...(['Roles', 'iam', 'GetRolePolicy', 'PolicyDocument'] as const),
    ['RoleName', 'RoleName'],
    { PolicyName: 'lambdapg' },
  ],
  ['Roles', 'iam', 'ListAttachedRolePolicies', 'AttachedPolicies', ['RoleName', 'RoleName']],
  [
    'Functions',
    'lambda',
    'GetFunctionConcurrency',
    'ReservedConcurrentExecutions',
    ['FunctionName', 'FunctionName'],
  ],
  ['Functions', 'lambda', 'ListVersionsByFunction', 'Versions', ['FunctionName', 'FunctionName']],
  ['Functions', 'lambda', 'ListAliases', 'Aliases', ['FunctionName', 'FunctionName']],
  ['Functions', 'lambda', 'GetPolicy', 'Policy', ['FunctionName', 'FunctionName']],
  ['Items', 'apigatewayv2', 'GetRoutes', 'Items', ['ApiId', 'ApiId']],
  ['Items', 'apigatewayv2', 'GetIntegrations', 'Items', ['ApiId', 'ApiId']],
  ['Items', 'apigatewayv2', 'GetStages', 'Items', ['ApiId', 'ApiId']],
  ['Rules', 'events', 'ListTargetsByRule', 'Targets', ['Name', 'Rule']],
  ['DBProxies', 'rds', 'DescribeDBProxyTargets', 'Targets', ['DBProxyName', 'DBProxyName']],
];

/** All of the account, what lambdapg did not make included. */
export async function describeWorld(bed: Bed): Promise<WorldDescription> {
  const ask = async (service: string, action: string, input: Item, list: string): Promise<unknown> => {
    try {
      // EC2 past the gate: its model knows no attachment of an internet gateway that is "available", as AWS answers.
      return (await bed.aws<Item>({ service, action, input, plain: service === 'ec2' }))[list];
    } catch (error) {
      // A function, or role, without a policy has none to show.
      if (/NotFound|NoSuchEntity/.test(String(error))) return undefined;
      throw error;
    }
  };
  const world: Record<string, unknown[]> = {};
  const names = new Map([[bed.account, 'ACCOUNT']]);
  for (const [service, action, list, keys] of lists) {
    const input = action === 'ListSecrets' ? { IncludePlannedDeletion: true } : {};
    const items = ((await ask(service, action, input, list)) ?? []) as Item[];
    for (const item of items) nameItem(names, item, keys[0] ?? '');
    world[list] = items.map((item) => pick(item, keys));
    for (const [kind, other, detail, part, [from, to], more] of details) {
      if (kind !== list) continue;
      world[detail] = await Promise.all(
        items.map(async (item) => {
          const of = { [to]: item[from] };
          return { of, value: await ask(other, detail, { ...of, ...more }, part) };
        }),
      );
    }
  }
  return Object.fromEntries(
    Object.entries(world).map(([kind, items]) => [kind, plainly(items, names) as unknown[]]),
  );
}

const pick = (item: Item, keys: readonly string[]): Item =>
  Object.fromEntries(keys.map((key) => [key, item[key]]));

function nameItem(names: Map<string, string>, item: Item, key: string): void {
  const tags = item.Tags as { Key: string; Value: string }[] | Record<string, string> | undefined;
  const tag = Array.isArray(tags) ? tags.find(({ Key }) => Key === 'Name')?.Value : tags?.Name;
  const id = item[key];
  // Each bed's authority is part of the code, so that its hash is another in each.
  if (typeof item.CodeSha256 === 'string') names.set(item.CodeSha256, `code of ${String(id)}`);
  if (typeof id === 'string' && key.endsWith('Id') && tag !== undefined) names.set(id, `${key} of ${tag}`);
}

/** Changes from run to run, and means nothing here. */
const fleeting =
  /^(SecurityGroupRuleId|RouteTableAssociationId|RouteId|IntegrationId|IntegrationUri|Target|RevisionId|LastModified|CodeSize|CreatedDate|LastUpdatedDate|DeploymentId|CreateDate|SnapshotCreateTime|InstanceCreateTime|OriginalSnapshotCreateTime|DbiResourceId|ApiEndpoint|Endpoint)$/;

function plainly(value: unknown, names: ReadonlyMap<string, string>): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => plainly(item, names));
    return items
      .map((item) => [JSON.stringify(item), item] as const)
      .sort(byText)
      .map(([, item]) => item);
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key, one]) => !fleeting.test(key) && one !== undefined && one !== null)
        .sort(byText)
        .map(([key, one]) => [key, /^Deleted/.test(key) ? 'some time' : plainly(one, names)]),
    );
  }
  return typeof value === 'string' ? namesFor(value, names) : value;
}

const byText = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

function namesFor(text: string, names: ReadonlyMap<string, string>): string {
  // Policies come URL-encoded from IAM.
  let named = text.startsWith('%7B') ? decodeURIComponent(text) : text;
  for (const [id, name] of names) named = named.replaceAll(id, name);
  return named
    .replaceAll(/\b(vpc|subnet|sg|rtb|acl|igw|eipalloc|eni|nat)-[0-9a-f]{8,}/g, '$1-ID')
    .replaceAll(/\b(secret:[\w/!-]+)-\w{6}\b/g, '$1')
    .replaceAll(/\blambdapg-[0-9a-f]{16}\b/g, 'lambdapg-HASH')
    .replaceAll(/^[\w+/]{43}=$/g, 'other code')
    .replaceAll(/rds!(db|cluster)-[0-9a-f-]{36}/g, 'rds!$1-ID')
    .replaceAll(/\bproxy-[a-z0-9]{12}\b/g, 'proxy-HASH')
    .replaceAll(/\bdb-[A-Z0-9]{26}|\bprx-[0-9a-f]+/g, 'RESOURCE')
    .replaceAll(/-(20\d\d-[\d-]+|20\d{12})\b/g, '-TIME')
    .replaceAll(/\.c[a-z0-9]{8,}\.(us-east-1)/g, '.HASH.$1');
}
