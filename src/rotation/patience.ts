import type { Decision } from './decide/decision.ts';

type Waiting = Extract<Decision, { next: 'wait' | 'hold' }>;

/** While the end of a wait is known, nobody has to look so often. */
const longestPauseMs = 5_000;

/** How long one thing is waited for, and how often it is looked at meanwhile. */
export class Patience {
  readonly #pollMs: number;
  readonly #patienceMs: number;
  #waiting: { readonly for: string; readonly since: number; pauseMs: number; why: string } | undefined;

  constructor(pollMs: number, patienceMs: number) {
    this.#pollMs = pollMs;
    this.#patienceMs = patienceMs;
  }

  /** Something was done: whatever is waited for next is another thing. */
  reset(): void {
    this.#waiting = undefined;
  }

  /** Whether this has not been said yet. */
  isNews(decision: Waiting): boolean {
    return this.#waiting?.why !== decision.why;
  }

  /** Counted from its known end, where it has one. */
  isOver(decision: Waiting, now: number): boolean {
    const what = decision.next === 'wait' ? decision.for : 'hold';
    const since = this.#waiting?.for === what ? this.#waiting.since : now;
    const pauseMs = this.#waiting?.for === what ? this.#waiting.pauseMs : this.#pollMs;
    const end = untilOf(decision);
    // A known end that has not come is no test of patience.
    const from = end !== undefined && end > now ? now : since;
    this.#waiting = { for: what, since: from, pauseMs, why: decision.why };
    return now - from >= this.#patienceMs && !(end !== undefined && end > now);
  }

  pauseMs(decision: Waiting, now: number): number {
    const end = untilOf(decision);
    const waiting = this.#waiting;
    if (end === undefined || end <= now || waiting === undefined) return this.#pollMs;
    waiting.pauseMs = Math.min(longestPauseMs, waiting.pauseMs * 1.5);
    return Math.max(1, Math.min(waiting.pauseMs, end - now));
  }
}

/** When it is known to be over. Milliseconds since 1970. */
export const untilOf = (decision: Waiting): number | undefined =>
  decision.next === 'wait' ? decision.untilMs : undefined;
