import {
  type DBCluster,
  type DBInstance,
  type DBProxyEndpoint,
  DescribeDBInstancesCommand,
  DescribeDBProxyEndpointsCommand,
  RDSClient,
} from '@aws-sdk/client-rds';
import type { Aws } from '../clients.ts';
import { describeCluster, describeInstance } from '../describe-database.ts';
import { unlessGone } from '../judge.ts';
import type { DatabaseHave } from '../steps/database-have.ts';

export interface DatabaseServer {
  readonly role: 'writer' | 'reader';
  readonly host: string;
  readonly port: number;
}

export interface DatabaseServers {
  readonly servers: readonly DatabaseServer[];
  /** Names that lead to one of several: a cluster's reader endpoint, its custom ones. */
  readonly shared: readonly string[];
  readonly notes: readonly string[];
}

/** Servers in these states answer nobody. */
const down = /^(creating|deleting|stopped|stopping|failed|restore-error)/;

/** The writer and every reader instance of a database: members of its cluster, or replicas and theirs. */
export async function findServers(aws: Aws, database: DatabaseHave): Promise<DatabaseServers> {
  const { host, port, id, arn } = database;
  const writer: DatabaseServer = { role: 'writer', host, port };
  const isCluster = arn.includes(':cluster:');
  const { instances, shared } = isCluster ? await findMembers(aws, id) : await findReplicas(aws, id);
  const notes: string[] = [];
  const readers = instances.flatMap(({ DBInstanceIdentifier, DBInstanceStatus = '', Endpoint }) => {
    const { Address, Port = port } = Endpoint ?? {};
    if (Address !== undefined && !down.test(DBInstanceStatus))
      return [{ role: 'reader' as const, host: Address, port: Port }];
    notes.push(`reader ${DBInstanceIdentifier} is ${DBInstanceStatus}: no login was tried there`);
    return [];
  });
  return { servers: [writer, ...readers], shared, notes };
}

interface Readers {
  readonly instances: readonly DBInstance[];
  readonly shared: readonly string[];
}

async function findMembers(aws: Aws, id: string): Promise<Readers> {
  const cluster = await describeCluster(aws, id);
  const members = new Map(
    cluster?.DBClusterMembers?.map((member) => [member.DBInstanceIdentifier, member.IsClusterWriter]),
  );
  const instances = await Promise.all(
    [...members].map(([member, isWriter]) =>
      isWriter === true || member === undefined ? undefined : describeInstance(aws, member),
    ),
  );
  return {
    instances: instances.filter((instance) => instance !== undefined),
    shared: sharedOf(cluster),
  };
}

const sharedOf = ({ ReaderEndpoint, CustomEndpoints = [] }: DBCluster = {}): string[] => [
  ...(ReaderEndpoint === undefined ? [] : [ReaderEndpoint]),
  ...CustomEndpoints,
];

/** A replica of another region is named by its ARN; replicas may have replicas. */
async function findReplicas(aws: Aws, id: string): Promise<Readers> {
  const source = await describeInstance(aws, id);
  const instances: DBInstance[] = [];
  const open = [...(source?.ReadReplicaDBInstanceIdentifiers ?? [])];
  const seen = new Set<string>();
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const replica = await describeAnywhere(aws, next);
    if (replica === undefined) continue;
    instances.push(replica);
    open.push(...(replica.ReadReplicaDBInstanceIdentifiers ?? []));
  }
  return { instances, shared: [] };
}

async function describeAnywhere(aws: Aws, idOrArn: string): Promise<DBInstance | undefined> {
  const region = /^arn:[^:]+:rds:([^:]+):/.exec(idOrArn)?.[1] ?? aws.region;
  if (region === aws.region) return describeInstance(aws, idOrArn.split(':').at(-1) ?? idOrArn);
  const rds = new RDSClient({ region, credentials: aws.credentials });
  const answer = await unlessGone(
    rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: idOrArn })),
  );
  return answer?.DBInstances?.[0];
}

export async function describeProxyEndpoints(aws: Aws, proxy: string): Promise<readonly DBProxyEndpoint[]> {
  const answer = await unlessGone(
    aws.read.rds.send(new DescribeDBProxyEndpointsCommand({ DBProxyName: proxy })),
  );
  return answer?.DBProxyEndpoints ?? [];
}
