import { GetAccountSettingsCommand } from '@aws-sdk/client-lambda';
import type { Context } from '../../context.ts';
import { errorMessage } from '../../errors.ts';
import { queryJob } from '../../jobs/query-job.ts';
import { cacheDir } from '../../project/cache-dir.ts';
import { type Applied, applyPlan } from '../../provision/apply.ts';
import { type Budget, estimateBudget, type ReservedSlots, verifyBudget } from '../../provision/budget.ts';
import { type Cost, estimateCost } from '../../provision/cost/cost.ts';
import { findCostDrivers } from '../../provision/cost/cost-drivers.ts';
import { type Plan, planProvision, verifyPlan } from '../../provision/plan.ts';
import { type Survey, survey } from '../../provision/survey.ts';
import { explainAwsError } from './explain.ts';
import { findInstanceSize, type InstanceSize } from './instance-size.ts';
import { takeLook } from './look.ts';
import { engineOf } from './open-world.ts';
import { verifyOffered } from './preflight.ts';
import { withRunLock } from './run-lock.ts';
import { type StageSteps, stageSteps } from './stage-steps.ts';
import type { DatabaseHave } from './steps/database.ts';
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
    const [{ account }, found, size, offered] = await Promise.all([
      aws.identity(),
      survey(steps.all, takeLook(aws, stage)),
      sizeOf(world),
      verifyOffered(world),
    ]);
    const plan = planProvision(steps.all, found);
    verifyPlan(plan);
    const [budget, cost] = await Promise.all([
      findBudget(world, steps, found, size),
      findCost(world, size, options.prices),
    ]);
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

async function sizeOf({ aws, stage }: World): Promise<InstanceSize | undefined> {
  const { kind, instanceClass } = stage.cloud.database;
  if (kind === 'aurora') return undefined;
  return findInstanceSize(aws.read.ec2, instanceClass).catch(() => undefined);
}

async function findBudget(
  world: World,
  steps: StageSteps,
  found: Survey,
  size: InstanceSize | undefined,
): Promise<Budget> {
  const { cloud, config } = world.stage;
  const [measured, unreservedConcurrency] = await Promise.all([
    measureConnections(world, steps, found),
    findConcurrency(world),
  ]);
  return estimateBudget({
    cloud,
    functions: config.functions,
    memoryBytes: size?.memoryBytes,
    unreservedConcurrency,
    ...measured,
  });
}

async function findConcurrency({ aws }: World): Promise<number | undefined> {
  // A missing permission, or an emulator: the default is stated instead.
  const settings = await aws.read.lambda.send(new GetAccountSettingsCommand({})).catch(() => undefined);
  return settings?.AccountLimit?.UnreservedConcurrentExecutions;
}

const slotSettings = [
  'superuser_reserved_connections',
  'reserved_connections',
  'rds.rds_superuser_reserved_connections',
];

/** What the database says of itself, once its logins work. */
async function measureConnections(
  world: World,
  { database, logins }: StageSteps,
  found: Survey,
): Promise<{ maxConnections?: number; reserved?: ReservedSlots[] }> {
  const state = found.get(database.id);
  if (found.get(logins.id)?.state !== 'ready' || state?.state !== 'ready') return {};
  try {
    const open = await world.openDatabase(state.have as DatabaseHave);
    const names = ['max_connections', ...slotSettings].map((name) => `'${name}'`).join(', ');
    const { results } = await open.run(queryJob, open.app, {
      path: 'lambdapg',
      text: `SELECT name, setting FROM pg_settings WHERE name IN (${names})`,
      oneTransaction: true,
      ...{ maxRows: 10, maxSize: 10_000 },
    });
    const settings = new Map(results[0]?.rows.map(([name, value]) => [String(name), Number(value)]));
    const maxConnections = settings.get('max_connections');
    if (maxConnections === undefined) return {};
    const reserved = slotSettings.flatMap((setting) => {
      const connections = settings.get(setting) ?? 0;
      return connections > 0 ? [{ setting, connections }] : [];
    });
    return { maxConnections, reserved };
  } catch (error) {
    const message = `max_connections could not be read: ${errorMessage(error)}`;
    world.context.report({ type: 'budget-warning', message });
    return {};
  }
}

async function findCost(
  { aws, stage, context }: World,
  size: InstanceSize | undefined,
  prices: boolean,
): Promise<Cost> {
  const drivers = findCostDrivers(stage.config, { vCpus: size?.vCpus });
  if (!prices) return estimateCost(drivers);
  const [{ PricingClient }, { fetchPrices, pricingRegion }] = await Promise.all([
    import('@aws-sdk/client-pricing'),
    import('./prices.ts'),
  ]);
  const client = new PricingClient({ region: pricingRegion(aws.region), credentials: aws.credentials });
  const { report, signal } = context;
  return estimateCost(
    drivers,
    await fetchPrices(client, aws.region, drivers, { cacheDir: cacheDir(context.env), report, signal }),
  );
}
