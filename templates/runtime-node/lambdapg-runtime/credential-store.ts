// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { areEqual, type Counts, type CredentialSource, type Credentials } from './credentials.ts';
import { pauseAfter } from './patience.ts';

/** Reads one of the values of a store: undefined where there is none, or none that may be read. */
export type ReadValue = () => Promise<Credentials | undefined>;

/** A value that a rotation is about to use stands in the store before the database has it. */
const fallbackRounds = 2;

/** One for each store, for all connections of this execution environment. */
const sources = new Map<string, CredentialSource>();

/**
 * Credentials that are read at the first connection, kept for `maxAgeMs`, and read anew when they were refused.
 *
 * @param key names the store
 * @param read the current value; throws where it cannot be read
 * @param fallbacks other values that a rotation may be about to use, or has just used
 */
export function storedCredentials(
  key: string,
  maxAgeMs: number,
  read: () => Promise<Credentials>,
  fallbacks: readonly ReadValue[] = [],
): CredentialSource {
  const source = sources.get(key) ?? startSource(maxAgeMs, read, fallbacks);
  sources.set(key, source);
  return source;
}

function startSource(
  maxAgeMs: number,
  read: () => Promise<Credentials>,
  fallbacks: readonly ReadValue[],
): CredentialSource {
  let known: { credentials: Credentials; readAt: number } | undefined;
  let reading: Promise<Credentials> | undefined;
  const keep = (credentials: Credentials): Credentials => {
    known = { credentials, readAt: Date.now() };
    return credentials;
  };
  /** One read for all that ask meanwhile. */
  const readCurrent = async (): Promise<Credentials> => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return keep(await reading);
  };

  async function current(): Promise<Credentials> {
    if (known === undefined) return readCurrent();
    const ageMs = Date.now() - known.readAt;
    if (ageMs >= 0 && ageMs < maxAgeMs) return known.credentials;
    const { credentials: old } = known;
    // What cannot be read anew most likely still works; if not, `others` says why it cannot be read.
    return readCurrent().catch(() => keep(old));
  }

  async function* others(refused: Credentials, until: number, counts: Counts): AsyncGenerator<Credentials> {
    const tried = [refused];
    const isNew = (one: Credentials): boolean => !tried.some((other) => areEqual(one, other));
    const readAnew = (): Promise<Credentials> => {
      // Another connection has found them meanwhile.
      if (known !== undefined && isNew(known.credentials)) return Promise.resolve(known.credentials);
      counts.refreshes += 1;
      return readCurrent();
    };
    for (let round = 1; ; round += 1) {
      const value = await readAnew();
      // The same again in later rounds: a rotation may write the store before the database.
      if (round > 1 || isNew(value)) {
        tried.push(value);
        yield value;
      }
      for (const readFallback of round <= fallbackRounds ? fallbacks : []) {
        const fallback = await readFallback().catch(() => undefined);
        if (fallback === undefined || !isNew(fallback)) continue;
        tried.push(fallback);
        counts.fallbacks = 1;
        yield keep(fallback);
        // Nobody comes back here after a login that worked.
        counts.fallbacks = 0;
      }
      if (known !== undefined && !isNew(known.credentials)) known = undefined;
      if (!(await pauseAfter(round, until))) return;
    }
  }
  return Object.assign(current, { others });
}
