import type { ConnectionTarget } from '../database/target.ts';

/**
 * The environment variables that tell a function where its database is: libpq's own names, never a URL. The password is
 * that of the local database alone.
 */
export async function functionEnvironment(
  target: ConnectionTarget,
  caFile: string | undefined,
): Promise<Record<string, string>> {
  const password = typeof target.password === 'function' ? await target.password() : target.password;
  return {
    PGHOST: target.host,
    PGPORT: String(target.port),
    PGDATABASE: target.database,
    PGUSER: target.user,
    PGPASSWORD: password.reveal(),
    PGSSLMODE: target.tls === false ? 'disable' : 'verify-full',
    ...(caFile !== undefined && { PGSSLROOTCERT: caFile }),
  };
}
