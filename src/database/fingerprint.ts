import { createHmac } from 'node:crypto';
import type { Secret } from '../secret.ts';

/**
 * Tells equal logins from different ones without giving them away: HMAC-SHA256 of user, NUL and password, the first 16 hex
 * digits. A hash without a key would let anyone who reads a journal try passwords against it.
 */
export function fingerprintOf(
  key: Buffer,
  login: { readonly user: string; readonly password: Secret },
): string {
  return createHmac('sha256', key)
    .update(`${login.user}\0${login.password.reveal()}`)
    .digest('hex')
    .slice(0, 16);
}
