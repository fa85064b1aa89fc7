import type { InvokeResult } from '../../../src/local/lambda/local-lambda.ts';
import { quantile } from '../../bench/statistics.ts';

export const phaseNames = ['before', 'during', 'after'] as const;
export type PhaseName = (typeof phaseNames)[number];

interface Request {
  readonly phase: PhaseName;
  readonly target: string;
  readonly reconnect: boolean;
}

interface Answered extends Request {
  /** The phase in which the answer came: later than that of the arrival where a request had to wait. */
  readonly answeredIn: PhaseName;
  /** Beyond the time that was asked for, from the moment of arrival. Milliseconds. */
  readonly addedMs: number;
  readonly environment: string;
  /** `session_user`; undefined when it failed. */
  readonly user: string | undefined;
  readonly failure: string | undefined;
}

interface Selection {
  /** Of their arrival. */
  readonly phases?: readonly PhaseName[];
  /** Of their answer; without it, those that never got one count as well. */
  readonly answeredIn?: PhaseName;
  readonly target?: string;
}

export interface Figures {
  readonly requests: number;
  readonly failed: number;
  readonly dropped: number;
  /** Took over a second longer than it was asked to. */
  readonly delayed: number;
  /** Of those served: milliseconds beyond the time that was asked for. */
  readonly p50: number;
  readonly p99: number;
  /** How many were served with which login. */
  readonly users: Readonly<Record<string, number>>;
}

const delayedAfterMs = 1_000;

/** All requests of one load. */
export class LoadReport {
  readonly #holdMs: number;
  readonly #answered: Answered[] = [];
  readonly #dropped: Request[] = [];

  constructor(holdMs: number) {
    this.#holdMs = holdMs;
  }

  add(request: Request, result: InvokeResult, tookMs: number, answeredIn: PhaseName): void {
    if ('throttled' in result) {
      this.#dropped.push(request);
      return;
    }
    const text = result.payload.toString();
    const failed = result.failure !== undefined;
    this.#answered.push({
      ...request,
      answeredIn,
      addedMs: tookMs - this.#holdMs,
      environment: result.environment,
      user: failed ? undefined : (JSON.parse(text) as { user: string }).user,
      failure: failed ? messageOf(text) : undefined,
    });
  }

  /** Of some phases, of one target, or of all. */
  figures({ phases = phaseNames, answeredIn, target }: Selection = {}): Figures {
    const belongs = (one: Request): boolean =>
      phases.includes(one.phase) && (target ?? one.target) === one.target;
    const answered = this.#answered.filter(
      (one) => belongs(one) && (answeredIn ?? one.answeredIn) === one.answeredIn,
    );
    const dropped = answeredIn === undefined ? this.#dropped.filter(belongs).length : 0;
    const failed = answered.filter(({ failure }) => failure !== undefined);
    // A failure is quick, and no latency of anything.
    const added = answered.flatMap(({ addedMs, failure }) => (failure === undefined ? [addedMs] : []));
    return {
      requests: answered.length + dropped,
      failed: failed.length,
      dropped,
      delayed: added.filter((ms) => ms > delayedAfterMs).length,
      p50: Math.round(quantile(added, 0.5)),
      p99: Math.round(quantile(added, 0.99)),
      users: tally(answered.flatMap(({ user }) => user ?? [])),
    };
  }

  /** What the failed ones were told, and how often. */
  get failures(): Readonly<Record<string, number>> {
    return this.failuresIn(...phaseNames);
  }

  /** The same, of those that arrived in these phases. */
  failuresIn(...phases: readonly PhaseName[]): Readonly<Record<string, number>> {
    const answered = this.#answered.filter(({ phase }) => phases.includes(phase));
    return tally(answered.flatMap(({ failure }) => failure ?? []));
  }

  /** How many environments served it. */
  get environments(): number {
    return new Set(this.#answered.map(({ environment }) => environment)).size;
  }

  /** Share of the requests that gave up their connection first, 0 to 1. */
  get reconnects(): number {
    return this.#answered.filter(({ reconnect }) => reconnect).length / this.#answered.length;
  }
}

function messageOf(text: string): string {
  const { errorMessage = text } = JSON.parse(text) as { errorMessage?: string };
  return errorMessage.replaceAll(/localhost:\d+/g, 'the database');
}

function tally(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}
