import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { errorMessage, exitCodes, UserError } from '../errors.ts';
import type { Difference, Found, Haves, Step } from './step.ts';

/**
 * What an error of the vendor means for the resource that was asked for.
 * `exists`: something of that name is there: look. `lost`: it may have happened or not: look. `again`: it did not happen
 * and may soon (throttled, a state that passes). `gone`: it, or what it needs, is not there, or not yet to be seen.
 * `fatal`: no use in asking again.
 */
export type Verdict = 'exists' | 'lost' | 'again' | 'gone' | 'fatal';

/** What the provider lends to the steps' engine. */
export interface Engine<Look> {
  /** A fresh view of the world. */
  look(): Look;
  judge(error: unknown): Verdict;
  /** Translates a vendor's error for people; `doing` is the step's title. */
  explain(error: unknown, doing: string): unknown;
  /** The real one unless told. */
  readonly clock?: EngineClock;
}

export interface EngineClock {
  now(): number;
  /** Resolves when the signal is aborted, too. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

const realClock: EngineClock = {
  now: () => Date.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
};

const defaultPatienceMs = 10 * 60_000;
/** How long a resource that was made may stay invisible (eventual consistency). */
const invisibleMs = 60_000;
/** How long AWS may call something missing that another step has just made. */
const missingMs = 30_000;
/** How long a resource is looked for whose creation was not answered, before it is asked for again. */
const lostMs = 5_000;
const firstPauseMs = 200;
const longestPauseMs = 10_000;

type Doing = 'creating' | 'changing' | 'waiting' | 'removing';

/** The course of one step: what was asked and when, for progress and limits of time. */
class Course<Look> {
  readonly context: Context;
  readonly engine: Engine<Look>;
  readonly step: Step<Look>;
  readonly startedAt: number;
  readonly #clock: EngineClock;
  #pauseMs = firstPauseMs;
  #lastProgress = '';

  constructor(context: Context, engine: Engine<Look>, step: Step<Look>) {
    this.context = context;
    this.engine = engine;
    this.step = step;
    this.#clock = engine.clock ?? realClock;
    this.startedAt = this.#clock.now();
  }

  now(): number {
    return this.#clock.now();
  }

  /** Whether `ms` have gone by since `time`. */
  isOver(time: number, ms: number): boolean {
    return this.now() - time > ms;
  }

  find(): Promise<Found<unknown>> {
    return this.step.find(this.engine.look());
  }

  /** Grows by half each time; Ctrl-C ends it. */
  async pause(): Promise<void> {
    const { signal } = this.context;
    await this.#clock.sleep(this.#pauseMs, signal);
    signal.throwIfAborted();
    this.#pauseMs = Math.min(longestPauseMs, this.#pauseMs * 1.5);
  }

  hurry(): void {
    this.#pauseMs = firstPauseMs;
  }

  report(type: 'step-started' | 'step-progress' | 'step-done', what: string): void {
    const seconds = Math.round((this.now() - this.startedAt) / 1000);
    const elapsed = type === 'step-started' ? '' : ` (${seconds} s)`;
    const message = `${this.step.title}: ${what}${elapsed}`;
    if (type === 'step-progress' && message === this.#lastProgress) return;
    this.#lastProgress = message;
    this.context.report({ type, message, step: this.step.id, seconds });
  }

  /** Asks AWS for an effect. @returns what its error means, or undefined when it said yes */
  async ask(
    effect: () => Promise<unknown> | undefined,
  ): Promise<{ verdict: Verdict; error: unknown } | undefined> {
    try {
      await effect();
      return undefined;
    } catch (error) {
      if (error instanceof UserError) throw error;
      const verdict = this.engine.judge(error);
      if (verdict === 'fatal') throw this.explain(error);
      return { verdict, error };
    }
  }

  explain(error: unknown): unknown {
    return this.engine.explain(error, this.step.title);
  }

  tooLong(what: string): UserError {
    const seconds = Math.round((this.now() - this.startedAt) / 1000);
    return new UserError('TOO_SLOW', `${this.step.title} was given up after ${seconds} s: ${what}`, {
      exit: exitCodes.temporary,
      suggestions: ['run the same command again: it goes on where this one stopped'],
    });
  }
}

/**
 * Brings one resource to `ready`, from whatever was found: creates it, changes it, waits. Where an answer is lost or the name
 * exists it looks before it asks again, so that nothing is made twice.
 *
 * @returns what it has, and what was asked for on the way
 */
export async function settleStep<Look>(
  context: Context,
  engine: Engine<Look>,
  step: Step<Look>,
  haves: Haves,
  first: Found<unknown>,
): Promise<{ readonly have: unknown; readonly created: boolean; readonly updated: boolean }> {
  const course = new Course(context, engine, step);
  const asked = { createdAt: 0, doubtSince: 0, updated: '', failingSince: 0 };
  let found = first.state === 'unverified' ? await course.find() : first;
  if (found.state !== 'ready') course.report('step-started', doingOf(found));
  for (;;) {
    switch (found.state) {
      case 'ready':
        if (found !== first) course.report('step-done', 'ready');
        return { have: found.have, created: asked.createdAt > 0, updated: asked.updated !== '' };
      case 'foreign':
        throw foreign(step, found.why);
      case 'unverified':
        if (asked.createdAt > 0) course.report('step-progress', found.why);
        else await create(course, haves, asked);
        break;
      case 'absent':
        await create(course, haves, asked);
        break;
      case 'drifted':
        await update(course, haves, asked, found);
        break;
      case 'pending':
        course.report('step-progress', found.why);
        break;
    }
    if (course.isOver(course.startedAt, step.patienceMs ?? defaultPatienceMs))
      throw course.tooLong(whyNot(found));
    await course.pause();
    found = await course.find();
  }
}

interface Asked {
  createdAt: number;
  doubtSince: number;
  updated: string;
  failingSince: number;
}

async function create<Look>(course: Course<Look>, haves: Haves, asked: Asked): Promise<void> {
  if (asked.createdAt > 0) {
    if (course.isOver(asked.createdAt, invisibleMs)) throw course.tooLong('it was made, but cannot be seen');
    return course.report('step-progress', 'not to be seen yet');
  }
  if (asked.doubtSince > 0 && !course.isOver(asked.doubtSince, lostMs)) return;
  asked.doubtSince = 0;
  const refusal = await course.ask(() => course.step.create(haves));
  course.hurry();
  if (refusal === undefined) {
    asked.createdAt = course.now();
    return;
  }
  await endure(course, asked, refusal);
  if (refusal.verdict === 'exists' || refusal.verdict === 'lost') asked.doubtSince = course.now();
}

async function update<Look>(
  course: Course<Look>,
  haves: Haves,
  asked: Asked,
  { have, differences }: { readonly have: unknown; readonly differences: readonly Difference[] },
): Promise<void> {
  const what = differences.map(({ property, want }) => `${property}=${want}`).join();
  if (asked.updated === what) return course.report('step-progress', `changing ${what}`);
  const refusal = await course.ask(() => course.step.update?.(have, haves, differences));
  course.hurry();
  if (refusal === undefined || refusal.verdict === 'exists') asked.updated = what;
  else await endure(course, asked, refusal);
}

/** Lets an error pass for a while. @throws it, explained, when it lasts too long for its kind */
async function endure<Look>(
  course: Course<Look>,
  asked: Asked,
  { verdict, error }: { verdict: Verdict; error: unknown },
): Promise<void> {
  if (asked.failingSince === 0) asked.failingSince = course.now();
  const limitMs = verdict === 'again' ? (course.step.patienceMs ?? defaultPatienceMs) : missingMs;
  if (course.isOver(asked.failingSince, limitMs)) throw course.explain(error);
  course.report('step-progress', `trying again: ${errorMessage(error)}`);
}

/** Asks for the end of a resource and waits until it is gone. */
export async function removeStep<Look>(
  context: Context,
  engine: Engine<Look>,
  step: Step<Look>,
  first: Found<unknown>,
): Promise<void> {
  const course = new Course(context, engine, step);
  const patienceMs = step.patienceMs ?? 45 * 60_000;
  course.report('step-started', 'removing');
  let [found, asked] = [first, false];
  while (found.state !== 'absent' && found.state !== 'foreign') {
    if (!asked && 'have' in found && found.have !== undefined) {
      const { have } = found;
      const refusal = await course.ask(() => step.remove?.(have));
      asked = refusal === undefined || refusal.verdict === 'gone';
      if (refusal !== undefined)
        course.report('step-progress', `still in use: ${errorMessage(refusal.error)}`);
    } else {
      course.report('step-progress', 'going');
    }
    if (course.isOver(course.startedAt, patienceMs)) throw course.tooLong('it is still there');
    await course.pause();
    found = await course.find();
  }
  course.report('step-done', 'removed');
}

function doingOf(found: Found<unknown>): Doing {
  if (found.state === 'absent' || found.state === 'unverified') return 'creating';
  return found.state === 'drifted' ? 'changing' : 'waiting';
}

function whyNot(found: Found<unknown>): string {
  if ('why' in found) return found.why;
  if (found.state !== 'drifted') return `it is ${found.state}`;
  return found.differences
    .map(({ property, have, want }) => `${property} is ${have}, not yet ${want}`)
    .join(', ');
}

const foreign = (step: Step<never>, why: string): UserError =>
  new UserError('FOREIGN_RESOURCE', `${step.title} cannot be had: ${why}`, {
    suggestions: ['choose another --stage, or give that resource up'],
  });
