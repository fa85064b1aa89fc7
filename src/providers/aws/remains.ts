import { DescribeDBClusterSnapshotsCommand, DescribeDBSnapshotsCommand } from '@aws-sdk/client-rds';
import { listLogGroups, takeLook } from './look.ts';
import {
  findRotationFunctions,
  removalCommands,
} from './rotation/rotation-function/find-rotation-functions.ts';
import { nameOf } from './stage.ts';
import type { World } from './steps/world.ts';

/** What is still there after a removal, on purpose or not. */
export interface Remains {
  readonly kind: 'snapshot' | 'secret' | 'log-group' | 'function' | 'resource';
  readonly name: string;
  readonly why: string;
}

/** What a stage that was taken down leaves on purpose: snapshots, secrets that can be restored, what rotated them, the database's logs. */
export async function findRemains({ aws, stage }: World): Promise<Remains[]> {
  const name = nameOf(stage, 'db');
  // At most 100 manual snapshots of a database are one answer, and an account has no more of them.
  const look = takeLook(aws, stage);
  const [instances, clusters, secrets, functions, ...logs] = await Promise.all([
    aws.read.rds.send(new DescribeDBSnapshotsCommand({ SnapshotType: 'manual', DBInstanceIdentifier: name })),
    aws.read.rds.send(
      new DescribeDBClusterSnapshotsCommand({ SnapshotType: 'manual', DBClusterIdentifier: name }),
    ),
    look.secrets(),
    findRotationFunctions(stage, look),
    listLogGroups(aws.read.logs, `/aws/rds/instance/${name}`),
    listLogGroups(aws.read.logs, `/aws/rds/cluster/${name}`),
  ]);
  const snapshots = [
    ...(instances.DBSnapshots ?? []).map(({ DBSnapshotIdentifier }) => DBSnapshotIdentifier),
    ...(clusters.DBClusterSnapshots ?? []).map(
      ({ DBClusterSnapshotIdentifier }) => DBClusterSnapshotIdentifier,
    ),
  ];
  const ofDatabase = new RegExp(`^/aws/rds/(instance|cluster)/${name}(-[^/]+)?/`);
  return [
    ...snapshots.map((snapshot = '') => remains('snapshot', snapshot, 'the last state of the database')),
    ...secrets.map(({ Name = '', DeletedDate }) => {
      const marked = DeletedDate?.toISOString().slice(0, 10) ?? 'not yet';
      return remains('secret', Name, `can be restored until AWS deletes it (marked ${marked})`);
    }),
    ...functions.map((one) =>
      remains('function', one.name, `made to rotate a secret; ${removalCommands(one).join('; ')}`),
    ),
    ...logs
      .flat()
      .map(({ logGroupName = '' }) => logGroupName)
      .filter((group) => ofDatabase.test(group))
      .map((group) => remains('log-group', group, "the database's log")),
  ];
}

const remains = (kind: Remains['kind'], name: string, why: string): Remains => ({ kind, name, why });
