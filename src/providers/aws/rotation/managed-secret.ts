import { ModifyDBClusterCommand, ModifyDBInstanceCommand } from '@aws-sdk/client-rds';
import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { UserError } from '../../../errors.ts';
import type { Aws } from '../clients.ts';
import { describeCluster, describeInstance } from '../describe-database.ts';
import { explainAwsError } from '../explain.ts';
import type { DatabaseHave } from '../steps/database-have.ts';

/** The secret that RDS keeps for a master user. */
export interface MasterSecret {
  readonly arn: string;
  /** `creating`, `active`, `rotating`, `impaired`. */
  readonly status: string;
  readonly keyId?: string;
}

const isCluster = ({ arn }: DatabaseHave): boolean => arn.includes(':cluster:');

/** @throws UserError NO_MANAGED_MASTER */
export async function findMasterSecret(aws: Aws, database: DatabaseHave): Promise<MasterSecret> {
  try {
    const { id } = database;
    const described = isCluster(database) ? await describeCluster(aws, id) : await describeInstance(aws, id);
    const {
      SecretArn: arn,
      SecretStatus: status = 'active',
      KmsKeyId: keyId,
    } = described?.MasterUserSecret ?? {};
    if (arn === undefined) throw noMaster(database, described?.IAMDatabaseAuthenticationEnabled === true);
    return { arn, status, ...(keyId !== undefined && { keyId }) };
  } catch (error) {
    throw explainAwsError(error, `database ${database.id}`);
  }
}

/** Of the value that is current. Its password is not looked at. */
export async function readVersion(aws: Aws, arn: string): Promise<string> {
  try {
    const { VersionId = '' } = await aws.read.secrets.send(
      new GetSecretValueCommand({ SecretId: arn, VersionStage: 'AWSCURRENT' }),
    );
    return VersionId;
  } catch (error) {
    throw explainAwsError(error, `secret ${arn}`);
  }
}

/** Without ApplyImmediately RDS refuses: docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html */
export async function askForRotation(aws: Aws, database: DatabaseHave): Promise<void> {
  const how = { RotateMasterUserPassword: true, ApplyImmediately: true };
  if (isCluster(database))
    await aws.write.rds.send(new ModifyDBClusterCommand({ DBClusterIdentifier: database.id, ...how }));
  else await aws.write.rds.send(new ModifyDBInstanceCommand({ DBInstanceIdentifier: database.id, ...how }));
}

function noMaster(database: DatabaseHave, hasIam: boolean): UserError {
  const { id } = database;
  const manage = isCluster(database)
    ? `aws rds modify-db-cluster --db-cluster-identifier ${id}`
    : `aws rds modify-db-instance --db-instance-identifier ${id}`;
  const why = hasIam ? ': it logs in by IAM, or by a password that somebody chose' : '';
  return new UserError('NO_MANAGED_MASTER', `RDS keeps no password for the master of ${id}${why}`, {
    suggestions: [
      'rotate-creds without --strategy managed rotates the logins of the functions',
      `${manage} --manage-master-user-password --apply-immediately has RDS keep one`,
    ],
  });
}
