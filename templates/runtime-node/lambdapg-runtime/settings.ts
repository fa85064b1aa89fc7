// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { applicationName } from './application-name.ts';
import type { Environment } from './aws-signature.ts';
import { chooseCredentials } from './choose-credentials.ts';
import type { CredentialSource, Credentials } from './credentials.ts';
import { explainNoVerify, readTls, type Tls } from './tls.ts';

export interface Settings {
  /** Without it the credentials have to name host, port and database. */
  readonly host?: string;
  readonly port: number;
  readonly database?: string;
  readonly credentials: CredentialSource;
  readonly tls: Tls;
  /** At most 63 bytes: PostgreSQL cuts the rest. */
  readonly applicationName: string;
  /** For the whole of address, TCP, TLS and login. Keep it under the function's timeout. */
  readonly connectTimeoutMs: number;
  /**
   * For how long a login is tried again that has no free connection, finds a server that starts, or a password that a
   * rotation has changed. See also `startInvocation`.
   */
  readonly retryWithinMs: number;
  /** A transaction that asks nothing for this long is given up: its handler will not come back. */
  readonly idleTransactionMs: number;
  /**
   * Is given a line of CloudWatch's embedded metric format for each connection that took more than one login, or another's
   * place.
   */
  readonly emitMetrics?: (line: string) => void;
}

/**
 * Reads libpq's variables: PGHOST, PGPORT (5432), PGDATABASE, PGUSER, PGPASSWORD, PGSSLMODE (verify-full, the default,
 * no-verify or disable) and PGSSLROOTCERT (a PEM file that replaces the system's authorities, as in libpq; from
 * LAMBDA_TASK_ROOT).
 *
 * Instead of PGUSER and PGPASSWORD one of: LAMBDAPG_SECRET_ARN (Secrets Manager), LAMBDAPG_SECRET_PARAMETER (Systems
 * Manager), LAMBDAPG_HEROKU_ADDON with LAMBDAPG_HEROKU_KEY_ARN, DATABASE_URL. They may name the server, too, where PGHOST
 * does not. Instead of PGPASSWORD: LAMBDAPG_DB_AUTH=iam. What is read is kept for LAMBDAPG_CREDENTIALS_MAX_AGE_SECONDS
 * (300; from Heroku 3600), by new connections and by the one that is open. PGPASSWORD_NEXT and DATABASE_URL_NEXT are tried
 * when PGPASSWORD or DATABASE_URL is refused. LAMBDAPG_METRICS=emf writes metrics to the log.
 *
 * @throws Error with every fault at once
 */
export function settingsFromEnvironment(env: Environment): Settings {
  const { PGHOST: host, PGDATABASE: database, LAMBDAPG_METRICS: metrics } = env;
  const faults: string[] = [];
  const credentials = chooseCredentials(env, faults);
  const port = Number(env.PGPORT || 5432);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) faults.push(`PGPORT=${env.PGPORT} is no port`);
  const tls = readTls(env, faults);
  if (metrics && metrics !== 'emf')
    faults.push(`LAMBDAPG_METRICS=${metrics} is unknown: use emf or leave it out`);
  if (faults.length > 0) throw new Error(`the database settings are incomplete: ${faults.join('; ')}`);
  return {
    ...(host && { host }),
    port,
    ...(database && { database }),
    ...{ credentials, tls },
    applicationName: applicationName(env),
    connectTimeoutMs: 5_000,
    retryWithinMs: 10_000,
    idleTransactionMs: 5_000,
    // Not console.log, which Lambda wraps where the log format is JSON.
    ...(metrics && { emitMetrics: (line: string) => void process.stdout.write(`${line}\n`) }),
  };
}

/** The same variables for reads: PGHOST_READER, where there is one, stands for PGHOST. */
export function readerEnvironment(env: Environment): Environment {
  return env.PGHOST_READER ? { ...env, PGHOST: env.PGHOST_READER } : env;
}

export interface Server {
  readonly host: string;
  readonly port: number;
  readonly database: string;
}

/** Where to log in: what the environment names comes first. @throws Error where nobody names it, or it must be verified */
export function serverOf(settings: Settings, credentials: Credentials): Server {
  const host = settings.host ?? credentials.host;
  const database = settings.database ?? credentials.database;
  if (!host) throw new Error('PGHOST is not set, and the credentials name no host');
  if (!database) throw new Error('PGDATABASE is not set, and the credentials name no database');
  const fault = explainNoVerify(host, settings.tls);
  if (fault !== undefined) throw new Error(fault);
  const port = settings.host === undefined ? credentials.port : undefined;
  return { host, port: port ?? settings.port, database };
}
