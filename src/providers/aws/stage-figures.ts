import type { OpenDatabase } from '../../database/open-database.ts';
import { errorMessage } from '../../errors.ts';
import { queryJob } from '../../jobs/query-job.ts';
import { cacheDir } from '../../project/cache-dir.ts';
import { type Budget, estimateBudget, type ReservedSlots } from '../../provision/budget.ts';
import { type Cost, estimateCost } from '../../provision/cost/cost.ts';
import { findCostDrivers } from '../../provision/cost/cost-drivers.ts';
import type { Survey } from '../../provision/survey.ts';
import { findInstanceSize, type InstanceSize } from './instance-size.ts';
import type { Look } from './look.ts';
import type { StageSteps } from './stage-steps.ts';
import type { DatabaseHave } from './steps/database-have.ts';
import type { World } from './steps/world.ts';

/** Memory and processors of the stage's instance class; asked beside the survey. */
export async function findStageSize({ aws, stage }: World): Promise<InstanceSize | undefined> {
  const { kind, instanceClass } = stage.cloud.database;
  if (kind !== 'rds') return undefined;
  return findInstanceSize(aws.read.ec2, instanceClass).catch(() => undefined);
}

/** The connection budget, from what the database says once its logins work, else by the formula. */
export async function describeBudget(
  world: World,
  steps: StageSteps,
  found: Survey,
  asked: Promise<InstanceSize | undefined>,
  look: Look,
): Promise<Budget> {
  const state = found.get(steps.database.id);
  const isOpen = found.get(steps.logins.id)?.state === 'ready' && state?.state === 'ready';
  const open = isOpen ? () => world.openDatabase(state.have as DatabaseHave) : undefined;
  return budgetOf(world, asked, look, open);
}

/** @param open leads to the database; absent when nobody can log in yet */
export async function budgetOf(
  world: World,
  asked: Promise<InstanceSize | undefined>,
  look: Look,
  open: (() => Promise<OpenDatabase>) | undefined,
): Promise<Budget> {
  const { cloud, config } = world.stage;
  const [size, measured, limit] = await Promise.all([
    asked,
    open === undefined ? {} : measureConnections(world, open),
    look.accountLimit(),
  ]);
  return estimateBudget({
    cloud,
    functions: config.functions,
    memoryBytes: size?.memoryBytes,
    unreservedConcurrency: limit?.UnreservedConcurrentExecutions,
    ...measured,
  });
}

const slotSettings = [
  'superuser_reserved_connections',
  'reserved_connections',
  'rds.rds_superuser_reserved_connections',
];

/** What the database says of itself. */
async function measureConnections(
  { context }: World,
  openDatabase: () => Promise<OpenDatabase>,
): Promise<{ maxConnections?: number; reserved?: ReservedSlots[] }> {
  try {
    const open = await openDatabase();
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
    context.report({ type: 'budget-warning', message });
    return {};
  }
}

/** What the stage is billed for; with amounts from AWS's price list when `prices`. */
export async function describeCost(
  { aws, stage, context }: World,
  prices: boolean,
  asked: Promise<InstanceSize | undefined>,
): Promise<Cost> {
  const drivers = findCostDrivers(stage.config, { vCpus: (await asked)?.vCpus });
  if (!prices) return estimateCost(drivers);
  const [{ PricingClient }, { fetchPrices, pricingRegion }] = await Promise.all([
    import('@aws-sdk/client-pricing'),
    import('./prices.ts'),
  ]);
  const client = new PricingClient({ region: pricingRegion(aws.region), credentials: aws.credentials });
  const { report, signal } = context;
  const known = await fetchPrices(client, aws.region, drivers, {
    cacheDir: cacheDir(context.env),
    report,
    signal,
  });
  return estimateCost(drivers, known);
}
