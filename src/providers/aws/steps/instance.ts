import {
  CreateDBInstanceCommand,
  CreateDBInstanceReadReplicaCommand,
  type DBInstance,
  DeleteDBInstanceCommand,
  DescribeDBInstancesCommand,
  ModifyDBInstanceCommand,
} from '@aws-sdk/client-rds';
import type { Difference } from '../../../provision/step.ts';
import { nameOf, tagsOf } from '../stage.ts';
import {
  certificateAuthority,
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
import { absent, difference } from './tagged.ts';
import type { AwsStep, World } from './world.ts';

const hourMs = 3_600_000;

/** An RDS instance: gp3, encrypted, private, TLS only, its logs in CloudWatch. */
export function instanceStep(world: World, needs: DatabaseNeeds): AwsStep<DatabaseHave> {
  const { aws, stage, removal } = world;
  const { database, auth } = stage.cloud;
  const name = nameOf(stage, 'db');
  return {
    id: 'database',
    title: `RDS instance ${name} (PostgreSQL ${wantedVersion(stage)}, ${database.instanceClass})`,
    needs: [needs.subnetGroup, needs.parameterGroup, needs.group, needs.rules],
    patienceMs: hourMs,
    async find(look) {
      const instance = await look.dbInstance(name);
      if (instance === undefined) return absent;
      const { TagList: tags, DBInstanceStatus: status } = instance;
      return foundByStatus(
        stage,
        name,
        { tags, status },
        instanceHave(instance),
        differencesOf(world, instance),
      );
    },
    async create(haves) {
      await aws.write.rds.send(
        new CreateDBInstanceCommand({
          DBInstanceIdentifier: name,
          DBName: stage.snake,
          Engine: 'postgres',
          EngineVersion: wantedVersion(stage),
          DBInstanceClass: database.instanceClass,
          AllocatedStorage: database.storageGb,
          StorageType: 'gp3',
          StorageEncrypted: true,
          MultiAZ: database.multiAz,
          MasterUsername: masterUser,
          ...masterLogin(stage),
          EnableIAMDatabaseAuthentication: auth === 'iam',
          DBSubnetGroupName: haves.get(needs.subnetGroup).name,
          DBParameterGroupName: haves.get(needs.parameterGroup).name,
          VpcSecurityGroupIds: [haves.get(needs.group).groupId],
          PubliclyAccessible: false,
          Port: 5432,
          BackupRetentionPeriod: database.backupDays,
          CopyTagsToSnapshot: true,
          DeletionProtection: database.deletionProtection,
          AutoMinorVersionUpgrade: true,
          EnableCloudwatchLogsExports: ['postgresql', 'upgrade'],
          CACertificateIdentifier: certificateAuthority,
          Tags: tagsOf(stage, 'db'),
        }),
      );
    },
    async update(_have, _haves, differences) {
      const changed = (property: string): boolean => differences.some((one) => one.property === property);
      await aws.write.rds.send(
        new ModifyDBInstanceCommand({
          DBInstanceIdentifier: name,
          ...commonChanges(stage, differences),
          ...(changed('DBInstanceClass') && { DBInstanceClass: database.instanceClass }),
          ...(changed('AllocatedStorage') && { AllocatedStorage: database.storageGb }),
          ...(changed('MultiAZ') && { MultiAZ: database.multiAz }),
        }),
      );
    },
    remove: () => deleteInstance(world, name, removal?.finalSnapshot),
  };
}

/** A read replica of the instance. RDS Proxy gives it no endpoint: those exist for Aurora and Multi-AZ clusters only. */
export function replicaStep(world: World, source: AwsStep<DatabaseHave>): AwsStep<DatabaseHave> {
  const { aws, stage } = world;
  const name = nameOf(stage, 'db-reader');
  return {
    id: 'database-reader',
    title: `read replica ${name}`,
    needs: [source],
    patienceMs: hourMs,
    async find(look) {
      const instance = await look.dbInstance(name);
      if (instance === undefined) return absent;
      const { TagList: tags, DBInstanceStatus: status } = instance;
      return foundByStatus(stage, name, { tags, status }, instanceHave(instance), []);
    },
    async create(haves) {
      await aws.write.rds.send(
        new CreateDBInstanceReadReplicaCommand({
          DBInstanceIdentifier: name,
          SourceDBInstanceIdentifier: haves.get(source).id,
          DBInstanceClass: stage.cloud.database.instanceClass,
          PubliclyAccessible: false,
          CopyTagsToSnapshot: true,
          EnableIAMDatabaseAuthentication: stage.cloud.auth === 'iam',
          Tags: tagsOf(stage, 'db-reader'),
        }),
      );
    },
    remove: () => deleteInstance(world, name),
  };
}

/** A replica, and a member of a cluster, can have no final snapshot. */
export async function deleteInstance({ aws }: World, name: string, finalSnapshot?: string): Promise<void> {
  const { DBInstances = [] } = await aws.read.rds.send(
    new DescribeDBInstancesCommand({ DBInstanceIdentifier: name }),
  );
  if (DBInstances[0]?.DeletionProtection === true) {
    await aws.write.rds.send(
      new ModifyDBInstanceCommand({
        DBInstanceIdentifier: name,
        DeletionProtection: false,
        ApplyImmediately: true,
      }),
    );
  }
  await aws.write.rds.send(
    new DeleteDBInstanceCommand({
      DBInstanceIdentifier: name,
      ...(finalSnapshot === undefined
        ? { SkipFinalSnapshot: true }
        : { SkipFinalSnapshot: false, FinalDBSnapshotIdentifier: finalSnapshot }),
    }),
  );
}

function differencesOf({ stage }: World, instance: DBInstance): Difference[] {
  const { database } = stage.cloud;
  const pending = instance.PendingModifiedValues ?? {};
  const storage = instance.AllocatedStorage ?? 0;
  return [
    ...compare(
      'DBInstanceClass',
      pending.DBInstanceClass ?? instance.DBInstanceClass,
      database.instanceClass,
    ),
    ...(storage > database.storageGb
      ? [
          difference(
            'AllocatedStorage',
            String(storage),
            `${database.storageGb} (storage cannot shrink)`,
            false,
          ),
        ]
      : compare('AllocatedStorage', pending.AllocatedStorage ?? storage, database.storageGb)),
    ...compare('MultiAZ', pending.MultiAZ ?? instance.MultiAZ, database.multiAz),
    ...commonDifferences(stage, instance),
  ];
}
