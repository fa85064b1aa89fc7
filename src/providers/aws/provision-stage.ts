import type { Context } from '../../context.ts';
import { type Applied, applyPlan, applyRemoval } from '../../provision/apply.ts';
import { type Budget, verifyBudget } from '../../provision/budget.ts';
import type { Cost } from '../../provision/cost/cost.ts';
import {
  joinPlans,
  type Plan,
  planProvision,
  planRemoval,
  verifyApproved,
  verifyPlan,
} from '../../provision/plan.ts';
import { survey } from '../../provision/survey.ts';
import { unwantedSteps } from './every-step.ts';
import { explainAwsError } from './explain.ts';
import { takeLook } from './look.ts';
import { engineOf } from './open-world.ts';
import { adviceOn, verifyOffered } from './preflight.ts';
import { withRunLock } from './run-lock.ts';
import { describeBudget, describeCost, findStageSize } from './stage-figures.ts';
import { type StageSteps, stageSteps } from './stage-steps.ts';
import type { AwsStep, World } from './steps/world.ts';

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
  /** Remove what former answers made and the present ones do not want. */
  readonly prune: boolean;
}

export interface PlannedStage {
  readonly shown: StagePlan;
  readonly steps: StageSteps;
  /** To be removed at the end. */
  readonly unwanted: readonly AwsStep<unknown>[];
}

/**
 * Looks at everything and says what would be done, what it needs of connections, and what it costs. Changes nothing.
 *
 * @throws UserError PLAN_REFUSED, OVERSUBSCRIBED, UNKNOWN_…; AWS's errors, explained
 */
export async function planStage(world: World, options: PlanOptions): Promise<PlannedStage> {
  const { aws, stage } = world;
  const steps = stageSteps(world);
  const { removable, kept } = unwantedSteps(world, steps);
  const look = takeLook(aws, stage);
  const offers: string[] = [];
  try {
    const size = findStageSize(world);
    const [{ account }, found, former, cost] = await Promise.all([
      aws.identity(),
      survey(steps.all, look),
      survey([...removable, ...kept], look),
      describeCost(world, options.prices, size),
      // For the budget: asked beside the rest.
      look.accountLimit(),
    ]);
    const wanted = planProvision(steps.all, found);
    verifyPlan(wanted);
    if (makesDatabase(wanted)) offers.push(...(await verifyOffered(world)));
    const plan = joinPlans(
      wanted,
      keepUnless(options.prune, planRemoval(removable, former), planRemoval(kept, former)),
    );
    const budget = await describeBudget(world, steps, found, size, look);
    verifyBudget(budget, { accept: options.acceptOversubscription });
    const { project } = stage;
    const warnings = [...adviceOn(world), ...offers];
    return {
      shown: { project, stage: stage.stage, region: aws.region, account, plan, budget, cost, warnings },
      ...{ steps, unwanted: options.prune ? removable : [] },
    };
  } catch (error) {
    throw explainAwsError(error, `stage ${stage.prefix}`);
  }
}

/** What exists is not asked about: AWS may have ceased to offer it. */
const makesDatabase = ({ actions }: Plan): boolean =>
  actions.some(({ step, kind }) => step.startsWith('database') && (kind === 'create' || kind === 'update'));

/** What is no longer wanted goes only when that was asked for; a database never goes because of an answer. */
function keepUnless(prune: boolean, removable: Plan, kept: Plan): Plan {
  const keep = (plan: Plan, why: string): Plan => ({
    actions: plan.actions.map((action) => ({ ...action, kind: 'keep', why })),
    changes: 0,
  });
  const held = keep(kept, 'no longer in lambdapg.json; it holds data, so only destroy removes it');
  return joinPlans(
    prune ? removable : keep(removable, 'no longer in lambdapg.json; --prune removes it'),
    held,
  );
}

/** Carries out an approved plan, alone on the stage. @throws as `applyPlan` */
export async function provisionStage(
  context: Context,
  world: World,
  { steps, shown, unwanted }: PlannedStage,
): Promise<Omit<Applied, 'haves'>> {
  if (shown.plan.changes === 0) return { created: [], updated: [], removed: [] };
  const doing = `lambdapg provision of ${world.stage.prefix}`;
  try {
    return await withRunLock(context, world, doing, async () => {
      // Another run may have been at work between the plan and the lock: only what is still to be done is done.
      const now = await survey(steps.all, takeLook(world.aws, world.stage));
      const plan = planProvision(steps.all, now);
      verifyPlan(plan);
      verifyApproved(shown.plan, plan);
      const { haves: _, ...applied } = await applyPlan(context, engineOf(world), steps.all, now);
      if (unwanted.length === 0) return applied;
      const former = await survey(unwanted, takeLook(world.aws, world.stage));
      const removal = planRemoval(unwanted, former);
      verifyApproved(shown.plan, removal);
      const { removed } = await applyRemoval(context, engineOf(world), unwanted, former, removal);
      return { ...applied, removed };
    });
  } catch (error) {
    throw explainAwsError(error, `stage ${world.stage.prefix}`);
  }
}
