import {
  type DBCluster,
  type DBInstance,
  type DBProxy,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  DescribeDBProxiesCommand,
  DescribeDBSubnetGroupsCommand,
  ListTagsForResourceCommand,
} from '@aws-sdk/client-rds';
import { exitCodes, UserError } from '../../../errors.ts';
import type { Owner, Placement } from '../../../provision/wiring-facts.ts';
import { unlessGone } from '../judge.ts';
import type { AttachLook, AttachWorld } from './attach-world.ts';
import { ownerOf } from './resource-owner.ts';

export type ServerKind = 'instance' | 'cluster' | 'proxy';

/** An RDS instance, an Aurora cluster or an RDS Proxy, as far as attaching to it goes. */
export interface Server {
  readonly kind: ServerKind;
  readonly id: string;
  readonly arn: string;
  readonly status: string;
  readonly isPostgres: boolean;
  readonly host: string;
  readonly port: number;
  readonly database?: string;
  /** `db-…`, `cluster-…` or `prx-…`: the part of an `rds-db:connect` ARN. */
  readonly resourceId: string;
  readonly takesIam: boolean;
  readonly isPublic: boolean;
  readonly placement: Placement;
  readonly proxy?: DBProxy;
  readonly owner?: Owner;
}

/** @param id with or without `instance:`, `cluster:` or `proxy:` @throws UserError NO_SUCH_DATABASE, AMBIGUOUS_DATABASE */
export async function getServer(world: AttachWorld, look: AttachLook, id: string): Promise<Server> {
  const { rds } = world.aws.read;
  const [, kind, name = id] = /^(instance|cluster|proxy):(.+)$/.exec(id) ?? [];
  const asks = (one: ServerKind): boolean => kind === undefined || kind === one;
  const [instances, clusters, proxies] = await Promise.all([
    asks('instance')
      ? unlessGone(rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: name })))
      : undefined,
    asks('cluster')
      ? unlessGone(rds.send(new DescribeDBClustersCommand({ DBClusterIdentifier: name })))
      : undefined,
    asks('proxy') ? unlessGone(rds.send(new DescribeDBProxiesCommand({ DBProxyName: name }))) : undefined,
  ]);
  const found = await Promise.all([
    ...(instances?.DBInstances ?? []).map((one) => ofInstance(look, one)),
    ...(clusters?.DBClusters ?? []).map((one) => ofCluster(world, look, one)),
    ...(proxies?.DBProxies ?? []).map((one) => ofProxy(world, one)),
  ]);
  const [server, ...others] = found;
  if (server === undefined) throw noServer(world, id);
  if (others.length === 0) return server;
  throw new UserError('AMBIGUOUS_DATABASE', `"${id}" names ${found.map((one) => one.kind).join(' and ')}`, {
    exit: exitCodes.usage,
    suggestions: found.map((one) => `--to ${one.kind}:${one.id}`),
  });
}

/** The one whose endpoint a URL names; undefined for a server that is not RDS's, or not this account's. */
export async function findServerByHost(
  world: AttachWorld,
  look: AttachLook,
  host: string,
): Promise<Server | undefined> {
  if (!/\.rds\.amazonaws\.com(\.cn)?$/.test(host)) return undefined;
  const { rds } = world.aws.read;
  const [{ DBInstances = [] }, { DBClusters = [] }, { DBProxies = [] }] = await Promise.all([
    rds.send(new DescribeDBInstancesCommand({})),
    rds.send(new DescribeDBClustersCommand({})),
    rds.send(new DescribeDBProxiesCommand({})),
  ]);
  const instance = DBInstances.find(({ Endpoint }) => Endpoint?.Address === host);
  if (instance !== undefined) return ofInstance(look, instance);
  const cluster = DBClusters.find((one) => one.Endpoint === host || one.ReaderEndpoint === host);
  if (cluster !== undefined) return ofCluster(world, look, cluster);
  const proxy = DBProxies.find(({ Endpoint }) => Endpoint === host);
  return proxy === undefined ? undefined : ofProxy(world, proxy);
}

/** Every PostgreSQL of RDS in the region, as `--to` names them; members of a cluster are reached through it. */
export async function listServers({ aws }: AttachWorld): Promise<string[]> {
  const { rds } = aws.read;
  const [{ DBInstances = [] }, { DBClusters = [] }, { DBProxies = [] }] = await Promise.all([
    rds.send(new DescribeDBInstancesCommand({})),
    rds.send(new DescribeDBClustersCommand({})),
    rds.send(new DescribeDBProxiesCommand({})),
  ]);
  const isPostgres = ({ Engine = '' }: { readonly Engine?: string | undefined }) => /postgres/.test(Engine);
  return [
    ...DBProxies.filter(({ EngineFamily }) => EngineFamily === 'POSTGRESQL').map(
      ({ DBProxyName }) => `proxy:${DBProxyName}`,
    ),
    ...DBClusters.filter(isPostgres).map(({ DBClusterIdentifier }) => `cluster:${DBClusterIdentifier}`),
    ...DBInstances.filter((one) => isPostgres(one) && one.DBClusterIdentifier === undefined).map(
      ({ DBInstanceIdentifier }) => `instance:${DBInstanceIdentifier}`,
    ),
  ];
}

async function ofInstance(look: AttachLook, one: DBInstance): Promise<Server> {
  const { DBInstanceIdentifier: id = '', DBInstanceArn: arn = '', DBSubnetGroup: subnets } = one;
  const owner = ownerOf(one.TagList);
  const groupIds = groupsOf(one.VpcSecurityGroups);
  return {
    ...{ kind: 'instance', id, arn },
    status: one.DBInstanceStatus ?? 'unknown',
    isPostgres: /postgres/.test(one.Engine ?? ''),
    host: one.Endpoint?.Address ?? '',
    port: one.Endpoint?.Port ?? 5432,
    ...(one.DBName !== undefined && { database: one.DBName }),
    resourceId: one.DbiResourceId ?? '',
    takesIam: one.IAMDatabaseAuthenticationEnabled === true,
    isPublic: one.PubliclyAccessible === true,
    placement: {
      vpcId: subnets?.VpcId || (await vpcOf(look, groupIds)),
      subnetIds: subnetsOf(subnets?.Subnets),
      groupIds,
    },
    ...(owner !== undefined && { owner }),
  };
}

async function ofCluster(world: AttachWorld, look: AttachLook, one: DBCluster): Promise<Server> {
  const { DBClusterIdentifier: id = '', DBClusterArn: arn = '', DBSubnetGroup: DBSubnetGroupName } = one;
  const owner = ownerOf(one.TagList);
  const groupIds = groupsOf(one.VpcSecurityGroups);
  const answer =
    DBSubnetGroupName === undefined
      ? undefined
      : await unlessGone(world.aws.read.rds.send(new DescribeDBSubnetGroupsCommand({ DBSubnetGroupName })));
  const subnets = answer?.DBSubnetGroups?.[0];
  return {
    ...{ kind: 'cluster', id, arn },
    status: one.Status ?? 'unknown',
    isPostgres: /postgres/.test(one.Engine ?? ''),
    host: one.Endpoint ?? '',
    port: one.Port ?? 5432,
    ...(one.DatabaseName !== undefined && { database: one.DatabaseName }),
    resourceId: one.DbClusterResourceId ?? '',
    takesIam: one.IAMDatabaseAuthenticationEnabled === true,
    isPublic: one.PubliclyAccessible === true,
    placement: {
      vpcId: subnets?.VpcId || (await vpcOf(look, groupIds)),
      subnetIds: subnetsOf(subnets?.Subnets),
      groupIds,
    },
    ...(owner !== undefined && { owner }),
  };
}

async function ofProxy({ aws }: AttachWorld, one: DBProxy): Promise<Server> {
  const { DBProxyName: id = '', DBProxyArn: arn = '', Auth = [] } = one;
  const { TagList } = await aws.read.rds.send(new ListTagsForResourceCommand({ ResourceName: arn }));
  const owner = ownerOf(TagList);
  return {
    ...{ kind: 'proxy', id, arn },
    status: one.Status ?? 'unknown',
    isPostgres: one.EngineFamily === 'POSTGRESQL',
    ...{ host: one.Endpoint ?? '', port: 5432 },
    resourceId: arn.split(':').at(-1) ?? '',
    takesIam:
      one.DefaultAuthScheme === 'IAM_AUTH' ||
      Auth.some(({ IAMAuth }) => IAMAuth === 'REQUIRED' || IAMAuth === 'ENABLED'),
    isPublic: false,
    placement: {
      vpcId: one.VpcId ?? '',
      subnetIds: one.VpcSubnetIds ?? [],
      groupIds: one.VpcSecurityGroupIds ?? [],
    },
    proxy: one,
    ...(owner !== undefined && { owner }),
  };
}

const groupsOf = (groups: readonly { readonly VpcSecurityGroupId?: string | undefined }[] = []): string[] =>
  groups.flatMap(({ VpcSecurityGroupId }) => VpcSecurityGroupId ?? []);

const subnetsOf = (subnets: readonly { readonly SubnetIdentifier?: string | undefined }[] = []): string[] =>
  subnets.flatMap(({ SubnetIdentifier }) => SubnetIdentifier ?? []);

/** The VPC of security groups, and so of all that has them; empty for none. */
export async function vpcOf(look: AttachLook, groupIds: readonly string[]): Promise<string> {
  const group = (await look.groups()).find(({ GroupId = '' }) => groupIds.includes(GroupId));
  return group?.VpcId ?? '';
}

const noServer = ({ aws }: AttachWorld, id: string): UserError =>
  new UserError(
    'NO_SUCH_DATABASE',
    `${aws.region} has no RDS instance, Aurora cluster or RDS Proxy named "${id}"`,
    { suggestions: ['another --region or --profile', '--to stage:dev, or --database-url postgres://…'] },
  );
