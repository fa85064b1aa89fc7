import { Secret } from '../../../src/secret.ts';
import type { Bed } from '../bed.ts';

export type DatabaseKind = 'instance' | 'cluster';

/** What RDS says of a DB instance or a cluster, as far as it decides how the server is to be. */
export interface Described {
  readonly Endpoint?: string | { readonly Address: string };
  readonly ReaderEndpoint?: string;
  readonly DbiResourceId?: string;
  readonly DbClusterResourceId?: string;
  readonly DBClusterIdentifier?: string;
  readonly Engine: string;
  readonly EngineVersion: string;
  readonly MasterUsername: string;
  readonly DBName?: string;
  readonly DatabaseName?: string;
  readonly Port?: number;
  readonly IAMDatabaseAuthenticationEnabled?: boolean;
  readonly DBParameterGroups?: readonly { readonly DBParameterGroupName: string }[];
  readonly DBClusterParameterGroup?: string;
  readonly VpcSecurityGroups?: readonly { readonly VpcSecurityGroupId: string }[];
  readonly PubliclyAccessible?: boolean;
  readonly MasterUserSecret?: { readonly SecretArn: string };
}

/** Plain moto's description: it knows no intermediate states. */
export async function describeDatabase(bed: Bed, kind: DatabaseKind, id: string): Promise<Described> {
  const [action, member, list] =
    kind === 'instance'
      ? ['DescribeDBInstances', 'DBInstanceIdentifier', 'DBInstances']
      : ['DescribeDBClusters', 'DBClusterIdentifier', 'DBClusters'];
  const output = await bed.aws<Record<string, Described[]>>({
    ...{ service: 'rds', action, input: { [member]: id } },
  });
  const found = output[list]?.[0];
  if (found === undefined) throw new Error(`RDS does not describe the ${kind} ${id}`);
  return found;
}

/** Undefined when the master logs in by IAM. */
export async function readMasterPassword(
  bed: Bed,
  described: Described,
  input: Record<string, unknown>,
): Promise<Secret | undefined> {
  if (typeof input.MasterUserPassword === 'string') return new Secret(input.MasterUserPassword);
  const arn = described.MasterUserSecret?.SecretArn;
  if (arn === undefined) return undefined;
  const { SecretString } = await bed.aws<{ SecretString: string }>({
    ...{ service: 'secretsmanager', action: 'GetSecretValue' },
    input: { SecretId: arn, VersionStage: 'AWSCURRENT' },
  });
  return new Secret(String((JSON.parse(SecretString) as Record<string, unknown>).password));
}

/**
 * `rds.force_ssl` is 1 by default from 15 on, on Aurora from 17 on.
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html
 */
export async function readParameters(
  bed: Bed,
  kind: DatabaseKind,
  described: Described,
  maxConnections: number,
): Promise<{ forceSsl: boolean; maxConnections: number }> {
  const group =
    kind === 'instance'
      ? described.DBParameterGroups?.[0]?.DBParameterGroupName
      : described.DBClusterParameterGroup;
  const set = group === undefined ? new Map<string, string>() : await parametersSet(bed, kind, group);
  const major = Number.parseInt(described.EngineVersion, 10);
  const forceSsl = set.get('rds.force_ssl') ?? (major >= (kind === 'instance' ? 15 : 17) ? '1' : '0');
  const most = Number(set.get('max_connections'));
  return { forceSsl: forceSsl === '1', maxConnections: most > 0 ? most : maxConnections };
}

/** Only what somebody set: moto lists no defaults. */
async function parametersSet(bed: Bed, kind: DatabaseKind, group: string): Promise<Map<string, string>> {
  const [action, member] =
    kind === 'instance'
      ? ['DescribeDBParameters', 'DBParameterGroupName']
      : ['DescribeDBClusterParameters', 'DBClusterParameterGroupName'];
  const call = { service: 'rds', action, input: { [member]: group } };
  type Parameters = { Parameters?: { ParameterName: string; ParameterValue?: string }[] };
  if (group.startsWith('default.')) return new Map();
  const { Parameters = [] } = await bed.aws<Parameters>(call);
  return new Map(Parameters.map(({ ParameterName, ParameterValue = '' }) => [ParameterName, ParameterValue]));
}

/** Its security groups. */
export function groupsOf({ VpcSecurityGroups = [] }: Described): string[] {
  return VpcSecurityGroups.map(({ VpcSecurityGroupId }) => VpcSecurityGroupId);
}

/** A cluster's reader endpoint, too. */
export function endpointsOf({ Endpoint, ReaderEndpoint }: Described): string[] {
  const own = typeof Endpoint === 'object' ? Endpoint.Address : Endpoint;
  return [own, ReaderEndpoint].filter((name) => name !== undefined);
}
