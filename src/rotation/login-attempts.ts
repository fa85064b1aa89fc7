import { Cancelled, errorMessage } from '../errors.ts';
import type { EndpointLogin, StoredVersion } from './observation.ts';
import type { ReadVersion, RotationParts, StoredLogin } from './parts.ts';

/** Equal logins are tried once. */
export class LoginAttempts {
  readonly #parts: RotationParts;
  readonly #print: (login: StoredLogin) => string;
  readonly #tried = new Map<string, Promise<readonly EndpointLogin[]>>();

  constructor(parts: RotationParts, print: (login: StoredLogin) => string) {
    this.#parts = parts;
    this.#print = print;
  }

  direct(login: StoredLogin): Promise<readonly EndpointLogin[]> {
    return this.#once(`direct ${this.#print(login)}`, () => this.#parts.database.logins(login));
  }

  proxied(login: StoredLogin): Promise<readonly EndpointLogin[]> {
    return this.#once(`proxy ${this.#print(login)}`, () => this.#parts.database.proxyLogins(login));
  }

  #once(name: string, attempt: () => Promise<readonly EndpointLogin[]>): Promise<readonly EndpointLogin[]> {
    const known = this.#tried.get(name);
    if (known !== undefined) return known;
    const tried = attempt().catch((error: unknown): readonly EndpointLogin[] => {
      if (error instanceof Cancelled) throw error;
      return [{ endpoint: 'database', login: 'unknown', why: errorMessage(error) }];
    });
    this.#tried.set(name, tried);
    return tried;
  }
}

/** What becomes of a login with a stored value. */
export async function seenVersion(
  { versionId, login, createdAt }: ReadVersion,
  print: (login: StoredLogin) => string,
  attempts: LoginAttempts,
  throughProxy: boolean,
): Promise<StoredVersion> {
  const [logins, proxyLogins] = await Promise.all([
    attempts.direct(login),
    throughProxy ? attempts.proxied(login) : [],
  ]);
  return {
    versionId,
    user: login.user,
    fingerprint: print(login),
    logins,
    proxyLogins,
    ...(login.place !== undefined && { place: login.place }),
    ...(createdAt !== undefined && { createdAt }),
  };
}
