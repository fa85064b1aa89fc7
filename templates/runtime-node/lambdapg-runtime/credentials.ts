// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.

export interface Credentials {
  readonly user: string;
  readonly password: string;
  /** Where the store names the server; the environment's own names come first. */
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
}

export interface CredentialSource {
  /** Asked for each new connection, so that credentials may change while an environment lives. */
  (): Promise<Credentials>;
  /**
   * What else may be right when the server refused them, one after the other until the moment `until`. The one that is
   * accepted is kept for the next connection. Left out where there is nothing else.
   */
  readonly others?: (refused: Credentials, until: number, counts: Counts) => AsyncIterable<Credentials>;
  /** Where the login may change while a connection lives. Not that of IAM: its tokens change and its login does not. */
  readonly store?: CredentialStore;
}

/** What a live connection asks, to follow a login that changes. */
export interface CredentialStore {
  readonly maxAgeMs: number;
  /** From this moment on what is known is too old. Wall clock. */
  staleAt(): number;
  /** Whether an answer is still awaited. */
  isReading(): boolean;
  /** The current value, past what is known. Rejects where it cannot be read. */
  readAnew(): Promise<Credentials>;
}

/** What opening one connection took beyond one login. */
export interface Counts {
  /** Logins that the server refused. */
  authFailures: number;
  /** 1 when the password that worked was not the current one. */
  fallbacks: number;
  /** How often the store was asked again. */
  refreshes: number;
  /** Logins that found no free connection, or a server that was not ready. */
  waits: number;
  /** 1 when a live connection was exchanged because the store's login had changed. */
  renewals: number;
}

export function areEqual(a: Credentials, b: Credentials): boolean {
  return a.user === b.user && a.password === b.password && a.host === b.host && a.port === b.port;
}
