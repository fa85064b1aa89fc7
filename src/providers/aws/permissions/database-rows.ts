import { extra, type Grant, type Rows, rowsOn } from './grant.ts';
import type { ScopeName } from './scopes.ts';

const guide = 'https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide';

const taggedOn = (...scopes: ScopeName[]): Grant =>
  extra('rds:AddTagsToResource', scopes, 'tags are given at creation', `${guide}/USER_Tagging.html`);

/** RDS looks at the network on the caller's behalf. */
const network: readonly Grant[] = [
  'DescribeAccountAttributes',
  'DescribeAvailabilityZones',
  'DescribeInternetGateways',
  'DescribeSecurityGroups',
  'DescribeSubnets',
  'DescribeVpcAttribute',
  'DescribeVpcs',
].map((name) =>
  extra(
    `ec2:${name}`,
    ['anything'],
    'RDS checks subnets and security groups with the rights of the caller',
    'https://repost.aws/knowledge-center/rds-iam-least-privileges',
  ),
);

const serviceRole = extra(
  'iam:CreateServiceLinkedRole',
  ['serviceRoleOfRds'],
  'the first database or proxy of an account makes the role that RDS itself works with',
  `${guide}/UsingWithRDS.IAM.ServiceLinkedRoles.html`,
);

const secretsGuide = `${guide}/rds-secrets-manager.html#rds-secrets-manager-permissions`;
const managedSecret: readonly Grant[] = [
  ...['secretsmanager:CreateSecret', 'secretsmanager:TagResource'].map((action) =>
    extra(action, ['newMasterSecret'], 'RDS keeps the master login in a secret that it makes', secretsGuide),
  ),
  ...['kms:CreateGrant', 'kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKey'].map((action) =>
    extra(
      action,
      ['keysViaRds'],
      'storage and master secret are encrypted, only by way of RDS',
      secretsGuide,
    ),
  ),
];

const passProxyRole = extra(
  'iam:PassRole',
  ['roleForProxy'],
  'the proxy works with a role of its own',
  `${guide}/rds-proxy-iam-setup.html`,
);

/** RDS, the Data API, Secrets Manager, and logging in with IAM. */
export const databaseRows: Rows = {
  ...rowsOn(
    ['anything'],
    [
      'rds:DescribeDBClusterParameterGroups',
      'rds:DescribeDBClusterParameters',
      'rds:DescribeDBClusters',
      'rds:DescribeDBEngineVersions',
      'rds:DescribeDBInstances',
      'rds:DescribeDBParameterGroups',
      'rds:DescribeDBParameters',
      'rds:DescribeDBProxies',
      'rds:DescribeDBProxyEndpoints',
      'rds:DescribeDBProxyTargetGroups',
      'rds:DescribeDBProxyTargets',
      'rds:DescribeDBClusterSnapshots',
      'rds:DescribeDBSnapshots',
      'rds:DescribeDBSubnetGroups',
      'rds:DescribeOrderableDBInstanceOptions',
      'rds:ListTagsForResource',
    ],
  ),
  ...rowsOn(['subnetGroup'], ['rds:CreateDBSubnetGroup'], [taggedOn('subnetGroup'), ...network, serviceRole]),
  ...rowsOn(['subnetGroup'], ['rds:DeleteDBSubnetGroup']),
  ...rowsOn(['parameterGroup'], ['rds:CreateDBParameterGroup'], [taggedOn('parameterGroup')]),
  ...rowsOn(['parameterGroup'], ['rds:DeleteDBParameterGroup', 'rds:ModifyDBParameterGroup']),
  ...rowsOn(
    ['clusterParameterGroup'],
    ['rds:CreateDBClusterParameterGroup'],
    [taggedOn('clusterParameterGroup')],
  ),
  ...rowsOn(
    ['clusterParameterGroup'],
    ['rds:DeleteDBClusterParameterGroup', 'rds:ModifyDBClusterParameterGroup'],
  ),
  ...rowsOn(
    ['instance', 'cluster', 'subnetGroup', 'parameterGroup', 'defaultOptionGroup'],
    ['rds:CreateDBInstance', 'rds:CreateDBInstanceReadReplica'],
    [taggedOn('instance'), ...network, ...managedSecret, serviceRole],
  ),
  ...rowsOn(
    ['cluster', 'subnetGroup', 'clusterParameterGroup', 'defaultOptionGroup'],
    ['rds:CreateDBCluster'],
    [taggedOn('cluster'), ...network, ...managedSecret, serviceRole],
  ),
  ...rowsOn(
    ['instance', 'subnetGroup', 'parameterGroup', 'defaultOptionGroup'],
    ['rds:ModifyDBInstance'],
    managedSecret,
  ),
  ...rowsOn(
    ['cluster', 'clusterParameterGroup', 'parameterGroup', 'defaultOptionGroup'],
    ['rds:ModifyDBCluster'],
    managedSecret,
  ),
  ...rowsOn(
    ['instance', 'snapshot'],
    ['rds:DeleteDBInstance'],
    [
      extra(
        'rds:CreateDBSnapshot',
        ['instance', 'snapshot'],
        'a final snapshot is taken',
        `${guide}/USER_DeleteInstance.html`,
      ),
      taggedOn('snapshot'),
    ],
  ),
  ...rowsOn(
    ['cluster', 'clusterSnapshot'],
    ['rds:DeleteDBCluster'],
    [
      extra(
        'rds:CreateDBClusterSnapshot',
        ['cluster', 'clusterSnapshot'],
        'a final snapshot is taken',
        'https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/USER_DeleteCluster.html',
      ),
      taggedOn('clusterSnapshot'),
    ],
  ),
  ...rowsOn(
    ['newProxy'],
    ['rds:CreateDBProxy'],
    [taggedOn('newProxyParts'), ...network, passProxyRole, serviceRole],
  ),
  ...rowsOn(['newProxyParts', 'ownProxyParts'], ['rds:CreateDBProxyEndpoint'], [taggedOn('newProxyParts')]),
  ...rowsOn(['ownProxyParts'], ['rds:DeleteDBProxy', 'rds:DeleteDBProxyEndpoint']),
  ...rowsOn(['ownProxyParts'], ['rds:ModifyDBProxy'], [passProxyRole]),
  ...rowsOn(['targetGroup'], ['rds:ModifyDBProxyTargetGroup']),
  ...rowsOn(['targetGroup', 'ownProxyParts', 'instance', 'cluster'], ['rds:RegisterDBProxyTargets']),
  ...rowsOn(
    ['cluster'],
    [
      'rds-data:BeginTransaction',
      'rds-data:CommitTransaction',
      'rds-data:ExecuteStatement',
      'rds-data:RollbackTransaction',
    ],
    [
      extra(
        'secretsmanager:GetSecretValue',
        ['secret', 'masterSecretOfCluster'],
        'the Data API reads the login with the rights of the caller',
        'https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/data-api.access.html',
      ),
    ],
  ),
  // No request to AWS: the token that is the password is signed on this computer.
  ...rowsOn(['databaseLogin'], ['rds-db:connect']),

  ...rowsOn(['anything'], ['secretsmanager:ListSecrets']),
  ...rowsOn(
    ['secret'],
    ['secretsmanager:CreateSecret'],
    [
      extra(
        'secretsmanager:TagResource',
        ['secret'],
        'tags are given at creation',
        'https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html',
      ),
    ],
  ),
  ...rowsOn(
    ['secret'],
    [
      'secretsmanager:DeleteSecret',
      'secretsmanager:ListSecretVersionIds',
      'secretsmanager:RestoreSecret',
      'secretsmanager:UpdateSecretVersionStage',
    ],
  ),
  ...rowsOn(['secret', 'consumerSecret'], ['secretsmanager:DescribeSecret', 'secretsmanager:PutSecretValue']),
  ...rowsOn(
    ['secret', 'consumerSecret', 'masterSecretOfInstance', 'masterSecretOfCluster'],
    ['secretsmanager:GetSecretValue'],
  ),
  // docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html#rds-secrets-manager-permissions
  ...rowsOn(['masterSecretOfInstance', 'masterSecretOfCluster'], ['secretsmanager:RotateSecret']),
};
