// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import type { Counts, CredentialSource, Credentials } from './credentials.ts';
import { logIn } from './log-in.ts';
import { emitMetrics } from './metrics.ts';
import type { Opened } from './open-client.ts';
import { spareMs } from './patience.ts';
import { isRefusedLogin } from './refusal.ts';
import { type Settings, serverOf } from './settings.ts';

/** The connection works as it is, so no statement waits longer than this to learn of another login, or to get it. */
const readWithinMs = 1_000;
const logInWithinMs = 2_000;

/**
 * A second connection, where the store has another login by now than the one that is in use. Undefined where it has not,
 * is silent or cannot be read, and where the new login does not work (yet): then the old connection is kept.
 */
export async function renewClient(settings: Settings, held: Credentials): Promise<Opened | undefined> {
  const credentials = await readInTime(settings.credentials);
  if (credentials === undefined || isSameLogin(settings, credentials, held)) return undefined;
  const counts: Counts = { authFailures: 0, fallbacks: 0, refreshes: 1, waits: 0, renewals: 0 };
  const startedAt = Date.now();
  try {
    const client = await logIn(settings, credentials, spareMs(logInWithinMs));
    counts.renewals = 1;
    return { client, credentials };
  } catch (error) {
    counts.authFailures = isRefusedLogin(error) ? 1 : 0;
    return undefined;
  } finally {
    // A connection there is, in any case.
    emitMetrics(settings, counts, Date.now() - startedAt, true);
  }
}

function isSameLogin(settings: Settings, one: Credentials, other: Credentials): boolean {
  if (one.user !== other.user || one.password !== other.password) return false;
  // What the environment names itself does not change with the store.
  return placeOf(settings, one) === placeOf(settings, other);
}

function placeOf(settings: Settings, credentials: Credentials): string {
  try {
    return Object.values(serverOf(settings, credentials)).join(' ');
  } catch {
    return '';
  }
}

async function readInTime(source: CredentialSource): Promise<Credentials | undefined> {
  // Somebody waits for it, or has waited long enough: its answer is known to the next look.
  if (source.store?.isReading()) return undefined;
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, spareMs(readWithinMs), undefined);
  });
  const read = source().catch(() => undefined);
  return Promise.race([read, silence]).finally(() => clearTimeout(timer));
}
