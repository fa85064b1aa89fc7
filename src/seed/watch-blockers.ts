import type { Context } from '../context.ts';
import type { ConnectionTarget } from '../database/target.ts';
import { withClient } from '../database/with-client.ts';

/** A session that holds a lock which another one waits for. */
export interface Blocker {
  readonly pid: number;
  readonly application: string;
  readonly user: string;
  /** `idle in transaction`, `active`, … */
  readonly state: string;
  /** How long its transaction has been open. */
  readonly openForSeconds: number;
}

export interface BlockerWatch {
  /** Ends the watch; who blocked the session when it was last looked at. */
  stop(): Promise<readonly Blocker[]>;
}

const blockersSql = `
  SELECT pid, coalesce(application_name, '') AS application, coalesce(usename, '') AS "user", coalesce(state, '') AS state,
         coalesce(extract(epoch FROM clock_timestamp() - xact_start), 0)::int AS "openForSeconds"
    FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids($1)) ORDER BY pid`;

/**
 * Looks every `everyMs` from a connection of its own who blocks the session `pid`, and reports each change. The
 * connection is opened only when the first look is due. After a lock timeout it would be too late to ask.
 */
export function watchBlockers(
  context: Context,
  target: ConnectionTarget,
  pid: number,
  everyMs: number,
): BlockerWatch {
  let found: readonly Blocker[] = [];
  const stopped = new AbortController();
  const look = async (): Promise<void> => {
    if (!(await pause(everyMs, stopped.signal))) return;
    await withClient(target, { applicationName: 'lambdapg lock watch' }, async (client) => {
      do {
        const { rows } = await client.query<Blocker>(blockersSql, [pid]);
        if (rows.length > 0 && key(rows) !== key(found)) reportBlockers(context, rows);
        if (rows.length > 0) found = rows;
      } while (await pause(everyMs, stopped.signal));
    });
  };
  // Only an explanation is lost when no second connection is to be had.
  const looking = look().catch(() => {});
  return {
    async stop() {
      stopped.abort();
      await looking;
      return found;
    },
  };
}

/** `lambdapg tail (pid 12, alice), idle in transaction for 30 s`, for an error or an event. */
export function describeBlocker(blocker: Blocker): string {
  const name = blocker.application === '' ? 'a session' : `"${blocker.application}"`;
  return `${name} (pid ${blocker.pid}, ${blocker.user}), ${blocker.state}, transaction open for ${blocker.openForSeconds} s`;
}

function key(blockers: readonly Blocker[]): string {
  return blockers.map(({ pid, state }) => `${pid} ${state}`).join();
}

function reportBlockers(context: Context, blockers: readonly Blocker[]): void {
  const names = blockers.map(describeBlocker).join('; ');
  context.report({ type: 'lock-waiting', blockers, message: `waits for a lock held by ${names}` });
}

/** False when stopped before the time was over. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return false;
  return new Promise((resolve) => {
    const stop = (): void => {
      clearTimeout(timer);
      resolve(false);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve(true);
    }, milliseconds);
    signal.addEventListener('abort', stop, { once: true });
  });
}
