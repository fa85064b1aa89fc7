// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.

/** What is left to a handler when the wait for a connection was in vain: to answer, and to say why. */
const reserveMs = 1_000;
const firstPauseMs = 100;
const longestPauseMs = 1_000;

let invocationEndsAt = 0;

/**
 * Tells how long this invocation may still take, so that waiting for a connection ends in time. To be called first in a
 * handler, with Lambda's context; without it only the settings' `retryWithinMs` counts.
 */
export function startInvocation(context: { getRemainingTimeInMillis(): number }): void {
  // One for all: an environment serves one event at a time.
  invocationEndsAt = Date.now() + context.getRemainingTimeInMillis();
}

/** The moment when waiting that starts now has to end. */
export function patienceEnds(retryWithinMs: number): number {
  return Date.now() + Math.min(retryWithinMs, leftMs());
}

/** As much of a time limit as the invocation has left, but enough for a login to a server that is there. */
export function withinInvocation(limitMs: number): number {
  return Math.min(limitMs, Math.max(leftMs(), reserveMs / 2));
}

/** For what can wait until later: never more than a quarter of what the invocation has left. */
export function spareMs(limitMs: number): number {
  const leftMs = invocationEndsAt - Date.now();
  return leftMs > 0 ? Math.min(limitMs, leftMs / 4) : limitMs;
}

function leftMs(): number {
  const now = Date.now();
  // One that is over belonged to an invocation before this one.
  return invocationEndsAt > now ? invocationEndsAt - reserveMs - now : Number.POSITIVE_INFINITY;
}

/**
 * Waits before the next try: any time up to 100 ms, then 200, 400, 800, 1000 ("full jitter": many environments that
 * failed together do not come back together).
 *
 * @param tries how many there were
 * @returns false, without waiting, where it would take longer than `until`
 */
export async function pauseAfter(tries: number, until: number): Promise<boolean> {
  const pauseMs = Math.random() * Math.min(longestPauseMs, firstPauseMs * 2 ** (tries - 1));
  if (Date.now() + pauseMs > until) return false;
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
  return true;
}
