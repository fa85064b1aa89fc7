import type { Consumer, ConsumerRead, ReadVersion, StoredLogin } from '../../src/rotation/parts.ts';
import { isSame, type MemoryStore } from './memory-store.ts';

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
