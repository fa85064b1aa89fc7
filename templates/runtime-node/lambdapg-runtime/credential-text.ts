// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import type { Credentials } from './credentials.ts';

export function isDatabaseUrl(text: string): boolean {
  return /^postgres(ql)?:\/\//.test(text);
}

/**
 * Reads what a store holds: a URL (`postgres://user:password@host:port/database`, whose options are not read), or JSON
 * with `username` and `password`, and `host`, `port` and `dbname` where the environment does not name them.
 */
export function parseCredentials(text: string): Credentials | undefined {
  const credentials = isDatabaseUrl(text) ? parseUrl(text) : parseJson(text);
  return credentials.user === '' || credentials.password === '' ? undefined : credentials;
}

function parseUrl(text: string): Credentials {
  try {
    const { username, password, hostname, port, pathname } = new URL(text);
    return {
      ...{ user: decodeURIComponent(username), password: decodeURIComponent(password) },
      host: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(port || 5432),
      database: decodeURIComponent(pathname.slice(1)),
    };
  } catch {
    return { user: '', password: '' };
  }
}

function parseJson(text: string): Credentials {
  const { username, password, host, port, dbname } = parseObject(text);
  return {
    ...{ user: textOf(username), password: textOf(password) },
    ...(textOf(host) !== '' && { host: textOf(host) }),
    ...(Number(port) > 0 && { port: Number(port) }),
    ...(textOf(dbname) !== '' && { database: textOf(dbname) }),
  };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The parser's own error would quote what it could not parse: a secret. */
export function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
