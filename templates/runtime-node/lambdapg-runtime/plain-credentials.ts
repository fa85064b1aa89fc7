// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { areEqual, type Counts, type CredentialSource, type Credentials } from './credentials.ts';

/**
 * Credentials of the environment's own variables, which stay as they are. With `next`, the ones that a rotation of a single
 * role is about to set: tried when the others are refused, and first from then on.
 */
export function plainCredentials(read: () => Credentials, next?: Credentials): CredentialSource {
  if (next === undefined) return async () => read();
  let nextIsFirst = false;
  async function* others(refused: Credentials, _until: number, counts: Counts): AsyncGenerator<Credentials> {
    const wasFirst = nextIsFirst;
    const other = wasFirst ? read() : (next as Credentials);
    if (areEqual(other, refused)) return;
    nextIsFirst = !wasFirst;
    counts.fallbacks = 1;
    yield other;
    // Nobody comes back here after a login that worked.
    counts.fallbacks = 0;
    nextIsFirst = wasFirst;
  }
  return Object.assign(async () => (nextIsFirst ? next : read()), { others });
}
