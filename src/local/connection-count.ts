import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionTarget } from '../database/target.ts';
import { withClient } from '../database/with-client.ts';

/** Counts the open sessions of the functions' logins. */
export interface ConnectionCounter {
  /** Sessions open a moment later, or undefined when the server did not answer. Calls at the same time share one query. */
  count(): Promise<number | undefined>;
  stop(): Promise<void>;
}

/** The count waits, so that it does not compete with a request that follows at once, and one serves a burst of them. */
const settleMs = 50;

/** Keeps one connection of `admin` for counting the sessions of `users`. */
export function startConnectionCounter(admin: ConnectionTarget, users: readonly string[]): ConnectionCounter {
  const stop = new AbortController();
  let ask: () => Promise<number | undefined> = async () => undefined;
  const done = withClient(admin, { applicationName: 'lambdapg dev' }, async (client) => {
    ask = async () => {
      const text = 'select count(*)::int as open from pg_stat_activity where usename = any($1)';
      const { rows } = await client.query<{ open: number }>({ text, values: [users] });
      return rows[0]?.open;
    };
    if (!stop.signal.aborted) await once(stop.signal, 'abort');
  }).catch(() => {});
  let asking: Promise<number | undefined> | undefined;
  return {
    count() {
      asking ??= sleep(settleMs, undefined, { signal: stop.signal })
        .then(() => ask())
        .catch(() => undefined)
        .finally(() => {
          asking = undefined;
        });
      return asking;
    },
    async stop() {
      stop.abort();
      await done;
    },
  };
}
