import type { Context } from '../../../context.ts';
import type { Budget } from '../../../provision/budget.ts';
import type { Cost } from '../../../provision/cost/cost.ts';
import { explainAwsError } from '../explain.ts';
import { takeLook } from '../look.ts';
import type { OpenWorld } from '../open-world.ts';
import { findRotationOutput } from '../rotation/rotation-function/find-rotation-functions.ts';
import { resolveStageDatabase } from '../stage-database.ts';
import { budgetOf, describeCost, findStageSize } from '../stage-figures.ts';
import { type ConnectionsInUse, readConnections } from '../stage-status.ts';
import { withActualAnswers } from './actual-answers.ts';
import { readStack, type StackResource } from './read-stack.ts';

/** What an engine has made of a stage, by its own account. */
export interface EngineResources {
  /** Of the whole, in the engine's words: `UPDATE_COMPLETE`. */
  readonly status: string;
  readonly resources: readonly EngineResource[];
  readonly outputs: Readonly<Record<string, string>>;
}

export interface EngineResource {
  /** Its name in the engine's files. */
  readonly id: string;
  readonly title: string;
  readonly state: 'ready' | 'pending' | 'failed';
  readonly why?: string;
}

/** What exists of a stage, where it is, what it uses and costs. Compared with nothing: the engine's files say what is wanted. */
export interface EngineStatus extends EngineResources {
  readonly project: string;
  readonly stage: string;
  readonly engine: string;
  readonly region: string;
  readonly account: string;
  readonly connections?: ConnectionsInUse;
  readonly budget: Budget;
  readonly cost: Cost;
}

export const nothingMade: EngineResources = { status: 'absent', resources: [], outputs: {} };

/** The stack of a stage. */
export async function readStackResources({ aws, stage }: OpenWorld): Promise<EngineResources> {
  try {
    const stack = await readStack(aws, stage.prefix);
    if (stack === undefined) return nothingMade;
    const { status, outputs, resources } = stack;
    return { status, outputs, resources: resources.map(resourceOf) };
  } catch (error) {
    throw explainAwsError(error, `stack ${stage.prefix}`);
  }
}

function resourceOf({ id, type, name, status, why }: StackResource): EngineResource {
  const state = status.endsWith('_FAILED') ? 'failed' : status.endsWith('_IN_PROGRESS') ? 'pending' : 'ready';
  const reason = why === undefined ? status : `${status}: ${why}`;
  return { id, title: `${type} ${name}`.trim(), state, ...(state !== 'ready' && { why: reason }) };
}

/** @param made by the engine's own account */
export async function getEngineStatus(
  context: Context,
  given: OpenWorld,
  made: EngineResources,
  options: { readonly prices: boolean },
): Promise<EngineStatus> {
  try {
    const { aws } = given;
    const look = takeLook(aws, given.stage);
    const world = await withActualAnswers(given, look);
    const { stage } = world;
    const size = findStageSize(world);
    const open = async () => world.openRoutes(await resolveStageDatabase(context, aws, stage));
    const isThere = made.resources.length > 0;
    if (!isThere) {
      const message = `nothing of stage ${stage.stage} exists in ${aws.region}: is it another --region or --stage?`;
      context.report({ type: 'status-warning', message });
    }
    const [{ account }, cost, connections, rotation] = await Promise.all([
      aws.identity(),
      describeCost(world, options.prices, size),
      isThere ? readConnections(context, open) : undefined,
      findRotationOutput(stage, look),
    ]);
    const budget = await budgetOf(world, size, look, connections === undefined ? undefined : open);
    return {
      ...{ project: stage.project, stage: stage.stage, engine: stage.config.engine },
      ...{ region: aws.region, account, ...made },
      outputs: { ...made.outputs, ...rotation },
      ...(connections !== undefined && { connections }),
      ...{ budget, cost },
    };
  } catch (error) {
    throw explainAwsError(error, `stage ${given.stage.prefix}`);
  }
}
