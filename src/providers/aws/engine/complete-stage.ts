import type { Context } from '../../../context.ts';
import { isManaged } from '../../../project/choices.ts';
import { explainAwsError } from '../explain.ts';
import { takeLook } from '../look.ts';
import type { OpenWorld } from '../open-world.ts';
import { withRunLock } from '../run-lock.ts';
import { findStageDatabase, stageDatabaseOf } from '../stage-database.ts';
import { createLogins, findLogins } from '../steps/logins.ts';
import { withActualAnswers } from './actual-answers.ts';
import { fillSecrets } from './fill-secrets.ts';
import { registerTarget } from './register-target.ts';

export interface Completed {
  /** Names of secrets that had no value before. */
  readonly filled: readonly string[];
  /** Whether roles were made, or put right, in the database. */
  readonly roles: boolean;
}

/**
 * What no engine does: values of secrets, and the roles in the database. Where both are there, as after CDK's custom resource,
 * nothing is changed.
 */
export async function completeStage(context: Context, given: OpenWorld): Promise<Completed> {
  const { stage } = given;
  try {
    return await withRunLock(context, given, `lambdapg deploy of ${stage.prefix}`, async () => {
      const look = takeLook(given.aws, stage);
      const world = await withActualAnswers(given, look);
      const filled = await fillSecrets(world, look);
      if (!isManaged({ database: stage.cloud.database.kind })) return { filled, roles: false };
      const database = await findStageDatabase(world.aws, stage);
      if (database === undefined) return { filled, roles: false };
      const open = given.openRoutes(await stageDatabaseOf(context, given.aws, world.stage, database));
      const found = filled.length > 0 ? undefined : await findLogins(world, open);
      const roles = found?.state !== 'ready';
      if (roles) {
        await createLogins(world, open);
        context.report({ type: 'roles-made', message: `roles of ${stage.project} are in the database` });
      }
      await registerTarget(world, look);
      return { filled, roles };
    });
  } catch (error) {
    throw explainAwsError(error, `stage ${stage.prefix}`);
  }
}
