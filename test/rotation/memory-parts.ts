import { randomUUID } from 'node:crypto';
import type { SessionCount } from '../../src/database/login-sessions.ts';
import type { SessionSeen } from '../../src/rotation/observation.ts';
import type {
  Consumer,
  ConsumerRead,
  CredentialStore,
  EndpointLogin,
  ReadVersion,
  RotationDatabase,
  RotationParts,
  SlotStore,
  StoredLogin,
  StoreSeen,
} from '../../src/rotation/parts.ts';
import { Secret } from '../../src/secret.ts';

export const login = (user: string, password: string): StoredLogin => ({
  user,
  password: new Secret(password),
});

const isSame = (one: StoredLogin | undefined, other: StoredLogin | undefined): boolean =>
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

export interface MemoryEndpoint {
  readonly title: string;
  /** How far it is behind. */
  lagMs: number;
  /** Nobody answers. */
  isDown?: boolean;
}

/** Roles with passwords, and endpoints that see each change later. */
export class MemoryDatabase implements RotationDatabase {
  readonly #clock: () => number;
  readonly #changes: { readonly at: number; readonly user: string; readonly password: string | undefined }[] =
    [];
  readonly endpoints: MemoryEndpoint[];
  readonly proxyEndpoints: MemoryEndpoint[] = [];
  /** What the proxy logs in with, by its slots' secrets. */
  readonly proxySecrets: MemorySlot[] = [];
  open: SessionSeen[] = [];
  /** By their pid. */
  readonly ended: number[] = [];

  constructor(clock: () => number, endpoints: MemoryEndpoint[] = [{ title: 'writer', lagMs: 0 }]) {
    this.#clock = clock;
    this.endpoints = endpoints;
  }

  /** Undefined: nobody can log in. */
  change(user: string, password: string | undefined, at = this.#clock()): void {
    this.#changes.push({ at, user, password });
  }

  passwordOf(user: string, lagMs = 0): string | undefined {
    const until = this.#clock() - lagMs;
    return this.#changes.findLast((change) => change.user === user && change.at <= until)?.password;
  }

  accepts({ user, password }: StoredLogin, lagMs = 0): boolean {
    return this.passwordOf(user, lagMs) === password.reveal();
  }

  /** Every endpoint that refuses that login now, the proxy's for what comes through it. */
  refusing(value: StoredLogin): string[] {
    const direct = this.endpoints.filter((at) => !this.accepts(value, at.lagMs));
    const proxied = this.proxyEndpoints.filter((at) => !this.acceptsAtProxy(value, at.lagMs));
    return [...direct, ...proxied].map(({ title }) => title);
  }

  acceptsAtProxy(value: StoredLogin, lagMs: number): boolean {
    const known = this.proxySecrets.find(({ user }) => user === value.user)?.valueAt(this.#clock() - lagMs);
    return isSame(known, value) && known !== undefined && this.accepts(known);
  }

  async logins(value: StoredLogin): Promise<readonly EndpointLogin[]> {
    return this.endpoints.map(({ title, lagMs, isDown }) => {
      if (isDown) return { endpoint: title, login: 'unknown', why: 'nobody answers' };
      return this.accepts(value, lagMs)
        ? { endpoint: title, login: 'ok' }
        : { endpoint: title, login: 'bad', why: `password authentication failed for user "${value.user}"` };
    });
  }

  async proxyLogins(value: StoredLogin): Promise<readonly EndpointLogin[]> {
    return this.proxyEndpoints.map(({ title, lagMs }) => ({
      endpoint: title,
      login: this.acceptsAtProxy(value, lagMs) ? 'ok' : 'bad',
    }));
  }

  async setPassword({ user, password }: StoredLogin): Promise<void> {
    this.change(user, password.reveal());
  }

  async retire(user: string, how: string): Promise<void> {
    this.change(user, how === 'nologin' ? undefined : randomUUID());
  }

  async countSessions(user: string, unusedMs: number): Promise<SessionCount | undefined> {
    if (this.proxyEndpoints.length > 0) return undefined;
    return { all: this.#toEnd(user).length, unused: this.#toEnd(user, unusedMs).length };
  }

  async endSessions(user: string, unusedMs?: number): Promise<number> {
    const ended = this.#toEnd(user, unusedMs);
    this.open = this.open.filter((session) => !ended.includes(session));
    this.ended.push(...ended.map(({ pid }) => pid));
    return ended.length;
  }

  #toEnd(user: string, unusedMs?: number): SessionSeen[] {
    const isUnused = ({ state, application, changedAt }: SessionSeen): boolean =>
      unusedMs === undefined ||
      (state === 'idle' && application.startsWith('lpg/') && changedAt < this.#clock() - unusedMs);
    return this.open.filter((session) => session.user === user && isUnused(session));
  }

  async sessions(user: string): Promise<readonly SessionSeen[] | undefined> {
    if (this.proxyEndpoints.length > 0) return undefined;
    return this.open.filter((session) => session.user === user);
  }

  async now(): Promise<number> {
    return this.#clock();
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

export interface MemoryConsumerOptions {
  readonly id: string;
  readonly kind?: 'follows' | 'holds';
  readonly staged?: boolean;
  readonly takesNext?: boolean;
  /** How long it may use what it no longer has; 1000 unless told. */
  readonly drainMs?: number;
  readonly unproved?: string;
}

/** One that holds, or follows, and remembers what it may still present. */
export class MemoryConsumer implements Consumer {
  readonly id: string;
  readonly unproved?: string;
  readonly kind: 'follows' | 'holds';
  readonly staged: boolean;
  readonly takesNext: boolean;
  readonly drainMs: number;
  readonly #clock: () => number;
  readonly #store: MemoryStore;
  /** What it has held, with the time at which it gave it up. */
  #former: { readonly login: StoredLogin; readonly until: number; readonly nexts: readonly StoredLogin[] }[] =
    [];
  holds: StoredLogin | undefined;
  next: StoredLogin | undefined;
  added: { login: StoredLogin; percent: number; since: number } | undefined;
  state: ConsumerRead['state'] = 'ready';
  why: string | undefined;
  /** Of the share: calls and errors. */
  share = { calls: 100, errors: 0 };
  shifts = 0;

  constructor(clock: () => number, store: MemoryStore, options: MemoryConsumerOptions) {
    this.#clock = clock;
    this.#store = store;
    this.id = options.id;
    this.kind = options.kind ?? 'follows';
    this.staged = options.staged ?? false;
    this.takesNext = options.takesNext ?? true;
    this.drainMs = options.drainMs ?? 1_000;
    if (options.unproved !== undefined) this.unproved = options.unproved;
    if (this.kind === 'holds') this.holds = store.login(store.current);
    else this.#follow();
  }

  /** A follower's login changes by itself; has to be called after every change of the store. */
  #follow(): void {
    if (this.kind !== 'follows') return;
    const now = this.#store.login(this.#store.current);
    if (isSame(now, this.holds)) return;
    this.#leave(this.holds);
    this.holds = now;
  }

  #leave(value: StoredLogin | undefined): void {
    const nexts = this.next === undefined ? [] : [this.next];
    if (value) this.#former.push({ login: value, until: this.#clock(), nexts });
  }

  /** Sets of candidates that it may use now: each set has to hold one that works. */
  candidates(): StoredLogin[][] {
    this.#follow();
    const pending = this.#store.login(this.#store.pending);
    const current = this.#store.login(this.#store.current);
    const fromStore = [current, this.takesNext ? pending : undefined].filter((value) => value !== undefined);
    const own = this.kind === 'follows' ? (this.takesNext ? fromStore : []) : this.next ? [this.next] : [];
    const former = this.#former
      .filter(({ until }) => this.#clock() - until < this.drainMs)
      .map(({ login: value, nexts }) => [value, ...(this.kind === 'follows' ? own : nexts)]);
    const present = this.holds ? [[this.holds, ...own]] : [];
    return [...former, ...present, ...(this.added ? [[this.added.login]] : [])];
  }

  async read(): Promise<ConsumerRead> {
    this.#follow();
    const { kind, staged, takesNext, drainMs, state, why, holds, next, added } = this;
    const measure = async () => this.share;
    return {
      kind,
      staged,
      takesNext,
      drainMs,
      state,
      holds,
      ...(why !== undefined && { why }),
      ...(next && { next }),
      ...(added && { added: { holds: added.login, percent: added.percent, measure } }),
    };
  }

  shift = async ({ login: value }: ReadVersion, percent: number): Promise<void> => {
    this.shifts += 1;
    if (this.added) this.#leave(this.added.login);
    this.added = undefined;
    if (percent === 0) return;
    if (percent < 100) {
      this.added = { login: value, percent, since: this.#clock() };
      return;
    }
    if (isSame(this.holds, value)) return;
    this.#leave(this.holds);
    this.holds = value;
  };

  giveNext = async (next: ReadVersion | undefined): Promise<void> => {
    // Environments that began without the candidate are still at work for a while.
    this.#leave(this.holds);
    this.next = next?.login;
  };

  prove = async () => ({ ok: true, detail: 'it answered', ...(this.holds && { user: this.holds.user }) });
}

export interface MemoryWorldOptions {
  readonly clock: () => number;
  readonly consumers?: readonly MemoryConsumerOptions[];
  readonly endpoints?: MemoryEndpoint[];
  readonly withProxy?: boolean;
  /** Who is current; slot a unless told. */
  readonly user?: string;
  /** Instead of the one in memory. */
  readonly database?: RotationDatabase;
}

/** A store, a database, slots and consumers in memory, about to be rotated: slot a is current, slot b has no password. */
export class MemoryWorld {
  readonly store: MemoryStore;
  readonly database: MemoryDatabase;
  readonly consumers: readonly MemoryConsumer[];
  readonly slotStores: readonly MemorySlot[];
  readonly parts: RotationParts;

  constructor(options: MemoryWorldOptions) {
    const { clock, user = 'shop_a', consumers = [{ id: 'function api' }] } = options;
    const first = login(user, 'first password');
    this.store = new MemoryStore(first);
    this.database = new MemoryDatabase(clock, options.endpoints);
    this.database.change(user, 'first password', 0);
    this.consumers = consumers.map((consumer) => new MemoryConsumer(clock, this.store, consumer));
    this.slotStores = options.withProxy
      ? [
          new MemorySlot(clock, 'shop_a', user === 'shop_a' ? first : undefined),
          new MemorySlot(clock, 'shop_b'),
        ]
      : [];
    if (options.withProxy) {
      this.database.proxyEndpoints.push({ title: 'proxy', lagMs: 0 });
      this.database.proxySecrets.push(...this.slotStores);
    }
    this.parts = {
      id: 'shop-dev',
      store: this.store,
      slots: { a: 'shop_a', b: 'shop_b' },
      database: options.database ?? this.database,
      consumers: this.consumers,
      ...(options.withProxy && { slotStores: this.slotStores }),
    };
  }

  /** Logins that a consumer may use now and that some endpoint refuses: each is a failed request. */
  violations(): string[] {
    return this.consumers.flatMap((consumer) =>
      consumer
        .candidates()
        .filter((candidates) => {
          const endpoints = [...this.database.endpoints, ...this.database.proxyEndpoints];
          return endpoints.some(({ title }) =>
            candidates.every((candidate) => this.database.refusing(candidate).includes(title)),
          );
        })
        .map((candidates) => `${consumer.id}: ${candidates.map(({ user }) => user).join(', ')}`),
    );
  }
}
