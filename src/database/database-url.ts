import { readFile } from 'node:fs/promises';
import { errorMessage, exitCodes, UserError } from '../errors.ts';
import { Secret } from '../secret.ts';
import type { ConnectionTarget } from './target.ts';

const verifiedModes = [null, 'require', 'verify-ca', 'verify-full'] as const;

/**
 * `postgres://user:password@host:5432/database`, also as `postgresql://`.
 *
 * TLS is verified, chain and name, for a URL without `sslmode` and for `require`, `verify-ca` and `verify-full` alike: pg 8.23
 * makes one of these as well, whereas libpq's `require` verifies nothing. `sslrootcert=<file>` adds an authority;
 * `sslmode=disable` goes without TLS.
 *
 * @throws UserError BAD_DATABASE_URL (exit 2), which never quotes the URL: it holds a password
 */
export async function parseDatabaseUrl(url: Secret | string): Promise<ConnectionTarget> {
  const parsed = parseUrl(typeof url === 'string' ? url : url.reveal());
  const database = decode(parsed.pathname.slice(1), 'database');
  const user = decode(parsed.username, 'user');
  if (parsed.hostname === '') throw badUrl('it names no host');
  if (user === '') throw badUrl('it names no user');
  if (database === '') throw badUrl('it names no database');
  return {
    // A URL keeps an IPv6 address in brackets, which no resolver understands.
    host: decode(parsed.hostname, 'host').replace(/^\[(.*)\]$/, '$1'),
    port: parsed.port === '' ? 5432 : Number(parsed.port),
    database,
    user,
    password: new Secret(decode(parsed.password, 'password')),
    tls: await parseTls(parsed.searchParams),
  };
}

function parseUrl(text: string): URL {
  if (!/^postgres(ql)?:\/\//.test(text)) throw badUrl('it does not begin with postgres:// or postgresql://');
  if (!URL.canParse(text))
    throw badUrl('it is no URL; a "/", "#", "?" or "@" in a password must be percent-encoded');
  return new URL(text);
}

function decode(part: string, what: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw badUrl(`its ${what} holds a "%" that begins no percent-encoding`);
  }
}

async function parseTls(parameters: URLSearchParams): Promise<ConnectionTarget['tls']> {
  const mode = parameters.get('sslmode');
  if (mode === 'disable') return false;
  if (!verifiedModes.some((known) => known === mode)) {
    throw badUrl(`its sslmode "${mode}" would talk to any server that answers`, [
      'use sslmode=verify-full, with sslrootcert=<file> for a private authority',
      'or sslmode=disable for a server without TLS',
    ]);
  }
  const file = parameters.get('sslrootcert');
  // libpq's word for the system's authorities, which Node's own stand in for.
  if (file === null || file === 'system') return {};
  try {
    return { ca: await readFile(file, 'utf8') };
  } catch (error) {
    throw badUrl(`its sslrootcert "${file}" cannot be read: ${errorMessage(error)}`);
  }
}

function badUrl(why: string, suggestions: readonly string[] = []): UserError {
  return new UserError('BAD_DATABASE_URL', `the database URL cannot be used: ${why}`, {
    exit: exitCodes.usage,
    suggestions: [...suggestions, 'its form is postgres://user:password@host:5432/database'],
  });
}
