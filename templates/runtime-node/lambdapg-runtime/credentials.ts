// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/**
 * Asked once for each new connection, so that credentials may change while an environment lives; and once more, with
 * the credentials that the server `refused`: the login is tried again if the answer differs from them.
 */
export type CredentialSource = (refused?: Credentials) => Promise<Credentials>;

/** What RDS Proxy says instead of PostgreSQL, under whatever code (docs.aws.amazon.com, rds-proxy.troubleshooting). */
const refusals = [
  /is not permitted to log in/,
  /RDS proxy has no credentials for the role/i,
  /password that was provided for the role .* is wrong/i,
];

/**
 * Whether the server refused this user or password, so that others may help. Never for want of a free connection or
 * for a setting: 28000 is also a server that refuses connections without TLS (`no pg_hba.conf entry`).
 */
export function isRefusedLogin(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  return code === '28P01' || refusals.some((text) => text.test(error.message));
}

export function areEqual(a: Credentials, b: Credentials): boolean {
  return a.user === b.user && a.password === b.password;
}
