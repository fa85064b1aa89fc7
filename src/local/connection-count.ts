import { once } from 'node:events';
import type { ConnectionTarget } from '../database/target.ts';
import { withClient } from '../database/with-client.ts';

/** Counts the open sessions of the functions' logins. */
export interface ConnectionCounter {
  /** Sessions open now, or undefined when the server did not answer. Calls at the same time share one query. */
  count(): Promise<number | undefined>;
  stop(): Promise<void>;
}

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
      asking ??= ask()
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
