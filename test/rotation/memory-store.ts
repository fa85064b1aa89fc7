import { randomUUID } from 'node:crypto';
import type {
  CredentialStore,
  ReadVersion,
  SlotStore,
  StoredLogin,
  StoreSeen,
} from '../../src/rotation/parts.ts';
import { Secret } from '../../src/secret.ts';

export const login = (user: string, password: string): StoredLogin => ({
  user,
  password: new Secret(password),
});

export const isSame = (one: StoredLogin | undefined, other: StoredLogin | undefined): boolean =>
  one?.user === other?.user && one?.password.reveal() === other?.password.reveal();

/** Labels on versions, as Secrets Manager moves them. */
export class MemoryStore implements CredentialStore {
  readonly title = 'memory';
  readonly versions = new Map<string, StoredLogin | undefined>();
  current: string | undefined;
  pending: string | undefined;
  previous: string | undefined;

  constructor(first: StoredLogin, versionId: string = randomUUID()) {
    this.versions.set(versionId, first);
    this.current = versionId;
  }

  login(version: string | undefined): StoredLogin | undefined {
    return version === undefined ? undefined : this.versions.get(version);
  }

  async read(): Promise<StoreSeen> {
    const seen = (version: string | undefined): ReadVersion | undefined => {
      const found = this.login(version);
      return found && version !== undefined ? { versionId: version, login: found } : undefined;
    };
    const [current, previous] = [seen(this.current), seen(this.previous)];
    const pending = this.pending === this.current ? undefined : seen(this.pending);
    const isEmpty = this.pending !== undefined && !this.login(this.pending);
    return {
      pendingIsCurrent: this.pending !== undefined && this.pending === this.current,
      ...(current && { current }),
      ...(previous && { previous }),
      ...(pending && { pending }),
      ...(isEmpty && this.pending !== undefined && { emptyPending: this.pending }),
    };
  }

  async unlabelled(): Promise<readonly ReadVersion[]> {
    const labelled = [this.current, this.pending, this.previous];
    return [...this.versions]
      .flatMap(([versionId, value]) => (value === undefined ? [] : [{ versionId, login: value }]))
      .filter(({ versionId }) => !labelled.includes(versionId))
      .reverse();
  }

  async putPending(token: string, value: StoredLogin): Promise<void> {
    if (!this.versions.get(token)) this.versions.set(token, value);
    this.pending = token;
  }

  async promote(to: string, from: string): Promise<void> {
    if (this.current === to) return;
    if (this.current !== from) throw new Error(`AWSCURRENT is on ${this.current}, not on ${from}`);
    this.previous = from;
    this.current = to;
  }

  async clearPending(version: string): Promise<void> {
    if (this.pending === version) this.pending = undefined;
  }
}

/** The secret of a slot, with its history: the proxy sees it later. */
export class MemorySlot implements SlotStore {
  readonly title: string;
  readonly user: string;
  readonly #clock: () => number;
  readonly #values: { readonly at: number; readonly login: StoredLogin }[] = [];

  constructor(clock: () => number, user: string, first?: StoredLogin) {
    this.#clock = clock;
    this.title = `slot ${user}`;
    this.user = user;
    if (first) this.#values.push({ at: 0, login: first });
  }

  valueAt(at: number): StoredLogin | undefined {
    return this.#values.findLast((value) => value.at <= at)?.login;
  }

  async read(): Promise<StoredLogin | undefined> {
    return this.valueAt(Number.POSITIVE_INFINITY);
  }

  async put(value: StoredLogin): Promise<void> {
    this.#values.push({ at: this.#clock(), login: value });
  }
}
