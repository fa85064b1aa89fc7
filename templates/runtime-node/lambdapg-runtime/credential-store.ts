// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { areEqual, type Counts, type CredentialSource, type Credentials } from './credentials.ts';
import { pauseAfter } from './patience.ts';
import { VainReads } from './vain-reads.ts';

/** Reads one of the values of a store: undefined where there is none, or none that may be read. */
export type ReadValue = () => Promise<Credentials | undefined>;

/** Instead of a moment: the next connection asks the store again. */
const refused = 0;

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
  const vain = new VainReads();
  const keep = (credentials: Credentials): Credentials => {
    known = { credentials, readAt: Date.now() };
    return credentials;
  };
  /** One read for all that ask meanwhile. */
  const readAnew = async (): Promise<Credentials> => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return keep(await reading);
  };

  async function current(): Promise<Credentials> {
    if (known === undefined) return readAnew();
    const ageMs = Date.now() - known.readAt;
    if ((ageMs >= 0 && ageMs < maxAgeMs) || !vain.mayRead()) return known.credentials;
    const { credentials: old, readAt } = known;
    // What cannot be read anew most likely still works; if not, `others` says why it cannot be read.
    const value = await readAnew().catch(() => keep(old));
    if (readAt === refused) vain.note(!areEqual(value, old));
    return value;
  }

  async function* others(first: Credentials, until: number, counts: Counts): AsyncGenerator<Credentials> {
    const tried = [first];
    const isNew = (one: Credentials): boolean => !tried.some((other) => areEqual(one, other));
    const isKnownNew = (): boolean => known !== undefined && isNew(known.credentials);
    for (let round = 1; ; round += 1) {
      // Else another connection has found them meanwhile.
      const asks = !isKnownNew() && vain.mayRead();
      if (asks) {
        counts.refreshes += 1;
        await readAnew();
        vain.note(isKnownNew());
      }
      const value = known?.credentials ?? first;
      // The same again in later rounds: a rotation may write the store before the database.
      if (round > 1 || isNew(value)) {
        tried.push(value);
        yield value;
      }
      for (const readFallback of asks && vain.mayReadOthers() ? fallbacks : []) {
        const fallback = await readFallback().catch(() => undefined);
        if (fallback === undefined || !isNew(fallback)) continue;
        tried.push(fallback);
        counts.fallbacks = 1;
        yield keep(fallback);
        // Nobody comes back here after a login that worked.
        counts.fallbacks = 0;
      }
      if (known !== undefined && !isNew(known.credentials)) known.readAt = refused;
      if (!(await pauseAfter(round, until))) return;
    }
  }
  const staleAt = (): number => (known?.readAt ?? refused) + maxAgeMs;
  /** One that has begun already may give what was before. */
  const readPast = async (): Promise<Credentials> => {
    await reading?.catch(() => {});
    return readAnew();
  };
  const isReading = (): boolean => reading !== undefined;
  return Object.assign(current, { others, store: { maxAgeMs, staleAt, isReading, readAnew: readPast } });
}
