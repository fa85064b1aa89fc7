import type { Context } from '../context.ts';
import type { Plan } from './plan.ts';
import { type Engine, removeStep, settleStep } from './settle.ts';
import type { Haves, Step } from './step.ts';
import type { Survey } from './survey.ts';

export interface Applied {
  readonly created: readonly string[];
  readonly updated: readonly string[];
  readonly removed: readonly string[];
  /** What each ready step has, by step id. */
  readonly haves: ReadonlyMap<string, unknown>;
}

/**
 * Brings all to what the approved plan says, from what was found when it was made: each step as soon as all that it needs is ready, many side by side. After a failure
 * or Ctrl-C no new step begins; those that run are left to finish what they asked for. Running it again goes on.
 *
 * @throws the first failure, as the engine explains it; Cancelled
 */
export async function applyPlan<Look>(
  context: Context,
  engine: Engine<Look>,
  steps: readonly Step<Look>[],
  found: Survey,
): Promise<Applied> {
  const haves = new Map<string, unknown>();
  const done = { created: [] as string[], updated: [] as string[], removed: [] as string[], haves };
  await runGraph(context, steps, forwards(steps), async (step) => {
    const state = found.get(step.id);
    if (state === undefined) throw new Error(`${step.id} was not looked at`);
    const { have, created, updated } = await settleStep(context, engine, step, havesOf(haves), state);
    haves.set(step.id, have);
    if (created) done.created.push(step.id);
    if (updated) done.updated.push(step.id);
  });
  return done;
}

/** Removes what the plan names, each resource after all that need it. */
export async function applyRemoval<Look>(
  context: Context,
  engine: Engine<Look>,
  steps: readonly Step<Look>[],
  found: Survey,
  plan: Plan,
): Promise<Applied> {
  const removed: string[] = [];
  const doomed = new Set(plan.actions.filter(({ kind }) => kind === 'remove').map(({ step }) => step));
  await runGraph(context, steps, backwards(steps), async (step) => {
    const state = found.get(step.id);
    if (!doomed.has(step.id) || state === undefined) return;
    await removeStep(context, engine, step, state);
    removed.push(step.id);
  });
  return { created: [], updated: [], removed, haves: new Map() };
}

/** By step id: the steps that must be done before. */
type Waits<Look> = ReadonlyMap<string, readonly Step<Look>[]>;

const forwards = <Look>(steps: readonly Step<Look>[]): Waits<Look> =>
  new Map(
    steps.map(({ id, needs }) => [id, steps.filter((other) => needs.some((need) => need.id === other.id))]),
  );

const backwards = <Look>(steps: readonly Step<Look>[]): Waits<Look> =>
  new Map(steps.map(({ id }) => [id, steps.filter(({ needs }) => needs.some((need) => need.id === id))]));

/** Runs `work` for each step once all that it waits for is done. */
async function runGraph<Look>(
  context: Context,
  steps: readonly Step<Look>[],
  waits: Waits<Look>,
  work: (step: Step<Look>) => Promise<void>,
): Promise<void> {
  const runs = new Map<Step<Look>, Promise<void>>();
  let failed = false;
  const run = (step: Step<Look>): Promise<void> => {
    const known = runs.get(step);
    if (known !== undefined) return known;
    const started = (async () => {
      await Promise.all((waits.get(step.id) ?? []).map(run));
      if (failed) return;
      context.signal.throwIfAborted();
      try {
        await work(step);
      } catch (error) {
        failed = true;
        throw error;
      }
    })();
    runs.set(step, started);
    return started;
  };
  const settled = await Promise.allSettled(steps.map(run));
  const fault = settled.find((result) => result.status === 'rejected');
  if (fault !== undefined) throw fault.reason;
}

const havesOf = (haves: ReadonlyMap<string, unknown>): Haves => ({
  get<Have>(step: Step<never, Have>): Have {
    if (!haves.has(step.id)) throw new Error(`${step.id} is used before it is ready: add it to needs`);
    return haves.get(step.id) as Have;
  },
});
