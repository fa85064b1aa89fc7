import { randomUUID } from 'node:crypto';
import type { SessionCount } from '../../src/database/login-sessions.ts';
import type { SessionSeen } from '../../src/rotation/observation.ts';
import type { EndpointLogin, RotationDatabase, StoredLogin } from '../../src/rotation/parts.ts';
import { isSame, type MemorySlot } from './memory-store.ts';

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
