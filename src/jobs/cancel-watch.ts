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

/** A short limit, because the end of the job waits for a try that is under way; one that failed is made again. */
const connectTimeoutMs = 3_000;
const againMs = 500;

/**
 * Calls `onCancel` when the run is cancelled. A connection of its own, which nothing waits for: as long as no slot is free the
 * job merely cannot be cancelled.
 *
 * @returns stops it
 */
export function watchForCancel(watched: Watched, onCancel: () => void): () => Promise<void> {
  const stopped = new AbortController();
  const { signal } = stopped;
  const listen = () =>
    withClient(watched.target, { applicationName: nameOf(watched), connectTimeoutMs }, async (client) => {
      client.once('notification', onCancel);
      await client.query(`LISTEN ${channelOf(watched)}`);
      if (!signal.aborted) await once(signal, 'abort');
    });
  const watch = async (): Promise<void> => {
    while (!signal.aborted) {
      await listen().catch(() => sleep(againMs, undefined, { signal }).catch(() => {}));
    }
  };
  const watching = watch();
  return async () => {
    stopped.abort();
    await watching;
  };
}

/** Longer than the first two tries of the run to listen. */
const patience = { looks: 60, everyMs: 150 };

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
