import {
  type DBCluster,
  type DBInstance,
  type DBProxy,
  DescribeDBClustersCommand,
  DescribeDBInstancesCommand,
  DescribeDBProxiesCommand,
} from '@aws-sdk/client-rds';
import type { Aws } from './clients.ts';
import { unlessGone } from './judge.ts';

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
