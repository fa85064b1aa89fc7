import {
  CreateDBClusterCommand,
  CreateDBInstanceCommand,
  type DBCluster,
  DeleteDBClusterCommand,
  ModifyDBClusterCommand,
} from '@aws-sdk/client-rds';
import type { Difference } from '../../../provision/step.ts';
import { describeCluster } from '../describe-database.ts';
import { nameOf, type Stage, tagsOf } from '../stage.ts';
import {
  certificateAuthority,
  clusterHave,
  commonChanges,
  commonDifferences,
  compare,
  type DatabaseNeeds,
  foundByStatus,
  instanceHave,
  masterLogin,
  masterUser,
  wantedVersion,
} from './database.ts';
import type { DatabaseHave } from './database-have.ts';
import { deleteInstance } from './instance.ts';
import { absent } from './tagged.ts';
import type { AwsStep, World } from './world.ts';

const hourMs = 3_600_000;

/** An Aurora PostgreSQL Serverless v2 cluster; it answers once it has a member (`memberStep`). */
export function clusterStep(world: World, needs: DatabaseNeeds): AwsStep<DatabaseHave> {
  const { aws, stage, removal } = world;
  const { database, auth } = stage.cloud;
  const name = nameOf(stage, 'db');
  return {
    id: 'database-cluster',
    title: `Aurora cluster ${name} (PostgreSQL ${wantedVersion(stage)}, ${database.minAcu} to ${database.maxAcu} ACU)`,
    needs: [needs.subnetGroup, needs.parameterGroup, needs.group, needs.rules],
    patienceMs: hourMs,
    async find(look) {
      const cluster = await look.dbCluster(name);
      if (cluster === undefined) return absent;
      const { TagList: tags, Status: status } = cluster;
      return foundByStatus(
        stage,
        name,
        { tags, status },
        clusterHave(cluster),
        differencesOf(world, cluster),
      );
    },
    async create(haves) {
      await aws.write.rds.send(
        new CreateDBClusterCommand({
          DBClusterIdentifier: name,
          DatabaseName: stage.snake,
          Engine: 'aurora-postgresql',
          EngineVersion: wantedVersion(stage),
          ServerlessV2ScalingConfiguration: scalingOf(stage),
          StorageEncrypted: true,
          MasterUsername: masterUser,
          ...masterLogin(stage),
          EnableIAMDatabaseAuthentication: auth === 'iam',
          EnableHttpEndpoint: true,
          DBSubnetGroupName: haves.get(needs.subnetGroup).name,
          DBClusterParameterGroupName: haves.get(needs.parameterGroup).name,
          VpcSecurityGroupIds: [haves.get(needs.group).groupId],
          Port: 5432,
          BackupRetentionPeriod: database.backupDays,
          CopyTagsToSnapshot: true,
          DeletionProtection: database.deletionProtection,
          EnableCloudwatchLogsExports: ['postgresql'],
          Tags: tagsOf(stage, 'db'),
        }),
      );
    },
    async update(_have, _haves, differences) {
      const changed = (property: string): boolean => differences.some((one) => one.property === property);
      await aws.write.rds.send(
        new ModifyDBClusterCommand({
          DBClusterIdentifier: name,
          ...commonChanges(stage, differences),
          ...(changed('ServerlessV2ScalingConfiguration') && {
            ServerlessV2ScalingConfiguration: scalingOf(stage),
          }),
        }),
      );
    },
    remove: async ({ id }) => {
      const cluster = await describeCluster(aws, id);
      if (cluster?.DeletionProtection === true) {
        await aws.write.rds.send(
          new ModifyDBClusterCommand({
            DBClusterIdentifier: id,
            DeletionProtection: false,
            ApplyImmediately: true,
          }),
        );
      }
      await aws.write.rds.send(
        new DeleteDBClusterCommand({
          DBClusterIdentifier: id,
          ...(removal?.finalSnapshot === undefined
            ? { SkipFinalSnapshot: true }
            : { SkipFinalSnapshot: false, FinalDBSnapshotIdentifier: removal.finalSnapshot }),
        }),
      );
    },
  };
}

/**
 * An instance of the cluster. The first is the writer. What others need of the database they get from its last step, so the
 * writer hands on what the cluster has.
 */
export function memberStep(
  world: World,
  cluster: AwsStep<DatabaseHave>,
  resource: 'db-1' | 'db-reader',
  after: readonly AwsStep<unknown>[] = [],
): AwsStep<DatabaseHave> {
  const { aws, stage } = world;
  const name = nameOf(stage, resource);
  return {
    id: resource === 'db-1' ? 'database-writer' : 'database-reader',
    title: `Aurora ${resource === 'db-1' ? 'writer' : 'reader'} ${name} (db.serverless)`,
    needs: [cluster, ...after],
    patienceMs: hourMs,
    async find(look) {
      const [instance, whole] = await Promise.all([look.dbInstance(name), cluster.find(look)]);
      if (instance === undefined) return absent;
      const { TagList: tags, DBInstanceStatus: status } = instance;
      const have = resource === 'db-1' && 'have' in whole ? whole.have : instanceHave(instance);
      return foundByStatus(stage, name, { tags, status }, instanceHave(instance) && have, []);
    },
    async create(haves) {
      await aws.write.rds.send(
        new CreateDBInstanceCommand({
          DBInstanceIdentifier: name,
          DBClusterIdentifier: haves.get(cluster).id,
          Engine: 'aurora-postgresql',
          DBInstanceClass: 'db.serverless',
          PubliclyAccessible: false,
          CACertificateIdentifier: certificateAuthority,
          // The order in which a failover takes them.
          PromotionTier: resource === 'db-1' ? 0 : 1,
          Tags: tagsOf(stage, resource),
        }),
      );
    },
    remove: () => deleteInstance(world, name),
  };
}

function scalingOf({ cloud }: Stage) {
  const { minAcu, maxAcu, autoPauseSeconds } = cloud.database;
  return {
    MinCapacity: minAcu,
    MaxCapacity: maxAcu,
    ...(minAcu === 0 && { SecondsUntilAutoPause: autoPauseSeconds }),
  };
}

function differencesOf({ stage }: World, cluster: DBCluster): Difference[] {
  const { database } = stage.cloud;
  const { MinCapacity, MaxCapacity } = cluster.ServerlessV2ScalingConfiguration ?? {};
  return [
    ...compare(
      'ServerlessV2ScalingConfiguration',
      `${MinCapacity} to ${MaxCapacity} ACU`,
      `${database.minAcu} to ${database.maxAcu} ACU`,
    ),
    ...commonDifferences(stage, cluster),
  ];
}
