import { DescribeSecretCommand } from '@aws-sdk/client-secrets-manager';
import type { Context } from '../../../context.ts';
import type { OpenDatabase } from '../../../database/open-database.ts';
import { isManaged } from '../../../project/choices.ts';
import type { Project } from '../../../project/find-project.ts';
import { type OpenRotationDatabase, openRotationDatabase } from '../../../rotation/database.ts';
import type { Topology } from '../../../rotation/guarantee-table.ts';
import type { RotationParts } from '../../../rotation/parts.ts';
import { explainAwsError } from '../explain.ts';
import { unlessGone } from '../judge.ts';
import { type OpenWorld, openWorld, type StageChoice } from '../open-world.ts';
import type { StageDatabase } from '../routes/stage-database.ts';
import { findStageDatabase, resolveStageDatabase, stageDatabaseOf } from '../stage-database.ts';
import type { DatabaseHave } from '../steps/database-have.ts';
import { secretNameOf } from '../steps/secrets.ts';
import { consumersOf } from './consumers/consumers.ts';
import { type RotationEndpoints, rotationEndpoints, verifyRotatable } from './endpoints.ts';
import { withProxyHealth } from './endpoints-health.ts';
import { withLiveLogin } from './store/live-login.ts';
import { slotStores } from './store/slot-store.ts';
import { secretStore } from './store/store.ts';
import { verifyNotDeleted } from './store/verify-secret.ts';

/** A stage whose login can be rotated, with everything that takes part. */
export interface OpenRotation {
  readonly world: OpenWorld;
  readonly parts: RotationParts & { readonly database: OpenRotationDatabase };
  readonly open: OpenDatabase;
  readonly database: StageDatabase;
  /** Absent for one outside AWS. */
  readonly have?: DatabaseHave;
  readonly endpoints: RotationEndpoints;
  /** Name of the secret that consumers read. */
  readonly secret: string;
  readonly secretArn: string;
  readonly topology: Topology;
}

/**
 * Finds the database, its endpoints, the secrets and everybody who uses them. Changes nothing.
 *
 * @throws UserError NO_STAGE_DATABASE, ROTATION_UNSUPPORTED, NOTHING_TO_ROTATE, SECRET_DELETED, SLOT_NOT_REGISTERED; AWS's errors, explained
 */
export async function openRotation(
  context: Context,
  project: Project,
  choice: StageChoice,
): Promise<OpenRotation> {
  const world = await openWorld(context, project, choice);
  verifyRotatable(world.stage);
  try {
    return await open(context, world);
  } catch (error) {
    throw explainAwsError(error, `stage ${world.stage.prefix}`);
  }
}

async function open(context: Context, world: OpenWorld): Promise<OpenRotation> {
  const { aws, stage } = world;
  const secret = secretNameOf(stage, 'active');
  const have = isManaged({ database: stage.cloud.database.kind })
    ? await findStageDatabase(aws, stage)
    : undefined;
  // First: the route to the database reads its value, which tells less.
  const secretArn = await findSecretArn(world, secret);
  const store = secretStore(aws, secret);
  const [database, endpoints] = await Promise.all([
    have === undefined
      ? resolveStageDatabase(context, aws, stage).then((found) => withLiveLogin(world, found, store))
      : stageDatabaseOf(context, aws, stage, have),
    rotationEndpoints(world, have),
  ]);
  const opened = world.openRoutes(database);
  const { proxy, proxyEndpoints } = endpoints;
  const [slots, consumers] = await Promise.all([
    proxy === undefined ? undefined : slotStores(world, proxy),
    consumersOf(world, { secretArn }),
  ]);
  const slotNames = { a: `${stage.snake}_a`, b: `${stage.snake}_b` };
  const own = openRotationDatabase(context, opened, {
    id: stage.prefix,
    endpoints: endpoints.endpoints,
    proxyEndpoints,
    // A role that is to be adopted acts as itself.
    expectedRole: (user) => (user === slotNames.a || user === slotNames.b ? `${stage.snake}_app` : undefined),
  });
  const parts = {
    id: stage.prefix,
    store,
    slots: slotNames,
    database: proxy?.DBProxyName === undefined ? own : withProxyHealth(aws, proxy.DBProxyName, own),
    consumers,
    ...(slots !== undefined && { slotStores: slots }),
  };
  const topology =
    proxyEndpoints.length > 0 ? 'proxy' : endpoints.endpoints.length > 1 ? 'readers' : 'direct';
  return {
    ...{ world, parts, open: opened, database, endpoints, secret, secretArn, topology },
    ...(have !== undefined && { have }),
  };
}

/** Its name where there is none: `verifySecret` says so. @throws UserError SECRET_DELETED */
async function findSecretArn({ aws }: OpenWorld, name: string): Promise<string> {
  const described = await unlessGone(aws.read.secrets.send(new DescribeSecretCommand({ SecretId: name })));
  verifyNotDeleted(name, described ?? {});
  return described?.ARN ?? name;
}
