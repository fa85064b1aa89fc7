import { lookup } from 'node:dns/promises';
import { rootCertificates } from 'node:tls';
import type { ConnectionTarget } from './target.ts';

export interface LibpqOptions {
  /** Taken after the login. */
  readonly role?: string;
  readonly applicationName: string;
  /** Where the authorities of `libpqAuthorities` were written. */
  readonly caFile: string;
}

/**
 * The variables with which PostgreSQL's own programs reach a target, checking the certificate's chain and name.
 * https://www.postgresql.org/docs/current/libpq-envars.html
 *
 * Holds the password: for the environment of a child process alone, never for its arguments, which every user can see.
 *
 * @throws what the name look-up throws
 */
export async function libpqEnvironment(
  target: ConnectionTarget,
  { role, applicationName, caFile }: LibpqOptions,
): Promise<Record<string, string>> {
  const password = typeof target.password === 'function' ? await target.password() : target.password;
  const name = target.tls === false ? undefined : target.tls.name;
  return {
    // With both, libpq dials the address and checks the certificate against the name.
    PGHOST: name ?? target.host,
    ...(name !== undefined && { PGHOSTADDR: (await lookup(target.host)).address }),
    PGPORT: String(target.port),
    PGDATABASE: target.database,
    PGUSER: target.user,
    PGPASSWORD: password.reveal(),
    PGAPPNAME: applicationName,
    PGCONNECT_TIMEOUT: '10',
    ...sslVariables(target.tls, caFile),
    ...(role !== undefined && { PGOPTIONS: `-c role=${role.replace(/([\\\s])/g, '\\$1')}` }),
  };
}

function sslVariables(tls: ConnectionTarget['tls'], caFile: string): Record<string, string> {
  if (tls === false) return { PGSSLMODE: 'disable' };
  return tls.verify === false
    ? { PGSSLMODE: 'require' }
    : { PGSSLMODE: 'verify-full', PGSSLROOTCERT: caFile };
}

/** PEM. Node's own authorities where the target names none: `sslrootcert=system` needs libpq 16. */
export function libpqAuthorities({ tls }: ConnectionTarget): string {
  if (tls === false) return '';
  return tls.ca ?? rootCertificates.join('\n');
}
