import type { Context } from '../../context.ts';
import { UserError } from '../../errors.ts';
import { applyRemoval } from '../../provision/apply.ts';
import { type Plan, planRemoval } from '../../provision/plan.ts';
import { survey } from '../../provision/survey.ts';
import { everyStep } from './every-step.ts';
import { explainAwsError } from './explain.ts';
import { takeLook } from './look.ts';
import { engineOf } from './open-world.ts';
import { findRemains, type Remains } from './remains.ts';
import { verifyNoRotationFunction } from './rotation/rotation-function/find-rotation-functions.ts';
import { withRunLock } from './run-lock.ts';
import type { AwsStep, World } from './steps/world.ts';

/** What would go, in the order in which it goes. */
export async function planDestroy(world: World): Promise<Plan> {
  try {
    const look = takeLook(world.aws, world.stage);
    const steps = await everyStep(world, look);
    const plan = planRemoval(steps, await survey(removable(steps), look));
    const attached = await findAttached(world);
    if (attached.length > 0) throw stillAttached(attached);
    await verifyNoRotationFunction(world.context, world.stage, look);
    return plan;
  } catch (error) {
    throw explainAwsError(error, `stage ${world.stage.prefix}`);
  }
}

/**
 * Takes a stage down: functions before the network they hold interfaces in, the database with a last snapshot, secrets with a
 * time for recovery. What is not this project's is never touched.
 *
 * @returns what went, and what remains; `unwanted` is what was to go and did not
 */
export async function destroyStage(
  context: Context,
  world: World,
): Promise<{ removed: readonly string[]; remains: readonly Remains[]; unwanted: readonly Remains[] }> {
  const doing = `lambdapg destroy of ${world.stage.prefix}`;
  try {
    return await withRunLock(context, world, doing, async () => {
      const look = takeLook(world.aws, world.stage);
      const steps = await everyStep(world, look);
      const found = await survey(removable(steps), look);
      const { removed } = await applyRemoval(
        context,
        engineOf(world),
        steps,
        found,
        planRemoval(steps, found),
      );
      const left = planRemoval(steps, await survey(removable(steps), takeLook(world.aws, world.stage)));
      const unwanted = left.actions
        .filter(({ kind }) => kind === 'remove')
        .map(({ title }) => ({ kind: 'resource' as const, name: title, why: 'it was to go' }));
      return { removed, unwanted, remains: await findRemains(world) };
    });
  } catch (error) {
    throw explainAwsError(error, `stage ${world.stage.prefix}`);
  }
}

/** The others hold nothing: they are looked at only when something is to be made. They still keep the order. */
const removable = (steps: readonly AwsStep<unknown>[]): AwsStep<unknown>[] =>
  steps.filter((step) => step.remove !== undefined);

/** Functions that `attach` let in: their rules name the stage's groups, which can not go while they do. */
export async function findAttached({ aws, stage }: World): Promise<string[]> {
  const groups = await takeLook(aws, stage).securityGroups();
  const descriptions = groups.flatMap(({ IpPermissions = [] }) =>
    IpPermissions.flatMap(({ UserIdGroupPairs = [] }) =>
      UserIdGroupPairs.map(({ Description = '' }) => Description),
    ),
  );
  const names = descriptions.flatMap((text) => /^lambdapg:attach:(.+)$/.exec(text)?.[1] ?? []);
  return [...new Set(names)];
}

export const stillAttached = (functions: readonly string[]): UserError =>
  new UserError('STILL_ATTACHED', `functions are attached to this database: ${functions.join(', ')}`, {
    suggestions: functions.map((name) => `lambdapg detach --function ${name}`),
  });
