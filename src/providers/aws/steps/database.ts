import type { DBCluster, DBInstance, Tag } from '@aws-sdk/client-rds';
import type { Difference, Found } from '../../../provision/step.ts';
import { isOurs, nameOf, notOurs, type Stage } from '../stage.ts';
import type { NameHave } from './database-groups.ts';
import type { DatabaseHave } from './database-have.ts';
import type { GroupHave } from './security-groups.ts';
import { difference } from './tagged.ts';
import type { AwsStep } from './world.ts';

export interface DatabaseNeeds {
  readonly subnetGroup: AwsStep<NameHave>;
  readonly parameterGroup: AwsStep<NameHave>;
  readonly group: AwsStep<GroupHave>;
  readonly rules: AwsStep<unknown>;
}

/** The master user: used by lambdapg alone. */
export const masterUser = 'lambdapg_admin';
export const certificateAuthority = 'rds-ca-rsa2048-g1';

/** States in which nothing hinders work on the database. */
const usable = new Set(['available', 'storage-optimization', 'backing-up', 'storage-config-upgrade']);
/** States that a person has to end. */
const stuck =
  /^(stopped|stopping|failed|inaccessible|incompatible|insufficient|restore-error|storage-full|migration-failed|delete-precheck)/;

/** What the state of an instance or cluster means; `have` is known only once it has an endpoint. */
export function foundByStatus<Have>(
  stage: Stage,
  name: string,
  resource: { readonly tags: readonly Tag[] | undefined; readonly status: string | undefined },
  have: Have | undefined,
  differences: readonly Difference[],
): Found<Have> {
  const status = resource.status ?? 'unknown';
  if (!isOurs(stage, resource.tags)) return { state: 'foreign', why: notOurs(name) };
  if (status === 'deleting') return { state: 'pending', why: status };
  if (have === undefined) return { state: 'pending', why: status };
  if (stuck.test(status)) {
    const want = wantedStatus(stage, name, status);
    return { state: 'drifted', have, differences: [difference('status', status, want, false)] };
  }
  if (!usable.has(status)) return { state: 'pending', have, why: status };
  return differences.length > 0 ? { state: 'drifted', have, differences } : { state: 'ready', have };
}

/** Somebody stopped it: nobody but they, or a person who is asked, may start it again. */
function wantedStatus(stage: Stage, name: string, status: string): string {
  if (!status.startsWith('stop')) return 'available';
  const start =
    stage.cloud.database.kind === 'aurora'
      ? `aws rds start-db-cluster --db-cluster-identifier ${nameOf(stage, 'db')}`
      : `aws rds start-db-instance --db-instance-identifier ${name}`;
  return `available (${start})`;
}

/** How the first login works: IAM alone, or a password that RDS makes, keeps and rotates. */
export const masterLogin = ({ cloud }: Stage) =>
  cloud.auth === 'iam'
    ? ({ MasterUserAuthenticationType: 'iam-db-auth' } as const)
    : { ManageMasterUserPassword: true };

export const versionFits = (have: string | undefined, want: string): boolean =>
  have === want || have?.startsWith(`${want}.`) === true;

export const wantedVersion = ({ cloud, config }: Stage): string =>
  cloud.database.version ?? String(config.postgres.version);

export function instanceHave(instance: DBInstance): DatabaseHave | undefined {
  const {
    DBInstanceIdentifier: id,
    DBInstanceArn: arn,
    DbiResourceId,
    Endpoint,
    MasterUserSecret,
  } = instance;
  if (id === undefined || arn === undefined || Endpoint?.Address === undefined) return undefined;
  return {
    ...{ id, arn, resourceId: DbiResourceId ?? '', host: Endpoint.Address, port: Endpoint.Port ?? 5432 },
    version: instance.EngineVersion ?? '',
    ...(MasterUserSecret?.SecretArn !== undefined && { masterSecretArn: MasterUserSecret.SecretArn }),
  };
}

export function clusterHave(cluster: DBCluster): DatabaseHave | undefined {
  const {
    DBClusterIdentifier: id,
    DBClusterArn: arn,
    DbClusterResourceId,
    Endpoint,
    ReaderEndpoint,
    Port,
  } = cluster;
  if (id === undefined || arn === undefined || Endpoint === undefined) return undefined;
  const secret = cluster.MasterUserSecret?.SecretArn;
  return {
    ...{ id, arn, resourceId: DbClusterResourceId ?? '', host: Endpoint, port: Port ?? 5432 },
    version: cluster.EngineVersion ?? '',
    ...(ReaderEndpoint !== undefined && { readerHost: ReaderEndpoint }),
    ...(secret !== undefined && { masterSecretArn: secret }),
    dataApi: cluster.HttpEndpointEnabled === true,
  };
}

/** A value that differs and can be changed in place. */
export const compare = (property: string, have: unknown, want: unknown): Difference[] =>
  have === want || have === undefined ? [] : [difference(property, String(have), String(want), true)];

/** What an instance and a cluster are compared in alike. */
export function commonDifferences(
  stage: Stage,
  have: Pick<
    DBInstance & DBCluster,
    'BackupRetentionPeriod' | 'DeletionProtection' | 'IAMDatabaseAuthenticationEnabled' | 'EngineVersion'
  >,
): Difference[] {
  const { database, auth } = stage.cloud;
  const want = wantedVersion(stage);
  const sameMajor = have.EngineVersion?.split('.')[0] === want.split('.')[0];
  return [
    ...compare('BackupRetentionPeriod', have.BackupRetentionPeriod, database.backupDays),
    ...compare('DeletionProtection', have.DeletionProtection, database.deletionProtection),
    ...compare('IAMDatabaseAuthenticationEnabled', have.IAMDatabaseAuthenticationEnabled, auth === 'iam'),
    ...(versionFits(have.EngineVersion, want)
      ? []
      : [difference('EngineVersion', String(have.EngineVersion), want, sameMajor)]),
  ];
}

/** Their changes, in the words of `ModifyDBInstance` and `ModifyDBCluster`. */
export function commonChanges(stage: Stage, differences: readonly Difference[]) {
  const { database, auth } = stage.cloud;
  const changed = (property: string): boolean => differences.some((one) => one.property === property);
  return {
    ApplyImmediately: true,
    ...(changed('BackupRetentionPeriod') && { BackupRetentionPeriod: database.backupDays }),
    ...(changed('DeletionProtection') && { DeletionProtection: database.deletionProtection }),
    ...(changed('IAMDatabaseAuthenticationEnabled') && { EnableIAMDatabaseAuthentication: auth === 'iam' }),
    ...(changed('EngineVersion') && { EngineVersion: wantedVersion(stage) }),
  };
}
