import type { Context } from '../../context.ts';
import { type Applied, applyPlan } from '../../provision/apply.ts';
import { type Budget, verifyBudget } from '../../provision/budget.ts';
import type { Cost } from '../../provision/cost/cost.ts';
import { type Plan, planProvision, verifyPlan } from '../../provision/plan.ts';
import { type Survey, survey } from '../../provision/survey.ts';
import { explainAwsError } from './explain.ts';
import { takeLook } from './look.ts';
import { engineOf } from './open-world.ts';
import { verifyOffered } from './preflight.ts';
import { withRunLock } from './run-lock.ts';
import { describeBudget, describeCost, findStageSize } from './stage-figures.ts';
import { type StageSteps, stageSteps } from './stage-steps.ts';
import type { World } from './steps/world.ts';

/** What `provision --plan` shows, and what is approved. */
export interface StagePlan {
  readonly project: string;
  readonly stage: string;
  readonly region: string;
  readonly account: string;
  readonly plan: Plan;
  readonly budget: Budget;
  readonly cost: Cost;
  readonly warnings: readonly string[];
}

export interface PlanOptions {
  /** Ask AWS's price list. */
  readonly prices: boolean;
  readonly acceptOversubscription: boolean;
}

export interface PlannedStage {
  readonly shown: StagePlan;
  readonly steps: StageSteps;
  readonly found: Survey;
}

/**
 * Looks at everything and says what would be done, what it needs of connections, and what it costs. Changes nothing.
 *
 * @throws UserError PLAN_REFUSED, OVERSUBSCRIBED, UNKNOWN_…; AWS's errors, explained
 */
export async function planStage(world: World, options: PlanOptions): Promise<PlannedStage> {
  const { aws, stage } = world;
  const steps = stageSteps(world);
  try {
    const size = findStageSize(world);
    const [{ account }, found, cost, offered] = await Promise.all([
      aws.identity(),
      survey(steps.all, takeLook(aws, stage)),
      describeCost(world, options.prices, size),
      verifyOffered(world),
    ]);
    const plan = planProvision(steps.all, found);
    verifyPlan(plan);
    const budget = await describeBudget(world, steps, found, size);
    verifyBudget(budget, { accept: options.acceptOversubscription });
    const { project } = stage;
    const warnings = offered.warnings;
    return {
      shown: { project, stage: stage.stage, region: aws.region, account, plan, budget, cost, warnings },
      steps,
      found,
    };
  } catch (error) {
    throw explainAwsError(error, `stage ${stage.prefix}`);
  }
}

/** Carries out an approved plan, alone on the stage. @throws as `applyPlan` */
export async function provisionStage(
  context: Context,
  world: World,
  { steps, found, shown }: PlannedStage,
): Promise<Applied> {
  const doing = `lambdapg provision of ${world.stage.prefix}`;
  try {
    return await withRunLock(context, world, doing, async () => {
      // Another run may have been at work between the plan and the lock: only what is still to be done is done.
      const now =
        shown.plan.changes === 0 ? found : await survey(steps.all, takeLook(world.aws, world.stage));
      verifyPlan(planProvision(steps.all, now));
      return applyPlan(context, engineOf(world), steps.all, now);
    });
  } catch (error) {
    throw explainAwsError(error, `stage ${world.stage.prefix}`);
  }
}
