import {
  type DBCluster,
  type DBInstance,
  type DBProxy,
  type DBProxyTarget,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  DescribeDBProxiesCommand,
  DescribeDBProxyTargetsCommand,
  ListTagsForResourceCommand,
  type Tag,
} from '@aws-sdk/client-rds';
import type { Aws } from './clients.ts';
import { unlessGone } from './judge.ts';

export const proxyTargetGroup = 'default';

export async function describeInstance(aws: Aws, name: string): Promise<DBInstance | undefined> {
  const answer = await unlessGone(
    aws.read.rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: name })),
  );
  return answer?.DBInstances?.[0];
}

export async function describeCluster(aws: Aws, name: string): Promise<DBCluster | undefined> {
  const answer = await unlessGone(
    aws.read.rds.send(new DescribeDBClustersCommand({ DBClusterIdentifier: name })),
  );
  return answer?.DBClusters?.[0];
}

export async function describeProxy(aws: Aws, name: string): Promise<DBProxy | undefined> {
  const answer = await unlessGone(aws.read.rds.send(new DescribeDBProxiesCommand({ DBProxyName: name })));
  return answer?.DBProxies?.[0];
}

/** Of the one target group that a proxy has; none where there is no such proxy. */
export async function describeProxyTargets(aws: Aws, proxy: string): Promise<readonly DBProxyTarget[]> {
  const answer = await unlessGone(
    aws.read.rds.send(
      new DescribeDBProxyTargetsCommand({ DBProxyName: proxy, TargetGroupName: proxyTargetGroup }),
    ),
  );
  return answer?.Targets ?? [];
}

/** Most describe calls of RDS leave tags out. */
export async function listRdsTags(aws: Aws, arn: string): Promise<readonly Tag[]> {
  const { TagList = [] } = await aws.read.rds.send(new ListTagsForResourceCommand({ ResourceName: arn }));
  return TagList;
}
