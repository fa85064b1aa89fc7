import { randomUUID } from 'node:crypto';
import type { Context, ReportEvent } from '../../src/context.ts';
import type { Wish } from '../../src/rotation/decide/decision.ts';

/** A context that keeps what is told. */
export function testContext(signal: AbortSignal = new AbortController().signal): Context & {
  readonly events: ReportEvent[];
} {
  const events: ReportEvent[] = [];
  return {
    cwd: '/',
    env: {},
    signal,
    report: (event) => events.push(event),
    packageDir: '/',
    version: '0.0.0',
    events,
  };
}

/** A rotation that begins now. */
export const wishFor = (wish: Partial<Wish> = {}): Wish => ({
  strategy: 'slots',
  start: randomUUID(),
  rollback: false,
  repair: false,
  acceptWindow: false,
  canary: [5, 50, 100],
  retire: 'scramble',
  terminate: 'idle',
  ...wish,
});

/** As `--resume`: only what is open is finished. */
export function resumeWish(wish: Partial<Wish> = {}): Wish {
  const { start: _start, ...rest } = wishFor(wish);
  return rest;
}
