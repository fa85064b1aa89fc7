import { setTimeout as sleepFor } from 'node:timers/promises';
import type { Journal } from './journal.ts';
import type { ReadinessOptions } from './proxy-readiness.ts';

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Ends early, without an error, when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

export interface RotateOptions {
  readonly journal: Journal;
  /** Between two looks while something is waited for; 500 unless told. */
  readonly pollMs?: number;
  /** How long something that has no known end is waited for; 5 minutes unless told. */
  readonly patienceMs?: number;
  /** How long a share of the traffic is watched; 60 s unless told. */
  readonly soakMs?: number;
  /** Errors per call from which on a share does badly; 0.05 unless told. */
  readonly soakErrors?: number;
  readonly proxy?: ReadinessOptions;
  readonly clock?: Clock;
}

export const realClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => sleepFor(ms, undefined, { signal }).catch(() => {}),
};
