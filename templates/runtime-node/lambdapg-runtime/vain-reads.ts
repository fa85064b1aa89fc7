// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.

const firstQuietMs = 50;
/** What works again is noticed so much later, at most. */
const longestQuietMs = 1_000;
/** What was in vain so long ago says nothing about now. */
const forgetAfterMs = 30_000;
/** A value that a rotation is about to use stands in the store before the database has it. */
const mostRoundsOfAll = 2;
const laterAllEach = 10;

/**
 * Bounds what a password costs that is wrong for good: a store that gave once more what the server refuses is left alone,
 * for longer each time, across invocations. At first it is asked as often as a login is tried, later once a second.
 */
export class VainReads {
  #count = 0;
  #lastAt = 0;

  mayRead(): boolean {
    const sinceMs = Date.now() - this.#lastAt;
    // Less than nothing: the clock was set.
    return sinceMs < 0 || sinceMs >= Math.min(longestQuietMs, firstQuietMs * 2 ** this.#count);
  }

  /** After a read of the current value: whether the others are worth one as well. */
  mayReadOthers(): boolean {
    return this.#count <= mostRoundsOfAll || this.#count % laterAllEach === 0;
  }

  /** A read has given something new, or not. */
  note(found: boolean): void {
    const now = Date.now();
    this.#count = found || now - this.#lastAt > forgetAfterMs ? 0 : this.#count + 1;
    this.#lastAt = found ? 0 : now;
  }
}
