// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.

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
  return codeOf(error) === '28P01' || says(error, refusals);
}

/** No free connection (53300); the server starts, stops or recovers (57P03). */
const busyCodes = ['53300', '57P03'];
const busyTexts = [
  // RDS Proxy's borrow timeout, under whatever code; PgBouncer's limit of clients.
  /timed-out waiting to acquire database connection/i,
  /no more connections allowed/,
];
/** A server that answered before and now does not listen, hangs up or is silent: it is being restarted or replaced. */
const goneCodes = [
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOTFOUND', 'EAI_AGAIN'],
  ...['57P01', '57P02'],
];
/** pg's own errors, which have no code. */
const goneTexts = [/^Connection terminated/, /^timeout expired$/];

/**
 * Whether the same login may work in a moment. Nothing was sent but the login, so to try again is safe.
 *
 * @param known whether this address was ever logged in to: a wrong one is told at once
 */
export function isPassing(error: unknown, known: boolean): boolean {
  if (busyCodes.includes(codeOf(error)) || says(error, busyTexts)) return true;
  return known && (goneCodes.includes(codeOf(error)) || says(error, goneTexts));
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | undefined)?.code ?? '');
}

function says(error: unknown, texts: readonly RegExp[]): boolean {
  return error instanceof Error && texts.some((text) => text.test(error.message));
}
