import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Context } from '../../context.ts';
import { exitCodes, UserError } from '../../errors.ts';
import { createServerCertificate } from '../postgres/certificates.ts';
import { pathsIn } from '../postgres/cluster-paths.ts';
import type { ProjectDatabase } from '../project-database.ts';
import { type LocalProxy, startLocalProxy } from './local-proxy.ts';

/** Few, so that a function that pins shows. */
export const defaultProxyConnections = 5;

/**
 * Puts the local proxy before a project's own server, for the functions alone: TLS by the project's authority, the
 * application's login as its only secret.
 *
 * @returns the database with the proxy as the functions' way in
 * @throws UserError NO_LOCAL_PROXY for a server that is not the project's own
 */
export async function useProxy(
  context: Context,
  database: ProjectDatabase,
  maxConnections: number,
): Promise<{ readonly database: ProjectDatabase; readonly proxy: LocalProxy }> {
  const { app, local } = database;
  if (local === undefined) throw noLocalProxy();
  const { caFile, caKeyFile } = pathsIn(dirname(local.caFile));
  const authority = {
    certificate: await readFile(caFile, 'utf8'),
    key: await readFile(caKeyFile, 'utf8'),
  };
  const certificate = await createServerCertificate(authority);
  const password = typeof app.password === 'function' ? await app.password() : app.password;
  const proxy = await startLocalProxy(context, {
    target: app,
    credentials: async (user) => (user === app.user ? { password } : undefined),
    tls: { ...certificate, required: true },
    maxConnections,
  });
  context.report({
    type: 'proxy-ready',
    message: `RDS Proxy (emulated) is ready on ${proxy.host}:${proxy.port}, with at most ${maxConnections} database connection${maxConnections === 1 ? '' : 's'}`,
    port: proxy.port,
    maxConnections,
  });
  return { database: { ...database, app: { ...app, port: proxy.port } }, proxy };
}

function noLocalProxy(): UserError {
  return new UserError(
    'NO_LOCAL_PROXY',
    "--proxy stands before the project's own server, not a --database-url",
    {
      exit: exitCodes.usage,
      suggestions: ['leave --database-url out and LAMBDAPG_DATABASE_URL unset', 'leave --proxy out'],
    },
  );
}
