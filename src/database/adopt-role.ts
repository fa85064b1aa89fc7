import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from '../errors.ts';
import type { Client } from './with-client.ts';

/** The statements of one transaction. */
export type AdoptBatch = readonly string[];

export interface AdoptLimits {
  /** Longest wait for one lock, and so the longest that it holds up a statement of a consumer by waiting. Milliseconds. */
  readonly lockTimeoutMs: number;
  /** All tries for one relation together, of which some are made however late it is. Milliseconds. */
  readonly patienceMs: number;
}

/** The first is half of PostgreSQL's usual `deadlock_timeout`. */
export const usualAdoptLimits: AdoptLimits = { lockTimeoutMs: 500, patienceMs: 60_000 };

/** A computer that slept, or was too busy, has not tried at all meanwhile. */
const leastTries = 5;

/**
 * Carries out what an adoption consists of, each batch in a transaction of its own. A lock that is not to be had is asked for
 * again after a pause, in which consumers go on.
 *
 * @throws pg's DatabaseError; 55P03 when a lock was not to be had in time
 */
export async function runAdoption(
  client: Client,
  batches: readonly AdoptBatch[],
  limits: AdoptLimits,
  signal: AbortSignal,
): Promise<void> {
  const lockTimeoutMs = Math.min(limits.lockTimeoutMs, (await readDeadlockTimeoutMs(client)) / 2);
  for (const batch of batches) {
    const end = Date.now() + limits.patienceMs;
    for (let tries = 1, pauseMs = 100; ; tries += 1, pauseMs = Math.min(pauseMs * 2, 3000)) {
      signal.throwIfAborted();
      try {
        await runBatch(client, batch, lockTimeoutMs);
        break;
      } catch (error) {
        const passing = errorCode(error) === '55P03' || errorCode(error) === '40P01';
        if (!passing || (tries >= leastTries && Date.now() + pauseMs > end)) throw error;
      }
      await sleep(pauseMs * (0.5 + Math.random() / 2));
    }
  }
}

/** Whoever has waited that long looks for a deadlock and ends itself: it is never to be a consumer. */
async function readDeadlockTimeoutMs(client: Client): Promise<number> {
  const { rows } = await client.query<{ ms: number }>(
    `SELECT setting::int AS ms FROM pg_settings WHERE name = 'deadlock_timeout'`,
  );
  return rows[0]?.ms ?? 1_000;
}

async function runBatch(client: Client, statements: AdoptBatch, lockTimeoutMs: number): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(`SET LOCAL lock_timeout = ${Math.round(lockTimeoutMs)}`);
    // As `ensureRoles` takes it: two sessions that change one role end in XX000 for one of them.
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('lambdapg:roles', 0))`);
    for (const statement of statements) await client.query(statement);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
