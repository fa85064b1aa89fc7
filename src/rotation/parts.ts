import type { SessionCount } from '../database/login-sessions.ts';
import type { Retirement } from './decide/decision.ts';
import type { ConsumerSeen, EndpointLogin, Login, SessionSeen, StoredLogin } from './observation.ts';

/*
 * What a rotation is made of. Providers make the stores and the consumers, `database.ts` the database; tests and
 * `--rehearse` make them in memory.
 */

export interface ReadVersion {
  readonly versionId: string;
  readonly login: StoredLogin;
  /** Milliseconds since 1970. */
  readonly createdAt?: number;
}

/** The labels of a store and what they stand on. */
export interface StoreSeen {
  readonly current?: ReadVersion;
  /** On another version than `current`. */
  readonly pending?: ReadVersion;
  readonly emptyPending?: string;
  readonly pendingIsCurrent: boolean;
  readonly previous?: ReadVersion;
}

/** Where consumers find the current login. Every call may be repeated. */
export interface CredentialStore {
  /** `secret shop-dev/active`. */
  readonly title: string;
  /** @throws UserError BAD_SECRET and its like when a value cannot be read as a login */
  read(): Promise<StoreSeen>;
  /** Keeps what else the current value holds. Nothing changes when `token` has a value already. */
  putPending(token: string, login: StoredLogin): Promise<void>;
  /** Moves AWSCURRENT; AWSPREVIOUS then stands on `from`. @throws when AWSCURRENT is not on `from` (unless it is on `to`) */
  promote(to: string, from: string): Promise<void>;
  clearPending(version: string): Promise<void>;
  /**
   * The latest values that have lost every label and can still be read, for logins that outlive their label. Absent: a value
   * without a label is gone. @returns why they cannot be seen, where that is so
   */
  unlabelled?(): Promise<readonly ReadVersion[] | string>;
}

/** Behind RDS Proxy: the secret of one slot. */
export interface SlotStore {
  readonly title: string;
  readonly user: string;
  read(): Promise<StoredLogin | undefined>;
  put(login: StoredLogin): Promise<void>;
}

/** One that holds or follows the login. `version`: what it is to hold. */
export interface Consumer {
  readonly id: string;
  /** @param known what is stored now, to recognise what it holds */
  read(known: StoreSeen): Promise<ConsumerRead>;
  /** Absent for one that follows by itself. `percent` 0 takes an added share back. */
  shift?(to: ReadVersion, percent: number): Promise<void>;
  giveNext?(next: ReadVersion | undefined): Promise<void>;
  /**
   * Before a rotation begins: what a shift would do that nobody asked for. @returns warnings
   * @throws UserError CONSUMER_DRIFTED and its like, with what to do first
   */
  verify?(known: StoreSeen): Promise<readonly string[]>;
  /** Asks it for a new connection; absent where it cannot be asked, which `unproved` explains. */
  prove?(): Promise<Proof>;
  /** Why nobody can ask it (a copy in a parameter, a function that must not be invoked). */
  readonly unproved?: string;
}

/** `holds` as the login itself, for the fingerprint; proofs and soaks of earlier runs are the loop's. */
export interface ConsumerRead
  extends Pick<ConsumerSeen, 'kind' | 'takesNext' | 'staged' | 'state' | 'why' | 'drainMs'> {
  readonly holds: StoredLogin | undefined;
  readonly next?: StoredLogin;
  readonly added?: {
    readonly holds: StoredLogin | undefined;
    readonly percent: number;
    /** Since `sinceMs` (milliseconds since 1970): calls and errors of that share, as far as they are known. */
    measure(sinceMs: number): Promise<{ readonly calls: number; readonly errors: number }>;
  };
}

export interface Proof {
  readonly ok: boolean;
  /** `session_user` of the connection that was opened for this. */
  readonly user?: string;
  /** In words: what it answered, or why not. */
  readonly detail: string;
}

/** The database with all its endpoints; SQL effects run under the lease, in one transaction with its check. */
export interface RotationDatabase {
  /** Before an effect that is not in SQL, where the lease is checked with the effect. @throws UserError LEASE_LOST */
  verifyLease?(): Promise<void>;
  /** Logs in at every endpoint of the database itself, and does a harmless query as the application does. */
  logins(login: StoredLogin): Promise<readonly EndpointLogin[]>;
  /** The same through every proxy endpoint. */
  proxyLogins(login: StoredLogin): Promise<readonly EndpointLogin[]>;
  /** LOGIN, the verifier of the password, VALID UNTIL infinity. @throws UserError LEASE_LOST, ROLE_CONFLICT */
  setPassword(login: StoredLogin): Promise<void>;
  /** Nobody can log in as `user` any more; its sessions go on. @throws UserError LEASE_LOST */
  retire(user: string, how: Exclude<Retirement, 'keep'>): Promise<void>;
  /** How many sessions of a login name there are; undefined where they are not the consumers' own (behind a proxy). */
  countSessions(user: string, unusedMs: number): Promise<SessionCount | undefined>;
  /**
   * Ends sessions of a login name; what cannot be ended is told.
   *
   * @param unusedMs only those of the connection runtime that are idle since so long; all without it
   * @returns how many were ended
   * @throws UserError LEASE_LOST
   */
  endSessions(user: string, unusedMs?: number): Promise<number>;
  /** Sessions of a login name; undefined where they are not the consumers' own (behind a proxy). */
  sessions(user: string): Promise<readonly SessionSeen[] | undefined>;
  /** Milliseconds since 1970 by the database's clock, for comparing with sessions. */
  now(): Promise<number>;
}

export type { EndpointLogin, Login, StoredLogin };

/** What a rotation is carried out on. */
export interface RotationParts {
  /** `shop-dev`: names the lease and the journal. */
  readonly id: string;
  readonly store: CredentialStore;
  /** Both slots, behind a proxy. */
  readonly slotStores?: readonly SlotStore[];
  readonly slots: { readonly a: string; readonly b: string };
  readonly database: RotationDatabase;
  readonly consumers: readonly Consumer[];
}
