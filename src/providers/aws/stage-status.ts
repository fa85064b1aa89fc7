import type { Context } from '../../context.ts';
import type { OpenDatabase } from '../../database/open-database.ts';
import { errorMessage } from '../../errors.ts';
import { queryJob } from '../../jobs/query-job.ts';
import type { Budget } from '../../provision/budget.ts';
import type { Cost } from '../../provision/cost/cost.ts';
import { type Difference, type Found, inOrder } from '../../provision/step.ts';
import { type Survey, survey } from '../../provision/survey.ts';
import { functionNeeds } from './every-step.ts';
import { explainAwsError } from './explain.ts';
import { functionSteps } from './functions/function-steps.ts';
import { takeLook } from './look.ts';
import { findRotationOutput } from './rotation/rotation-function/find-rotation-functions.ts';
import { describeBudget, describeCost, findStageSize } from './stage-figures.ts';
import { type StageSteps, stageSteps } from './stage-steps.ts';
import { secretNameOf } from './steps/secrets.ts';
import type { AwsStep, World } from './steps/world.ts';

export interface ResourceStatus {
  readonly id: string;
  readonly title: string;
  readonly state: Found<unknown>['state'];
  readonly why?: string;
  readonly differences?: readonly Difference[];
}

/** What exists of a stage, where it is, what it uses and costs, and how it differs from `lambdapg.json`. */
export interface StageStatus {
  readonly project: string;
  readonly stage: string;
  readonly region: string;
  readonly account: string;
  readonly resources: readonly ResourceStatus[];
  /** Resources that are not as `lambdapg.json` wants them. */
  readonly drifted: number;
  /** Names that other tools need: the same ones whatever made the stage. */
  readonly outputs: Readonly<Record<string, string>>;
  readonly connections?: ConnectionsInUse;
  readonly budget: Budget;
  readonly cost: Cost;
}

export interface ConnectionsInUse {
  readonly max: number;
  readonly used: number;
  /** `application`: a function's name, or what a program calls itself. */
  readonly byUser: readonly {
    readonly user: string;
    readonly application: string;
    readonly connections: number;
  }[];
}

export async function getStageStatus(
  context: Context,
  world: World,
  options: { readonly prices: boolean },
): Promise<StageStatus> {
  const { aws, stage } = world;
  const base = stageSteps(world);
  const functions = functionSteps(world, functionNeeds(base));
  const all = [...base.all, ...functions.all];
  const size = findStageSize(world);
  const look = takeLook(aws, stage);
  try {
    const [{ account }, found, cost, rotation] = await Promise.all([
      aws.identity(),
      survey(all, look),
      describeCost(world, options.prices, size),
      findRotationOutput(stage, look),
      // For the budget: asked beside the rest.
      look.accountLimit(),
    ]);
    const [budget, connections] = await Promise.all([
      describeBudget(world, base, found, size, look),
      findConnections(context, world, base, found),
    ]);
    const resources = inOrder(all).map((step) => statusOf(step, found));
    if (resources.every(({ state }) => state === 'absent')) {
      const message = `nothing of stage ${stage.stage} exists in ${aws.region}: is it another --region or --stage?`;
      context.report({ type: 'status-warning', message });
    }
    return {
      ...{ project: stage.project, stage: stage.stage, region: aws.region, account, resources },
      drifted: resources.filter(({ state }) => state === 'drifted').length,
      outputs: { ...outputsOf(world, found), ...rotation },
      ...(connections !== undefined && { connections }),
      ...{ budget, cost },
    };
  } catch (error) {
    throw explainAwsError(error, `stage ${stage.prefix}`);
  }
}

function statusOf({ id, title }: AwsStep<unknown>, found: Survey): ResourceStatus {
  const state = found.get(id) ?? { state: 'absent' };
  return {
    ...{ id, title, state: state.state },
    ...('why' in state && { why: state.why }),
    ...(state.state === 'drifted' && { differences: state.differences }),
  };
}

/** Which property of which resource is called what. */
const outputs: readonly (readonly [name: string, step: string, property: string])[] = [
  ['url', 'http-api', 'url'],
  ['databaseHost', 'database', 'host'],
  ['databaseHost', 'database-writer', 'host'],
  ['databaseVersion', 'database', 'version'],
  ['databaseVersion', 'database-writer', 'version'],
  ['readerHost', 'database-writer', 'readerHost'],
  ['readerHost', 'database-reader', 'host'],
  ['proxyHost', 'proxy', 'host'],
  ['proxyReaderHost', 'proxy-reader', 'host'],
  ['secretArn', 'secret-active', 'arn'],
];

function outputsOf({ stage }: World, found: Survey): Record<string, string> {
  const named: Record<string, string> = { databaseName: stage.snake };
  if (stage.cloud.auth === 'secret') named.secretName = secretNameOf(stage, 'active');
  for (const [name, step, property] of outputs) {
    const state = found.get(step);
    const have = state !== undefined && 'have' in state ? (state.have as Record<string, unknown>) : {};
    const value = have?.[property];
    if (typeof value === 'string' && value !== '') named[name] ??= value;
  }
  return named;
}

/** What any role may see of the others: who they are and what they call themselves. */
const inUse = `SELECT usename, CASE WHEN application_name LIKE 'lpg/%' THEN split_part(application_name, '/', 2)
    ELSE application_name END, count(*), current_setting('max_connections')
  FROM pg_stat_activity WHERE usename IS NOT NULL AND datid IS NOT NULL GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2`;

async function findConnections(
  context: Context,
  world: World,
  { database, logins }: StageSteps,
  found: Survey,
): Promise<ConnectionsInUse | undefined> {
  const state = found.get(database.id) as Found<Parameters<World['openDatabase']>[0]> | undefined;
  if (found.get(logins.id)?.state !== 'ready' || state?.state !== 'ready') return undefined;
  return readConnections(context, () => world.openDatabase(state.have));
}

/** @returns undefined, after a warning, when the database cannot be asked */
export async function readConnections(
  context: Context,
  openDatabase: () => Promise<OpenDatabase>,
): Promise<ConnectionsInUse | undefined> {
  try {
    const open = await openDatabase();
    const input = { path: 'lambdapg', text: inUse, oneTransaction: true, maxRows: 100, maxSize: 100_000 };
    const rows = (await open.run(queryJob, open.app, input)).results[0]?.rows ?? [];
    const byUser = rows.map(([user, application, count]) => ({
      user: String(user),
      application: String(application),
      connections: Number(count),
    }));
    const used = byUser.reduce((sum, { connections }) => sum + connections, 0);
    return { max: Number(rows[0]?.[3]), used, byUser };
  } catch (error) {
    context.report({
      type: 'status-warning',
      message: `connections in use could not be read: ${errorMessage(error)}`,
    });
    return undefined;
  }
}
