// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import pg from 'pg';
import type { Credentials } from './credentials.ts';
import { type Settings, serverOf } from './settings.ts';
import { types } from './types.ts';

/** Opens one connection, by one try. @param withinMs for the whole of address, TCP, TLS and login */
export async function logIn(
  settings: Settings,
  credentials: Credentials,
  withinMs: number,
): Promise<pg.Client> {
  const { tls, applicationName } = settings;
  const client = new pg.Client({
    ...serverOf(settings, credentials),
    ...{ user: credentials.user, password: credentials.password, types },
    // Of all settings this one alone goes with the login: it pins no session of RDS Proxy, and the proxy takes it.
    application_name: applicationName,
    connectionTimeoutMillis: withinMs,
    keepAlive: true,
    ssl:
      tls === false
        ? false
        : { ...(tls.ca !== undefined && { ca: tls.ca }), rejectUnauthorized: tls.verify ?? true },
  });
  // Without a listener a connection that dies while idle would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    void client.end().catch(() => {});
    throw error;
  }
}
