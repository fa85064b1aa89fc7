import type { LoginSession } from '../database/login-sessions.ts';
import type { Secret } from '../secret.ts';

/** What a real login came to. `unknown`: nobody answered, or no slot was free; `none`: there is nothing to log in with. */
export type Login = 'ok' | 'bad' | 'unknown' | 'none';

/** A login and what else the store keeps beside it. */
export interface StoredLogin {
  readonly user: string;
  readonly password: Secret;
  /** `host:port/database` where the store names the server; a pending value must name the same as the current one. */
  readonly place?: string;
}

/** One login at one endpoint. */
export interface EndpointLogin {
  /** For people: `writer shop-dev-db.….rds.amazonaws.com:5432`. */
  readonly endpoint: string;
  readonly login: Login;
  /** The server's words, or the network's, when it is not `ok`. Never a secret. */
  readonly why?: string;
}

/** One value of the store, and what became of a login with it. */
export interface StoredVersion {
  readonly versionId: string;
  readonly user: string;
  /** HMAC of user and password, 16 hex digits: equal for equal logins of one project. */
  readonly fingerprint: string;
  readonly place?: string;
  /** Milliseconds since 1970, by the store's clock. */
  readonly createdAt?: number;
  /** At the database's own endpoints: writer and each reader. */
  readonly logins: readonly EndpointLogin[];
  /** Through each proxy endpoint; empty without a proxy. */
  readonly proxyLogins: readonly EndpointLogin[];
}

/** Who holds credentials, and which. */
export interface ConsumerSeen {
  /** Unique, and for people: `function shop-dev-api:live`, `parameter /shop/url`. */
  readonly id: string;
  /**
   * `follows` the store by itself (the connection module, or a cache with a known age); `holds` a copy (environment
   * variables, a parameter, another secret, an execution environment that read once) which has to be changed.
   */
  readonly kind: 'follows' | 'holds';
  /** Fingerprint of what it gets or holds; undefined when that cannot be told. */
  readonly holds: string | undefined;
  /** One-role strategies: fingerprint of the candidate beside it. */
  readonly holdsNext?: string;
  /** One-role strategies: whether it tries AWSPENDING or a NEXT candidate by itself or can be given one. */
  readonly takesNext: boolean;
  /** It can be given a share of the traffic first (a weighted alias). */
  readonly staged: boolean;
  /** What a share of its traffic holds at the moment. */
  readonly added?: {
    readonly holds: string | undefined;
    readonly percent: number;
    readonly soak: Soak;
    /** When it will have been watched long enough. Milliseconds since 1970. */
    readonly untilMs?: number;
  };
  /** `busy`: its change is in progress; the others are explained by `why`. */
  readonly state: 'ready' | 'busy' | 'failed' | 'hidden' | 'unreachable';
  readonly why?: string;
  /** It was asked after the shift and named the current role for a new connection. */
  readonly proved: boolean;
  /** Why nobody can ask it; then only time and sessions prove it. */
  readonly unproved?: string;
  /** Its last answer, when that was no proof; `at` in milliseconds since 1970. */
  readonly refusal?: { readonly detail: string; readonly at: number };
  /** How often this run has shifted it and found it failed. */
  readonly attempts?: number;
  /** After the shift nothing it may still do with the old login takes longer: cache, function timeout. Milliseconds. */
  readonly drainMs: number;
}

/** How a share of the traffic fares. */
export type Soak = 'soaking' | 'good' | 'bad';

/** Behind RDS Proxy: the secret of one slot, which the proxy reads. */
export interface SlotSecretSeen {
  readonly user: string;
  readonly fingerprint: string | undefined;
  /** Of its value at the database itself. */
  readonly login: Login;
}

/** Sessions that have outlived the login of their role, which is dead. */
export interface LeftBehind {
  readonly user: string;
  readonly all: number;
  /** Of the connection runtime, unused for the drain time. */
  readonly unused: number;
}

/** From `pg_stat_activity`. */
export type SessionSeen = LoginSession;

/** All that is known at one moment. Nothing in it is remembered from a step before but `shiftedAt` and soaks. */
export interface Observation {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly current?: StoredVersion;
  /** AWSPENDING when it is on another version than AWSCURRENT. */
  readonly pending?: StoredVersion;
  /** AWSPENDING stands on a version without a value. */
  readonly emptyPending?: string;
  readonly pendingIsCurrent: boolean;
  readonly previous?: StoredVersion;
  /**
   * Values of other roles that no label names and that some endpoint still takes, or may take: somebody has moved the labels by
   * hand, and whoever has read such a value can log in with it.
   */
  readonly unlabelled?: readonly StoredVersion[];
  /** Why nobody can tell whether there are such. */
  readonly unlabelledHidden?: string;
  /** The login names that take turns. */
  readonly slots: { readonly a: string; readonly b: string };
  readonly consumers: readonly ConsumerSeen[];
  /** Present behind RDS Proxy; both slots. */
  readonly slotSecrets?: readonly SlotSecretSeen[];
  /** The proxy has taken the pending (or, without one, the current) login often enough to be believed. */
  readonly proxyReady?: boolean;
  /** Sessions of the previous login that were opened after `shiftedAt` + `drainMs`, or `undefined` where they cannot be seen (behind a proxy). */
  readonly lateSessions?: readonly SessionSeen[];
  /** By role, where there are any that this run has not tried to end. */
  readonly leftBehind?: readonly LeftBehind[];
  /** When everybody was first seen to hold the current login; undefined before, and when nobody remembers. */
  readonly shiftedAt?: number;
  /** One role: when everybody was first seen to have the pending login as a candidate; else as `shiftedAt`. */
  readonly nextAt?: number;
  /** Version whose rotation this project has begun to roll back. */
  readonly rollingBack?: string;
}

/** The worst of several endpoints: `ok` when all are; `bad` when all that answer refuse; else nothing is known yet. */
export function worstLogin(logins: readonly EndpointLogin[]): Login {
  const seen = new Set(logins.map(({ login }) => login));
  if (seen.size === 0) return 'none';
  if (seen.size === 1) return logins[0]?.login ?? 'none';
  if (!seen.has('ok') && seen.has('bad')) return 'bad';
  return 'unknown';
}

export const loginOf = (version: StoredVersion | undefined): Login =>
  version === undefined ? 'none' : worstLogin(version.logins);
