import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionTarget } from '../database/target.ts';
import { withClient } from '../database/with-client.ts';

/*
 * Lambda ends no invocation because its caller went away, so a Ctrl-C reaches a job in the runner through the database: the
 * job's invocation listens, a second one notifies.
 */

export interface Watched {
  readonly target: ConnectionTarget;
  /** 16 hex digits. */
  readonly run: string;
}

const nameOf = ({ run }: Watched): string => `lambdapg watch ${run}`;
const channelOf = ({ run }: Watched): string => `lambdapg_cancel_${run}`;

/**
 * Calls `onCancel` when the run is cancelled. A connection of its own, which nothing waits for: without a free slot the job
 * merely cannot be cancelled.
 *
 * @returns stops it
 */
export function watchForCancel(watched: Watched, onCancel: () => void): () => Promise<void> {
  const stopped = new AbortController();
  const watching = withClient(
    watched.target,
    { applicationName: nameOf(watched), connectTimeoutMs: 3_000 },
    async (client) => {
      client.once('notification', onCancel);
      await client.query(`LISTEN ${channelOf(watched)}`);
      if (!stopped.signal.aborted) await once(stopped.signal, 'abort');
    },
  ).catch(() => {});
  return async () => {
    stopped.abort();
    await watching;
  };
}

const patience = { looks: 20, everyMs: 150 };

/** Cancels a run that may have begun a moment ago. @returns false when no such run was seen, as after its end */
export async function cancelRun(watched: Watched): Promise<boolean> {
  return withClient(watched.target, { applicationName: 'lambdapg cancel' }, async (client) => {
    for (let look = 0; look < patience.looks; look += 1) {
      const { rows } = await client.query(
        `SELECT FROM pg_stat_activity WHERE application_name = $1 AND state = 'idle' AND query LIKE 'LISTEN%'`,
        [nameOf(watched)],
      );
      if (rows.length > 0) {
        await client.query(`NOTIFY ${channelOf(watched)}`);
        return true;
      }
      await sleep(patience.everyMs);
    }
    return false;
  });
}
