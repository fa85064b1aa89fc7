// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { readFileSync } from 'node:fs';
import { applicationName } from './application-name.ts';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** Asked once for each new connection, so that credentials may change while an environment lives. */
  readonly credentials: () => Promise<Credentials>;
  /** The chain and the name are always verified; `ca` (PEM) replaces Node's own authorities. `false`: no TLS. */
  readonly tls: { readonly ca?: string } | false;
  /** At most 63 bytes: PostgreSQL cuts the rest. */
  readonly applicationName: string;
  /** For the whole of address, TCP, TLS and login. Keep it under the function's timeout. */
  readonly connectTimeoutMs: number;
  /** A transaction that asks nothing for this long is given up: its handler will not come back. */
  readonly idleTransactionMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads libpq's variables: PGHOST, PGPORT (5432), PGDATABASE, PGUSER, PGPASSWORD, PGSSLMODE (verify-full, the default,
 * or disable) and PGSSLROOTCERT (a PEM file that replaces the system's authorities, as in libpq).
 *
 * @throws Error with every fault at once
 */
export function settingsFromEnvironment(env: Environment): Settings {
  const required = ['PGHOST', 'PGDATABASE', 'PGUSER', 'PGPASSWORD'];
  const faults = required.filter((name) => !env[name]).map((name) => `${name} is not set`);
  const { PGHOST: host = '', PGDATABASE: database = '', PGUSER: user = '' } = env;
  const port = Number(env.PGPORT || 5432);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) faults.push(`PGPORT=${env.PGPORT} is no port`);
  const tls = readTls(env, faults);
  if (faults.length > 0) throw new Error(`the database settings are incomplete: ${faults.join('; ')}`);
  return {
    host,
    port,
    database,
    credentials: async () => ({ user, password: env.PGPASSWORD ?? '' }),
    tls,
    applicationName: applicationName(env),
    connectTimeoutMs: 5_000,
    idleTransactionMs: 5_000,
  };
}

function readTls(env: Environment, faults: string[]): Settings['tls'] {
  const mode = env.PGSSLMODE || 'verify-full';
  if (mode === 'disable') return false;
  if (mode !== 'verify-full') {
    const why = 'does not verify which server answers';
    faults.push(`PGSSLMODE=${mode} ${why}: use verify-full, with PGSSLROOTCERT for a private CA`);
  }
  const file = env.PGSSLROOTCERT || 'system';
  if (file === 'system') return {};
  try {
    return { ca: readFileSync(file, 'utf8') };
  } catch (error) {
    faults.push(`PGSSLROOTCERT=${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    return {};
  }
}
