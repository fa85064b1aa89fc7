// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import type { Settings } from './settings.ts';
import { certificateAdvice } from './tls.ts';

/**
 * Why there is no connection: names the server, the login and the reason, and never a password.
 *
 * @param cause keeps its `code`
 * @param more what else went wrong while it was being mended
 */
export function connectError(
  settings: Settings,
  user: string | undefined,
  cause: unknown,
  more?: unknown,
): Error {
  const { host, port, database, tls } = settings;
  const where = `${host}:${port}/${database}${user === undefined ? '' : ` as ${user}`}`;
  const advice = certificateAdvice(cause, host, tls);
  const also = more === undefined ? '' : `; ${messageOf(more)}`;
  const error = new Error(`cannot connect to ${where}: ${messageOf(cause)}${advice}${also}`, { cause });
  const { code } = cause as { code?: string };
  return code === undefined ? error : Object.assign(error, { code });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
