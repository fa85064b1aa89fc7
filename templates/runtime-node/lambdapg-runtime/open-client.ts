// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import pg from 'pg';
import { connectError } from './connect-error.ts';
import type { Counts, CredentialSource, Credentials } from './credentials.ts';
import { renderMetrics } from './metrics.ts';
import { patienceEnds, pauseAfter, withinInvocation } from './patience.ts';
import { isPassing, isRefusedLogin } from './refusal.ts';
import { type Settings, serverOf } from './settings.ts';
import { types } from './types.ts';

/** What is known while one connection is being opened. */
interface Progress {
  readonly known: boolean;
  readonly until: number;
  readonly counts: Counts;
  /** Tried last. */
  credentials?: Credentials;
  /** Why the server refused the last ones that it refused. */
  refusal?: unknown;
}

/**
 * Opens a connection. What fails in passing is tried again for as long as `retryWithinMs` and the invocation allow: a
 * refused password with what else the store holds, a full or starting server with the same login. Nothing but a login was
 * sent, so nothing is done twice.
 *
 * @param known whether there was a connection before
 */
export async function openClient(settings: Settings, known: boolean): Promise<pg.Client> {
  const counts: Counts = { authFailures: 0, fallbacks: 0, refreshes: 0, waits: 0 };
  const progress: Progress = { known, until: patienceEnds(settings.retryWithinMs), counts };
  const startedAt = Date.now();
  let client: pg.Client | undefined;
  try {
    client = await tryAll(settings, progress);
    return client;
  } catch (error) {
    const { credentials, refusal = error } = progress;
    throw connectError(settings, credentials, refusal, refusal === error ? undefined : error);
  } finally {
    if (counts.authFailures + counts.waits > 0) {
      const name = settings.applicationName.split('/')[1] ?? '';
      settings.emitMetrics?.(renderMetrics(counts, Date.now() - startedAt, name, client !== undefined));
    }
  }
}

async function tryAll(settings: Settings, progress: Progress): Promise<pg.Client> {
  for await (const credentials of candidates(settings.credentials, progress)) {
    progress.credentials = credentials;
    try {
      return await waitForTurn(settings, credentials, progress);
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
  { known, until, counts }: Progress,
): Promise<pg.Client> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await logIn(settings, credentials);
    } catch (error) {
      if (!isPassing(error, known)) throw error;
      counts.waits += 1;
      if (!(await pauseAfter(tries, until))) throw error;
    }
  }
}

async function logIn(settings: Settings, credentials: Credentials): Promise<pg.Client> {
  const { tls, applicationName, connectTimeoutMs } = settings;
  const client = new pg.Client({
    ...serverOf(settings, credentials),
    ...{ user: credentials.user, password: credentials.password, types },
    // Of all settings this one alone goes with the login: it pins no session of RDS Proxy, and the proxy takes it.
    application_name: applicationName,
    connectionTimeoutMillis: withinInvocation(connectTimeoutMs),
    keepAlive: true,
    ssl:
      tls === false
        ? false
        : { ...(tls.ca !== undefined && { ca: tls.ca }), rejectUnauthorized: tls.verify ?? true },
  });
  // Without a listener a connection that dies while idle would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    void client.end().catch(() => {});
    throw error;
  }
}
