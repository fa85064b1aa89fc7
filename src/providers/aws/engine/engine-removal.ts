import { UserError } from '../../../errors.ts';
import { findAttached, stillAttached } from '../destroy-stage.ts';
import { explainAwsError } from '../explain.ts';
import { takeLook } from '../look.ts';
import { findRemains, type Remains } from '../remains.ts';
import { verifyNoRotationFunction } from '../rotation/rotation-function/find-rotation-functions.ts';
import { isOurs, nameOf } from '../stage.ts';
import type { World } from '../steps/world.ts';

/**
 * That an engine can take the stage down: it would stop in the middle, with half of it gone.
 *
 * @throws UserError DELETION_PROTECTED, STILL_ATTACHED, ROTATION_FUNCTION_ATTACHED
 */
export async function verifyRemovable(world: World): Promise<void> {
  const { aws, stage } = world;
  try {
    const look = takeLook(aws, stage);
    const name = nameOf(stage, 'db');
    const [instance, cluster] = await Promise.all([look.dbInstance(name), look.dbCluster(name)]);
    const database = [cluster, instance].find((one) => one !== undefined && isOurs(stage, one.TagList));
    if (database?.DeletionProtection === true) {
      throw new UserError(
        'DELETION_PROTECTED',
        `AWS refuses to delete the database ${name}: it is protected`,
        {
          suggestions: [
            '"cloud": {"database": {"deletionProtection": false}} in lambdapg.json, or the same in the files of the engine',
            `lambdapg deploy --stage ${stage.stage}, and then this again`,
          ],
        },
      );
    }
    const attached = await findAttached(world);
    if (attached.length > 0) throw stillAttached(attached);
    await verifyNoRotationFunction(world.context, stage, look);
  } catch (error) {
    throw explainAwsError(error, `stage ${stage.prefix}`);
  }
}

/** What an engine has left on purpose. */
export async function findEngineRemains(world: World): Promise<readonly Remains[]> {
  try {
    return await findRemains(world);
  } catch (error) {
    throw explainAwsError(error, `stage ${world.stage.prefix}`);
  }
}
