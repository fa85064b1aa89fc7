// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import type { Credentials } from './credentials.ts';
import type { Settings } from './settings.ts';
import { certificateAdvice } from './tls.ts';

/**
 * Why there is no connection: names the server, the login and the reason, and never a password.
 *
 * @param credentials the last ones, where there were any
 * @param cause keeps its `code`
 * @param more what else went wrong while it was being mended
 */
export function connectError(
  settings: Settings,
  credentials: Credentials | undefined,
  cause: unknown,
  more?: unknown,
): Error {
  const host = settings.host ?? credentials?.host;
  const port = (settings.host === undefined ? credentials?.port : undefined) ?? settings.port;
  const database = settings.database ?? credentials?.database ?? '';
  const where = host === undefined ? 'the database' : `${host}:${port}/${database}`;
  const who = credentials === undefined ? '' : ` as ${credentials.user}`;
  const advice = certificateAdvice(cause, host ?? '', settings.tls);
  const also = more === undefined ? '' : `; ${messageOf(more)}`;
  const error = new Error(`cannot connect to ${where}${who}: ${messageOf(cause)}${advice}${also}`, { cause });
  const { code } = cause as { code?: string };
  return code === undefined ? error : Object.assign(error, { code });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
