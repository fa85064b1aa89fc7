import type { Context } from '../../context.ts';
import { UserError } from '../../errors.ts';
import { isManaged } from '../../project/choices.ts';
import type { Secret } from '../../secret.ts';
import type { Aws } from './clients.ts';
import { adminTarget, appTarget } from './database-targets.ts';
import { describeCluster, describeInstance } from './describe-database.ts';
import { isGone } from './judge.ts';
import { outsideDatabase } from './outside-database.ts';
import type { StageDatabase } from './routes/stage-database.ts';
import { isOurs, nameOf, type Stage } from './stage.ts';
import { clusterHave, instanceHave } from './steps/database.ts';
import type { DatabaseHave } from './steps/database-have.ts';
import { secretNameOf } from './steps/secrets.ts';

/**
 * The database of a stage: of RDS, looked up by its name, or the one outside AWS that its secret or Heroku names.
 *
 * @throws UserError NO_STAGE_DATABASE, SECRET_EMPTY, HEROKU_REFUSED
 */
export async function resolveStageDatabase(context: Context, aws: Aws, stage: Stage): Promise<StageDatabase> {
  if (!isManaged({ database: stage.cloud.database.kind })) return outsideDatabase(context, aws, stage);
  const have = await findStageDatabase(aws, stage);
  if (have !== undefined) return stageDatabaseOf(context, aws, stage, have);
  const { engine } = stage.config;
  throw new UserError(
    'NO_STAGE_DATABASE',
    `stage ${stage.stage} of ${stage.project} has no database in ${aws.region}`,
    {
      suggestions: [
        `lambdapg ${engine === 'none' ? 'provision' : 'deploy'} --stage ${stage.stage}`,
        'or another --region',
      ],
    },
  );
}

/** What has the name and tags of the stage's database: a cluster or an instance, whatever `lambdapg.json` says. */
export async function findStageDatabase(aws: Aws, stage: Stage): Promise<DatabaseHave | undefined> {
  const name = nameOf(stage, 'db');
  const findCluster = async () => {
    const cluster = await describeCluster(aws, name);
    return cluster === undefined || !isOurs(stage, cluster.TagList) ? undefined : clusterHave(cluster);
  };
  const findInstance = async () => {
    const instance = await describeInstance(aws, name);
    return instance === undefined || !isOurs(stage, instance.TagList) ? undefined : instanceHave(instance);
  };
  if (stage.cloud.database.kind === 'aurora') return (await findCluster()) ?? (await findInstance());
  return (await findInstance()) ?? (await findCluster());
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
    title: `${have.id} (${have.arn.includes(':cluster:') ? 'Aurora' : 'RDS'}, ${aws.region})`,
  };
}

const noLogin = (stage: Stage): UserError =>
  new UserError('NO_LOGIN', `secret ${secretNameOf(stage, 'active')} does not exist`, {
    suggestions: [
      `lambdapg ${stage.config.engine === 'none' ? 'provision' : 'deploy'} --stage ${stage.stage} goes on where it stopped`,
    ],
  });
