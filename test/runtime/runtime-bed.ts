import { scramVerifier } from '../../src/database/scram.ts';
import { withClient } from '../../src/database/with-client.ts';
import { functionEnvironment } from '../../src/local/function-environment.ts';
import type { LocalPostgres } from '../../src/local/postgres/local-postgres.ts';
import { Secret } from '../../src/secret.ts';
import { startTestPostgres, type TestPostgresOptions } from '../postgres-server.ts';
import { bundleNodeDriver, type Driver, type DriverLanguage, startDriver } from './driver.ts';
import {
  type SecretsEndpoint,
  startSecretsEndpoint,
  testAwsEnvironment,
  testSecretArn,
} from './secrets-endpoint.ts';

/** One metric line of the runtime, without its directive. */
export interface Metrics {
  readonly auth_failures: number;
  readonly fallbacks: number;
  readonly refreshes: number;
  readonly slot_waits: number;
  readonly renewals: number;
  readonly retry_ms: number;
  readonly connect_failures: number;
}

/** A server, an endpoint of AWS, and execution environments of both languages on them. */
export interface RuntimeBed {
  readonly local: LocalPostgres;
  readonly projectDir: string;
  /** Where the server is and whom to trust, without user and password. */
  readonly server: Readonly<Record<string, string>>;
  /** User and password of the first slot, as libpq's variables. */
  readonly login: Readonly<Record<string, string>>;
  readonly endpoint: SecretsEndpoint;
  /** With the server's settings, AWS's and `changed`; metrics are on. */
  start(language: DriverLanguage, changed?: Record<string, string>): Driver;
  admin(sql: string): Promise<Record<string, unknown>[]>;
  changePassword(role: string, password: string): Promise<unknown>;
  /** Ends the sessions of both slots and waits until they are gone. */
  killBackends(): Promise<unknown>;
  /** Stops the environments, and empties the endpoint. */
  reset(): Promise<void>;
  cleanUp(): Promise<void>;
}

export async function startRuntimeBed(options: TestPostgresOptions = {}): Promise<RuntimeBed> {
  const { local, projectDir, cleanUp } = await startTestPostgres(options);
  const nodeDriver = await bundleNodeDriver(projectDir);
  const { PGUSER = '', PGPASSWORD = '', ...server } = await functionEnvironment(local.slots.a, local.caFile);
  const endpoint = await startSecretsEndpoint();
  const drivers: Driver[] = [];
  const admin = (sql: string): Promise<Record<string, unknown>[]> =>
    withClient(local.admin, { applicationName: 'test' }, async (client) => (await client.query(sql)).rows);
  return {
    ...{ local, projectDir, server, login: { PGUSER, PGPASSWORD }, endpoint, admin },
    start(language, changed = {}) {
      const aws = { ...testAwsEnvironment, AWS_ENDPOINT_URL: endpoint.url, LAMBDAPG_METRICS: 'emf' };
      const driver = startDriver(language, nodeDriver, { ...server, ...aws, ...changed });
      drivers.push(driver);
      return driver;
    },
    changePassword: (role, password) =>
      admin(`alter role ${role} password '${scramVerifier(new Secret(password))}'`),
    killBackends: () =>
      admin("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename like 'library\\__'"),
    async reset() {
      await Promise.all(drivers.splice(0).map((driver) => driver.stop()));
      endpoint.asked.length = 0;
      endpoint.instead.length = 0;
      for (const stage of Object.keys(endpoint.stages)) delete endpoint.stages[stage];
    },
    async cleanUp() {
      await endpoint.close();
      await cleanUp();
    },
  };
}

/** The value of a secret as RDS's rotation writes it. */
export const secretOf = (username: string, password: string, more: object = {}): string =>
  JSON.stringify({ username, password, ...more });

export const ofSecret = { LAMBDAPG_SECRET_ARN: testSecretArn };

/** Reads by stage that were asked for: `CURRENT`, `PENDING`, `PREVIOUS`. */
export const stagesAsked = ({ asked }: SecretsEndpoint): string[] =>
  asked.map((one) => String((one as { VersionStage?: string }).VersionStage).replace('AWS', ''));

export const metricsOf = ({ log }: Driver): Metrics[] => log.map((line) => JSON.parse(line) as Metrics);

export const userOf = async (driver: Driver): Promise<unknown> =>
  (await driver.query('select session_user::text as name'))[0]?.name;

export const failureOf = (driver: Driver): Promise<string> =>
  driver.query('select 1').then(
    () => 'no failure',
    (error: unknown) => JSON.stringify(error, Object.getOwnPropertyNames(error)),
  );
