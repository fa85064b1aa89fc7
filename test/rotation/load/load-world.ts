import { join } from 'node:path';
import { scramVerifier } from '../../../src/database/scram.ts';
import type { ConnectionTarget } from '../../../src/database/target.ts';
import { withClient } from '../../../src/database/with-client.ts';
import { functionEnvironment } from '../../../src/local/function-environment.ts';
import { type LocalLambda, startLocalLambda } from '../../../src/local/lambda/local-lambda.ts';
import type { LocalPostgres } from '../../../src/local/postgres/local-postgres.ts';
import type { StoredLogin } from '../../../src/rotation/observation.ts';
import { Secret } from '../../../src/secret.ts';
import { startTestPostgres, type TestPostgresOptions, testContext } from '../../postgres-server.ts';
import {
  type SecretsEndpoint,
  startSecretsEndpoint,
  testAwsEnvironment,
  testSecretArn,
} from '../../runtime/secrets-endpoint.ts';
import type { LoadTarget } from './load.ts';
import { type LoadFunction, localFunction, writeLoadCode } from './load-functions.ts';
import { type LoadProxy, startLoadProxy } from './load-proxy.ts';
import type { Metrics } from './retries.ts';
import { ServedSecret } from './served-secret.ts';

export interface LoadWorldOptions extends TestPostgresOptions {
  readonly functions: readonly LoadFunction[];
  /** How long the connection module keeps a login; 2 s unless told. */
  readonly maxAgeSeconds?: number;
  /** Most environments of each function; what 50 requests a second need, divided by the functions, and some more unless told. */
  readonly environments?: number;
  /** The functions and the rotation go through a pooled endpoint with one secret for each slot. */
  readonly proxied?: boolean;
  /** For all functions. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** A server with the house's roles, a secret that functions read over HTTP, and the functions. */
export interface LoadWorld {
  /** For a replica of it. */
  readonly primary: Awaited<ReturnType<typeof startTestPostgres>>;
  readonly local: LocalPostgres;
  readonly endpoint: SecretsEndpoint;
  readonly secret: ServedSecret;
  readonly lambda: LocalLambda;
  readonly proxy?: LoadProxy;
  /** Most environments of each function. */
  readonly environments: number;
  /** One for each function, by title. */
  target(title: string): LoadTarget;
  readonly targets: readonly LoadTarget[];
  /** Adds a function, or replaces it: its idle environments end, busy ones do after their request. */
  serve(fn: LoadFunction): void;
  admin(sql: string): Promise<Record<string, unknown>[]>;
  changePassword(login: StoredLogin): Promise<unknown>;
  /** Whether that login is accepted now. */
  accepts(login: StoredLogin): Promise<boolean>;
  /** Lines of the connection module's metrics since the last call. */
  takeMetrics(): readonly Metrics[];
  cleanUp(): Promise<void>;
}

export async function startLoadWorld(options: LoadWorldOptions): Promise<LoadWorld> {
  const { functions, maxAgeSeconds = 2, proxied = false, variables = {}, ...postgres } = options;
  const { environments = Math.ceil(42 / functions.length) } = options;
  const settings = { max_connections: '200', ...postgres.settings };
  const primary = await startTestPostgres({ ...postgres, settings });
  const { local, projectDir, cleanUp } = primary;
  const endpoint = await startSecretsEndpoint();
  const { user, password } = local.slots.a;
  const secret = new ServedSecret(endpoint, { user, password: password as Secret });
  const proxy = proxied ? await startLoadProxy(testContext(), local) : undefined;
  const codeDir = join(projectDir, 'load');
  await writeLoadCode(codeDir);
  const environment = {
    ...(await functionEnvironment(proxy?.target ?? local.slots.a, local.caFile)),
    ...{ ...testAwsEnvironment, AWS_ENDPOINT_URL: endpoint.url, LAMBDAPG_SECRET_ARN: testSecretArn },
    ...{ LAMBDAPG_METRICS: 'emf', LAMBDAPG_CREDENTIALS_MAX_AGE_SECONDS: String(maxAgeSeconds) },
    ...variables,
  };
  const metrics: Metrics[] = [];
  const context = testContext({
    report: ({ type, line }) => {
      if (type === 'log' && String(line).startsWith('{"_aws"')) metrics.push(JSON.parse(String(line)));
    },
  });
  const make = (fn: LoadFunction) => localFunction(fn, { codeDir, environment, environments });
  const lambda = await startLocalLambda(context, {
    ...{ preferredPort: 0, concurrency: 200, initLimitMs: 60_000 },
    functions: functions.map(make),
  });
  const target = (title: string): LoadTarget => ({
    title,
    invoke: (payload) => lambda.invoke(title, payload),
  });
  const admin = (sql: string): Promise<Record<string, unknown>[]> =>
    withClient(local.admin, { applicationName: 'test' }, async (client) => (await client.query(sql)).rows);
  return {
    ...{ primary, local, endpoint, secret, lambda, environments, target, admin, ...(proxy && { proxy }) },
    targets: functions.map(({ title }) => target(title)),
    serve: (fn) => lambda.replace(make(fn)),
    changePassword: (login) => admin(`alter role ${login.user} password '${scramVerifier(login.password)}'`),
    accepts: (login) => logsIn({ ...local.slots.a, ...login }),
    takeMetrics: () => metrics.splice(0),
    async cleanUp() {
      await lambda.stop();
      await proxy?.stop();
      await endpoint.close();
      await cleanUp();
    },
  };
}

function logsIn(target: ConnectionTarget): Promise<boolean> {
  return withClient(target, { applicationName: 'test' }, async () => true).catch(() => false);
}

let made = 0;
/** A login with a password that nobody had before. */
export const newLogin = (user: string): StoredLogin => {
  made += 1;
  return { user, password: new Secret(`canary-load-${made}-${Date.now()}`) };
};
