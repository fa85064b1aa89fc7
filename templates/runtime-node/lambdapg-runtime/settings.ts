// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { applicationName } from './application-name.ts';
import type { Environment } from './aws-signature.ts';
import type { CredentialSource } from './credentials.ts';
import { iamCredentials } from './iam-token.ts';
import { secretCredentials } from './secret-credentials.ts';
import { readTls, type Tls } from './tls.ts';

export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly credentials: CredentialSource;
  readonly tls: Tls;
  /** At most 63 bytes: PostgreSQL cuts the rest. */
  readonly applicationName: string;
  /** For the whole of address, TCP, TLS and login. Keep it under the function's timeout. */
  readonly connectTimeoutMs: number;
  /** A transaction that asks nothing for this long is given up: its handler will not come back. */
  readonly idleTransactionMs: number;
}

/** What every signature needs; Lambda sets them. The session token is missing only for a person's own key. */
const awsVariables = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] as const;

/**
 * Reads libpq's variables: PGHOST, PGPORT (5432), PGDATABASE, PGUSER, PGPASSWORD, PGSSLMODE (verify-full, the default,
 * or disable) and PGSSLROOTCERT (a PEM file that replaces the system's authorities, as in libpq; from LAMBDA_TASK_ROOT).
 *
 * Instead of PGUSER and PGPASSWORD: LAMBDAPG_SECRET_ARN, a secret of Secrets Manager, JSON with `username` and
 * `password`. Instead of PGPASSWORD: LAMBDAPG_DB_AUTH=iam.
 *
 * @throws Error with every fault at once
 */
export function settingsFromEnvironment(env: Environment): Settings {
  const { PGHOST: host = '', PGDATABASE: database = '' } = env;
  const faults = missing(env, ['PGHOST', 'PGDATABASE']);
  const credentials = chooseCredentials(env, faults);
  const port = Number(env.PGPORT || 5432);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) faults.push(`PGPORT=${env.PGPORT} is no port`);
  const tls = readTls(env, faults);
  if (faults.length > 0) throw new Error(`the database settings are incomplete: ${faults.join('; ')}`);
  return {
    ...{ host, port, database, credentials, tls },
    applicationName: applicationName(env),
    connectTimeoutMs: 5_000,
    idleTransactionMs: 5_000,
  };
}

function chooseCredentials(env: Environment, faults: string[]): CredentialSource {
  const { LAMBDAPG_SECRET_ARN: arn, LAMBDAPG_DB_AUTH: auth } = env;
  if (auth && auth !== 'iam') faults.push(`LAMBDAPG_DB_AUTH=${auth} is unknown: use iam or leave it out`);
  if (auth && arn) faults.push('LAMBDAPG_SECRET_ARN and LAMBDAPG_DB_AUTH exclude each other');
  if (arn) {
    if (!/^arn:[^:]+:secretsmanager:[^:]+:[^:]*:secret:./.test(arn))
      faults.push(`LAMBDAPG_SECRET_ARN=${arn} is no ARN of a secret`);
    faults.push(...missing(env, awsVariables));
    return secretCredentials(env, arn);
  }
  if (auth) {
    faults.push(...missing(env, ['PGUSER', 'AWS_REGION', ...awsVariables]));
    if (env.PGSSLMODE === 'disable') faults.push('PGSSLMODE=disable: IAM authentication needs TLS');
    return iamCredentials(env);
  }
  faults.push(...missing(env, ['PGUSER', 'PGPASSWORD']));
  return async () => ({ user: env.PGUSER ?? '', password: env.PGPASSWORD ?? '' });
}

function missing(env: Environment, names: readonly string[]): string[] {
  return names.filter((name) => !env[name]).map((name) => `${name} is not set`);
}
