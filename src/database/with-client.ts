import { checkServerIdentity } from 'node:tls';
import pg from 'pg';
import type { ConnectionTarget } from './target.ts';

/** The subset of pg's `Client` that lambdapg works with. */
export type Client = pg.Client;

export interface ClientOptions {
  /** Shown in `pg_stat_activity`; at most 63 bytes. */
  readonly applicationName: string;
  readonly connectTimeoutMs?: number;
}

/**
 * Opens one connection, lends it to `work`, closes it whatever happens.
 *
 * A connection that dies while idle does not crash the process: the next query on it fails instead.
 *
 * @throws what pg throws, untranslated: see `explainPostgresError`
 */
export async function withClient<T>(
  target: ConnectionTarget,
  options: ClientOptions,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await openClient(target, options);
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

async function openClient(target: ConnectionTarget, options: ClientOptions): Promise<Client> {
  const password = typeof target.password === 'function' ? await target.password() : target.password;
  const client = new pg.Client({
    host: target.host,
    port: target.port,
    database: target.database,
    user: target.user,
    password: password.reveal(),
    application_name: options.applicationName,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 10_000,
    ssl: tlsOptions(target.tls),
  });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/**
 * pg sets `servername` itself, after these options and only for host names, so a different name is checked by
 * `checkServerIdentity`: a `servername` given here would be lost (pg 8.23, lib/connection.js `upgradeToSSL`).
 */
function tlsOptions(tls: ConnectionTarget['tls']): pg.ClientConfig['ssl'] {
  if (tls === false) return false;
  const { ca, name, verify } = tls;
  if (verify === false) return { rejectUnauthorized: false };
  return {
    rejectUnauthorized: true,
    ...(ca !== undefined && { ca }),
    ...(name !== undefined && {
      checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    }),
  };
}
