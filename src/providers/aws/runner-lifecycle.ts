import { applyPlan, applyRemoval } from '../../provision/apply.ts';
import { planProvision, planRemoval, verifyPlan } from '../../provision/plan.ts';
import { inOrder } from '../../provision/step.ts';
import { survey } from '../../provision/survey.ts';
import { unwantedSteps } from './every-step.ts';
import { explainAwsError } from './explain.ts';
import { takeLook } from './look.ts';
import { engineOf } from './open-world.ts';
import { withRunLock } from './run-lock.ts';
import { nameOf } from './stage.ts';
import { stageSteps } from './stage-steps.ts';
import type { AwsStep, World } from './steps/world.ts';

const withRunner = (world: World, runner: boolean): World => ({
  ...world,
  stage: { ...world.stage, runner },
});

/** Makes the runner of a stage that has none, and what it needs: a role, a log group, a security group and its rules. */
export async function createRunner(given: World): Promise<void> {
  const world = withRunner(given, true);
  const name = nameOf(world.stage, 'runner');
  const { all } = stageSteps(world);
  const steps = neededBy(all, 'runner');
  try {
    await withRunLock(world.context, world, `making the runner ${name}`, async () => {
      const found = await survey(steps, takeLook(world.aws, world.stage));
      verifyPlan(planProvision(steps, found));
      await applyPlan(world.context, engineOf(world), steps, found);
    });
  } catch (error) {
    throw explainAwsError(error, `runner ${name}`);
  }
}

/** Removes the runner and what was made for it alone. */
export async function removeRunner(given: World): Promise<void> {
  const world = withRunner(given, false);
  const name = nameOf(world.stage, 'runner');
  const own = new Set(['runner', 'role-runner', 'log-group-runner', 'group-runner', 'stale-rules']);
  const steps = unwantedSteps(world, stageSteps(world)).removable.filter(({ id }) => own.has(id));
  try {
    await withRunLock(world.context, world, `removing the runner ${name}`, async () => {
      const found = await survey(steps, takeLook(world.aws, world.stage));
      await applyRemoval(world.context, engineOf(world), steps, found, planRemoval(steps, found));
    });
  } catch (error) {
    throw explainAwsError(error, `runner ${name}`);
  }
}

/** A step and all that it needs, and what they need. */
function neededBy(all: readonly AwsStep<unknown>[], id: string): AwsStep<unknown>[] {
  const wanted = new Set<string>();
  const visit = (step: AwsStep<unknown>): void => {
    if (wanted.has(step.id)) return;
    wanted.add(step.id);
    for (const need of step.needs) visit(need);
  };
  for (const step of all) if (step.id === id) visit(step);
  return inOrder(all).filter((step) => wanted.has(step.id));
}
