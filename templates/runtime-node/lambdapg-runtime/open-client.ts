// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import type pg from 'pg';
import { connectError } from './connect-error.ts';
import type { Counts, CredentialSource, Credentials } from './credentials.ts';
import { logIn } from './log-in.ts';
import { emitMetrics } from './metrics.ts';
import { patienceEnds, pauseAfter, withinInvocation } from './patience.ts';
import { isPassing, isRefusedLogin } from './refusal.ts';
import type { Settings } from './settings.ts';

export interface Opened {
  readonly client: pg.Client;
  /** What it has logged in with. */
  readonly credentials: Credentials;
}

/** What is known while one connection is being opened. */
interface Progress {
  readonly known: boolean;
  readonly until: number;
  readonly counts: Counts;
  /** Tried last. */
  credentials?: Credentials;
  /** Why the server refused the last ones that it refused; else what kept it busy until the end. */
  refusal?: unknown;
}

/**
 * Opens a connection. What fails in passing is tried again for as long as `retryWithinMs` and the invocation allow: a
 * refused password with what else the store holds, a full or starting server with the same login. Nothing but a login was
 * sent, so nothing is done twice.
 *
 * @param known whether there was a connection before
 */
export async function openClient(settings: Settings, known: boolean): Promise<Opened> {
  const counts: Counts = { authFailures: 0, fallbacks: 0, refreshes: 0, waits: 0, renewals: 0 };
  const progress: Progress = { known, until: patienceEnds(settings.retryWithinMs), counts };
  const startedAt = Date.now();
  let opened: Opened | undefined;
  try {
    opened = await tryAll(settings, progress);
    return opened;
  } catch (error) {
    const { credentials, refusal = error } = progress;
    throw connectError(settings, credentials, refusal, refusal === error ? undefined : error);
  } finally {
    if (counts.authFailures + counts.waits > 0)
      emitMetrics(settings, counts, Date.now() - startedAt, opened !== undefined);
  }
}

async function tryAll(settings: Settings, progress: Progress): Promise<Opened> {
  for await (const credentials of candidates(settings.credentials, progress)) {
    progress.credentials = credentials;
    try {
      return { client: await waitForTurn(settings, credentials, progress), credentials };
    } catch (error) {
      if (!isRefusedLogin(error)) throw error;
      progress.counts.authFailures += 1;
      progress.refusal = error;
    }
  }
  throw progress.refusal;
}

async function* candidates(
  source: CredentialSource,
  { until, counts }: Progress,
): AsyncGenerator<Credentials, void> {
  const first = await source();
  yield first;
  if (source.others !== undefined) yield* source.others(first, until, counts);
}

/** Logs in, and again as long as the server has no free connection or is not ready. */
async function waitForTurn(
  settings: Settings,
  credentials: Credentials,
  progress: Progress,
): Promise<pg.Client> {
  const { until, counts } = progress;
  let busy: unknown;
  for (let tries = 1; ; tries += 1) {
    try {
      return await logIn(settings, credentials, withinInvocation(settings.connectTimeoutMs));
    } catch (error) {
      // A server that said that it was busy is there, whatever became of this try.
      if (!isPassing(error, progress.known || busy !== undefined)) throw error;
      if (isPassing(error, false)) busy = error;
      counts.waits += 1;
      if (await pauseAfter(tries, until)) continue;
      progress.refusal ??= busy;
      throw error;
    }
  }
}
