import { errorCode, errorMessage, exitCodes, UserError } from '../errors.ts';
import type { Secret } from '../secret.ts';
import { quoteIdentifier, quoteLiteral } from './identifier.ts';
import { type Lease, verifyLease } from './rotation-lease.ts';
import type { Client } from './with-client.ts';

/** What becomes of a login's password. */
export type PasswordChange =
  /** `verifier`: of `scramVerifier`. The role may then log in for ever. */
  { readonly to: 'verifier'; readonly verifier: Secret } | { readonly to: 'nologin' };

/** Longer than any `ALTER ROLE` of another run takes; a transaction that somebody left open is not waited for. */
const lockTimeout = '5s';

/**
 * Changes the password of a role in one transaction with the check of the lease. Absolute: doing it again does no harm.
 * The statement holds the verifier, from which nobody gets the password of 256 random bits.
 *
 * @throws UserError LEASE_LOST, ROLE_CONFLICT, ROLE_FORBIDDEN, ROLE_MISSING, PASSWORD_REFUSED
 */
export async function changePassword(
  client: Client,
  user: string,
  change: PasswordChange,
  lease: Lease,
  leaseMs: number,
): Promise<void> {
  try {
    await client.query('BEGIN');
    await client.query(`SET LOCAL lock_timeout = '${lockTimeout}'`);
    await verifyLease(client, lease, leaseMs);
    await client.query(`ALTER ROLE ${quoteIdentifier(user)} ${optionsOf(client, user, change)}`);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw explainChangeError(error, user, client.user ?? 'the admin') ?? error;
  }
}

function optionsOf(client: Client, user: string, change: PasswordChange): string {
  if (change.to === 'nologin') return 'NOLOGIN';
  const password = `PASSWORD ${quoteLiteral(change.verifier.reveal())}`;
  // A role may change its own password, and nothing else of itself.
  return user === client.user ? password : `LOGIN ${password} VALID UNTIL 'infinity'`;
}

function explainChangeError(error: unknown, user: string, admin: string): UserError | undefined {
  const code = errorCode(error);
  const text = errorMessage(error);
  if (code === '55P03' || code === '40001' || (code === 'XX000' && text.includes('concurrently'))) {
    return new UserError('ROLE_CONFLICT', `somebody else is changing the role "${user}": ${text}`, {
      exit: exitCodes.temporary,
      suggestions: ['find out who, then lambdapg rotate-creds --resume'],
      cause: error,
    });
  }
  if (code === '42501') return mayNotAlter(user, admin, [], error);
  if (code === '42704') return roleMissing(user);
  if (code === undefined || !/^(22|23|42|0L|2B|28|P0|XX)/.test(code)) return undefined;
  return new UserError('PASSWORD_REFUSED', `the database refuses the new password of "${user}": ${text}`, {
    suggestions: ['an extension may check passwords: read the log of the server'],
    cause: error,
  });
}

export function roleMissing(user: string): UserError {
  return new UserError('ROLE_MISSING', `the database has no role "${user}"`, {
    suggestions: ['lambdapg provision makes the roles of a stage', 'or lambdapg rotate-creds --adopt'],
  });
}

/** @param by who can grant it, as far as is known */
export function mayNotAlter(user: string, admin: string, by: readonly string[], cause?: unknown): UserError {
  const whom =
    by.length === 0 ? 'a superuser, or who made the role' : by.map((name) => `"${name}"`).join(' or ');
  const grant = `GRANT ${quoteIdentifier(user)} TO ${quoteIdentifier(admin)} WITH ADMIN OPTION`;
  return new UserError('ROLE_FORBIDDEN', `"${admin}" may not change the password of "${user}"`, {
    suggestions: [`to be run by ${whom}: ${grant}`],
    ...(cause !== undefined && { cause }),
  });
}
