import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../context.ts';
import type { ConnectionTarget } from '../database/target.ts';
import { type Client, withClient } from '../database/with-client.ts';

/** PostgreSQL forgets a request that finds a session idle. */
const cancelSql = `
  SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND (state IS NULL OR state NOT LIKE 'idle%')`;
const againMs = 100;

/**
 * Runs `work` with the session's backend pid. When `context.signal` is aborted, the running statement is cancelled
 * on the server by a second connection: closing the first alone would let the server finish it.
 *
 * @throws the signal's reason when `work` failed after the abort
 */
export async function cancelOnAbort<T>(
  context: Context,
  target: ConnectionTarget,
  client: Client,
  work: (pid: number) => Promise<T>,
): Promise<T> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const pid = rows[0]?.pid ?? 0;
  let ended = false;
  const cancel = (): void => {
    // Without a free connection slot the statement runs to its end; the transaction is still rolled back.
    withClient(target, { applicationName: 'lambdapg cancel' }, async (second) => {
      // A slot is the application's role by setting, and that role may not cancel the slot's sessions.
      await second.query('SET ROLE NONE');
      // Its statement may be sent and not begun. Once only: what comes after it undoes and records.
      while (!ended && (await second.query(cancelSql, [pid])).rows.length === 0) await sleep(againMs);
    }).catch(() => {});
  };
  context.signal.addEventListener('abort', cancel, { once: true });
  try {
    context.signal.throwIfAborted();
    return await work(pid);
  } catch (error) {
    context.signal.throwIfAborted();
    throw error;
  } finally {
    ended = true;
    context.signal.removeEventListener('abort', cancel);
  }
}
