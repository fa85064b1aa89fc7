import type { Context } from '../context.ts';
import type { ConnectionTarget } from '../database/target.ts';
import { type Client, withClient } from '../database/with-client.ts';

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
  const cancel = (): void => {
    // Without a free connection slot the statement runs to its end; the transaction is still rolled back.
    withClient(target, { applicationName: 'lambdapg cancel' }, async (second) => {
      // A slot is the application's role by setting, and that role may not cancel the slot's sessions.
      await second.query('SET ROLE NONE');
      await second.query('SELECT pg_cancel_backend($1)', [pid]);
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
    context.signal.removeEventListener('abort', cancel);
  }
}
