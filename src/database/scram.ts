import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto';
import type { Secret } from '../secret.ts';

/** PostgreSQL's own default (`scram_iterations`). */
const iterations = 4096;

/**
 * What PostgreSQL stores for a password under scram-sha-256 (RFC 5802, RFC 7677). It is accepted verbatim by
 * `ALTER ROLE … PASSWORD`, so the password itself never stands in SQL text, logs or pg_stat_statements.
 *
 * @param password printable ASCII: other text would need SASLprep, which clients apply differently
 * @param salt 16 random bytes unless told; give it only to reproduce a known verifier
 * @throws Error when the password is empty or not printable ASCII
 */
export function scramVerifier(password: Secret, salt: Buffer = randomBytes(16)): string {
  const plain = password.reveal();
  if (!/^[\x20-\x7e]+$/.test(plain)) throw new Error('a SCRAM password must be printable ASCII');
  const salted = pbkdf2Sync(plain, salt, iterations, 32, 'sha256');
  const clientKey = createHmac('sha256', salted).update('Client Key').digest();
  const storedKey = createHash('sha256').update(clientKey).digest('base64');
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64');
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}
