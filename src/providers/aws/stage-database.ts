import type { Context } from '../../context.ts';
import { UserError } from '../../errors.ts';
import type { Secret } from '../../secret.ts';
import type { Aws } from './clients.ts';
import { adminTarget, appTarget } from './database-targets.ts';
import { describeCluster, describeInstance } from './describe-database.ts';
import { isGone } from './judge.ts';
import type { StageDatabase } from './routes/stage-database.ts';
import { isOurs, nameOf, type Stage } from './stage.ts';
import { clusterHave, instanceHave } from './steps/database.ts';
import type { DatabaseHave } from './steps/database-have.ts';
import { secretNameOf } from './steps/secrets.ts';

/**
 * The database of a stage, looked up by its name.
 *
 * @throws UserError NO_STAGE_DATABASE
 */
export async function resolveStageDatabase(context: Context, aws: Aws, stage: Stage): Promise<StageDatabase> {
  const name = nameOf(stage, 'db');
  if (stage.cloud.database.kind === 'aurora') {
    const cluster = await describeCluster(aws, name);
    const have = cluster === undefined || !isOurs(stage, cluster.TagList) ? undefined : clusterHave(cluster);
    if (have !== undefined) return stageDatabaseOf(context, aws, stage, have);
  } else {
    const instance = await describeInstance(aws, name);
    const have =
      instance === undefined || !isOurs(stage, instance.TagList) ? undefined : instanceHave(instance);
    if (have !== undefined) return stageDatabaseOf(context, aws, stage, have);
  }
  throw new UserError(
    'NO_STAGE_DATABASE',
    `stage ${stage.stage} of ${stage.project} has no database in ${aws.region}`,
    {
      suggestions: [`lambdapg provision --stage ${stage.stage}`, 'or another --region'],
    },
  );
}

/** A database of RDS with the ways in that its stage's answers give. */
export async function stageDatabaseOf(
  context: Context,
  aws: Aws,
  stage: Stage,
  have: DatabaseHave,
): Promise<StageDatabase> {
  const admin = await adminTarget(context, aws, stage, have);
  const app = await appTarget(context, aws, stage, have).catch((error: unknown) => {
    if (!isGone(error)) throw error;
    const password = async (): Promise<Secret> => {
      throw noLogin(stage);
    };
    return { ...admin, user: `${stage.snake}_a`, password };
  });
  const { masterSecretArn } = have;
  return {
    admin,
    app,
    ownerRole: `${stage.snake}_owner`,
    publiclyAccessible: false,
    ...(have.dataApi === true &&
      masterSecretArn !== undefined && {
        dataApi: { clusterArn: have.arn, database: stage.snake, adminSecretArn: masterSecretArn },
      }),
    runnerName: nameOf(stage, 'runner'),
    title: `${have.id} (${stage.cloud.database.kind === 'aurora' ? 'Aurora' : 'RDS'}, ${aws.region})`,
  };
}

const noLogin = (stage: Stage): UserError =>
  new UserError('NO_LOGIN', `secret ${secretNameOf(stage, 'active')} does not exist`, {
    suggestions: [`lambdapg provision --stage ${stage.stage} goes on where it stopped`],
  });
