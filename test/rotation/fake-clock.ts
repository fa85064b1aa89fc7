import type { Clock } from '../../src/rotation/rotate-options.ts';

/** Time that passes only when everybody sleeps: it jumps to the end of the shortest sleep. */
export class FakeClock implements Clock {
  #now: number;
  #sleeping: { readonly at: number; readonly wake: () => void }[] = [];

  constructor(now = 1_800_000_000_000) {
    this.#now = now;
  }

  now = (): number => this.#now;

  sleep = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        this.#sleeping = this.#sleeping.filter((other) => other !== sleeper);
        resolve();
      };
      const sleeper = { at: this.#now + ms, wake };
      this.#sleeping.push(sleeper);
      signal.addEventListener('abort', wake);
      setImmediate(() => this.#advance());
    });

  advance(ms: number): void {
    this.#now += ms;
  }

  #advance(): void {
    const [next] = this.#sleeping.toSorted((a, b) => a.at - b.at);
    if (next === undefined) return;
    this.#now = Math.max(this.#now, next.at);
    next.wake();
  }
}
