import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { scramVerifier } from '../../src/database/scram.ts';
import { withClient } from '../../src/database/with-client.ts';
import { functionEnvironment } from '../../src/local/function-environment.ts';
import { Secret } from '../../src/secret.ts';
import { startTestPostgres } from '../postgres-server.ts';
import {
  bundleNodeDriver,
  type Driver,
  type DriverLanguage,
  driverLanguages,
  startDriver,
} from './driver.ts';
import { startRefusingPostgres } from './refusing-postgres.ts';
import {
  type SecretsEndpoint,
  startSecretsEndpoint,
  testAwsEnvironment,
  testSecretArn,
} from './secrets-endpoint.ts';

let server: Awaited<ReturnType<typeof startTestPostgres>>;
let nodeDriver: string;
let endpoint: SecretsEndpoint;
let settings: Record<string, string>;

beforeAll(async () => {
  server = await startTestPostgres();
  nodeDriver = await bundleNodeDriver(server.projectDir);
  const { PGUSER, PGPASSWORD, ...rest } = await functionEnvironment(
    server.local.slots.a,
    server.local.caFile,
  );
  settings = { ...rest, ...testAwsEnvironment, LAMBDAPG_SECRET_ARN: testSecretArn };
});
afterAll(() => server.cleanUp());
beforeEach(async () => {
  endpoint = await startSecretsEndpoint();
  await changePassword('library_a', 'canary-first');
  endpoint.secret = secretOf('library_a', 'canary-first');
});
afterEach(() => endpoint.close());

const secretOf = (username: string, password: string): string =>
  JSON.stringify({ username, password, host: 'elsewhere.invalid', port: 1, dbname: 'other' });

const asAdmin = (sql: string): Promise<unknown> =>
  withClient(server.local.admin, { applicationName: 'test' }, (admin) => admin.query(sql));

const changePassword = (role: string, password: string): Promise<unknown> =>
  asAdmin(`alter role ${role} password '${scramVerifier(new Secret(password))}'`);

const killBackends = (): Promise<unknown> =>
  asAdmin("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename like 'library\\__'");

const drivers: Driver[] = [];
const startIn = (language: DriverLanguage, changed: Record<string, string>): Driver => {
  const env = { ...settings, AWS_ENDPOINT_URL_SECRETS_MANAGER: endpoint.url, ...changed };
  const driver = startDriver(language, nodeDriver, env);
  drivers.push(driver);
  return driver;
};
afterEach(async () => {
  await Promise.all(drivers.splice(0).map((driver) => driver.stop()));
});
const failureOf = (driver: Driver): Promise<string> =>
  driver.query('select 1').then(
    () => 'no failure',
    (error: unknown) => JSON.stringify(error, Object.getOwnPropertyNames(error)),
  );
const user = async (driver: Driver): Promise<unknown> =>
  (await driver.query('select session_user::text as name'))[0]?.name;

const refusals = [
  // What RDS Proxy says (aws/aws-secretsmanager-jdbc issue 222, PostHog/posthog pull 64084).
  [
    '28000',
    'This RDS proxy has no credentials for the role u. Check the credentials for this role and try again.',
  ],
  ['28P01', 'The password that was provided for the role u is wrong.'],
  ['28000', 'role "u" is not permitted to log in'],
  ['28P01', 'password authentication failed for user "u"'],
] as const;

const otherFailures = [
  ['53300', 'sorry, too many clients already'],
  ['53300', 'too many connections for role "u"'],
  ['57P03', 'the database system is starting up'],
  ['3D000', 'database "library" does not exist'],
  ['28000', 'no pg_hba.conf entry for host "10.0.0.1", user "u", database "library", no encryption'],
  // The borrow timeout of RDS Proxy.
  ['08P01', 'timed-out waiting to acquire database connection'],
] as const;

/** In the form of Secrets Manager's errors. */
const refusal = (type: string, message: string, status = 400) => ({
  status,
  body: JSON.stringify({ __type: type, message }),
});

const get = { SecretId: testSecretArn, VersionStage: 'AWSCURRENT' };
const getPending = { ...get, VersionStage: 'AWSPENDING' };
const getPrevious = { ...get, VersionStage: 'AWSPREVIOUS' };
/** What is tried when the credentials are refused, without waiting for them to change. */
const noPatience = { TEST_RETRY_WITHIN_MS: '0' };

test("the endpoint of these tests accepts the SDK's own clients and refuses another key", async () => {
  const optionsOf = (secretAccessKey: string) => {
    const {
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SESSION_TOKEN: sessionToken,
    } = testAwsEnvironment;
    return { region, endpoint: endpoint.url, credentials: { accessKeyId, secretAccessKey, sessionToken } };
  };
  const ask = async (secretAccessKey: string): Promise<unknown> => {
    const client = new SecretsManagerClient(optionsOf(secretAccessKey));
    const answer = client.send(new GetSecretValueCommand(get));
    return answer.then(({ SecretString }) => SecretString).finally(() => client.destroy());
  };
  expect(await ask(testAwsEnvironment.AWS_SECRET_ACCESS_KEY)).toBe(endpoint.secret);
  await expect(ask('another')).rejects.toThrow('signature');

  const parameters = new SSMClient(optionsOf(testAwsEnvironment.AWS_SECRET_ACCESS_KEY));
  const { Parameter: found } = await parameters.send(
    new GetParameterCommand({ Name: '/library/active', WithDecryption: true }),
  );
  parameters.destroy();
  expect(found?.Value).toBe(endpoint.secret);
});

test('an endpoint that never answers is given up in time and named, in both languages', async () => {
  endpoint.instead.push('silence', 'silence', 'silence', 'silence');
  const failures = await Promise.all(driverLanguages.map((language) => failureOf(startIn(language, {}))));
  for (const failure of failures) {
    expect(failure).toContain(`${new URL(endpoint.url).host} cannot be reached (no answer within 3000 ms)`);
    expect(failure).toContain('an interface endpoint for Secrets Manager or a NAT gateway');
  }
  expect(endpoint.asked).toHaveLength(4);
});

describe.each(driverLanguages)('credentials from a secret, in %s', (language) => {
  const start = (changed: Record<string, string> = {}): Driver => startIn(language, changed);

  test('one signed GetSecretValue serves the first connections of an environment and all later ones', async () => {
    const driver = start();
    const rows = await driver.do({ op: 'together', sql: 'select session_user::text as name', count: 4 });
    expect(rows).toEqual(Array(4).fill([{ name: 'library_a' }]));
    await killBackends();
    expect(await user(driver)).toBe('library_a');
    expect(endpoint).toMatchObject({ asked: [get], refused: [] });
  });

  test('AWS_ENDPOINT_URL is taken where the one of the service is not set', async () => {
    const driver = start({ AWS_ENDPOINT_URL_SECRETS_MANAGER: '', AWS_ENDPOINT_URL: endpoint.url });
    expect(await user(driver)).toBe('library_a');
  });

  test('a password changed while frozen: the first statement after the thaw works', async () => {
    const driver = start();
    await user(driver);
    driver.freeze();
    await changePassword('library_a', 'canary-second');
    endpoint.secret = secretOf('library_a', 'canary-second');
    await killBackends();
    driver.thaw();
    expect(await user(driver)).toBe('library_a');
    expect(endpoint.asked).toEqual([get, get]);
  });

  test('a secret that names another user, and the former one may not log in any more', async () => {
    const driver = start();
    await user(driver);
    await changePassword('library_b', 'canary-second');
    await asAdmin('alter role library_a nologin');
    endpoint.secret = secretOf('library_b', 'canary-second');
    await killBackends();
    try {
      expect(await user(driver)).toBe('library_b');
      expect(endpoint.asked).toEqual([get, get]);
    } finally {
      await asAdmin('alter role library_a login');
    }
  });

  test('a refused password, and nothing else in the secret: the refusal is the error', async () => {
    const driver = start(noPatience);
    endpoint.secret = secretOf('library_a', 'canary-wrong');
    const failure = await failureOf(driver);
    expect(failure).toMatch(/cannot connect to .* as library_a: .*password authentication failed/);
    expect(failure).not.toContain('canary');
    expect(endpoint.asked).toEqual([get, get, getPending, getPrevious]);
  });

  test('a refused password and a secret that cannot be read again: the error says both', async () => {
    const driver = start();
    await user(driver);
    await changePassword('library_a', 'canary-second');
    await killBackends();
    endpoint.instead.push(refusal('com.amazonaws.secretsmanager#AccessDeniedException', 'no'));
    const failure = await failureOf(driver);
    expect(failure).toMatch(/password authentication failed.*cannot read the secret/);
    expect(failure).not.toContain('canary');
    endpoint.secret = secretOf('library_a', 'canary-second');
    expect(await user(driver)).toBe('library_a');
  });

  test('a login that is refused is tried with what the secret holds now', async () => {
    const postgres = await startRefusingPostgres();
    const plain = { PGHOST: '127.0.0.1', PGPORT: String(postgres.port), PGSSLMODE: 'disable', ...noPatience };
    const driver = start(plain);
    const next = (user: string): void => {
      const body = JSON.stringify({ SecretString: secretOf(user, 'canary') });
      endpoint.instead.push({ status: 200, body });
    };
    try {
      for (const [code, message] of refusals) {
        postgres.users.length = 0;
        Object.assign(postgres, { code, message });
        next('u0');
        next('u1');
        expect(await failureOf(driver)).toContain(' as u1: ');
        expect(postgres.users).toEqual(['u0', 'u1']);
      }
      postgres.users.length = 0;
      next('u2');
      next('u2');
      await failureOf(driver);
      // The secret is as it was: a second login would be a second failure.
      expect(postgres.users).toEqual(['u2']);
      expect(endpoint.instead).toEqual([]);
    } finally {
      await postgres.close();
    }
  });

  test('a login that fails for another reason never leads to other credentials', async () => {
    const postgres = await startRefusingPostgres();
    const plain = { PGHOST: '127.0.0.1', PGPORT: String(postgres.port), PGSSLMODE: 'disable', ...noPatience };
    const driver = start(plain);
    try {
      for (const [code, message] of otherFailures) {
        postgres.users.length = 0;
        Object.assign(postgres, { code, message });
        expect(await failureOf(driver)).toContain(message.split('"')[0]);
        expect(postgres.users).toEqual(['library_a']);
      }
      expect(endpoint.asked).toEqual([get]);
    } finally {
      await postgres.close();
    }
  });

  test('a refusal of Secrets Manager names the secret and says what to look at, after one call', async () => {
    const driver = start();
    for (const [type, advice] of [
      ['AccessDeniedException', "the function's role needs secretsmanager:GetSecretValue on it"],
      ['ResourceNotFoundException', 'there is no such secret'],
      ['InvalidRequestException', 'it may be scheduled for deletion'],
      ['DecryptionFailure', "the function's role needs kms:Decrypt"],
    ] as const) {
      endpoint.asked.length = 0;
      endpoint.instead.push(refusal(`com.amazonaws.secretsmanager#${type}`, 'not you'));
      const message = `cannot read the secret ${testSecretArn}: HTTP 400 ${type} not you: ${advice}`;
      expect(await failureOf(driver)).toContain(message);
      expect(endpoint.asked).toHaveLength(1);
    }
    expect(await user(driver)).toBe('library_a');
  });

  test.each([
    ['throttled', refusal('ThrottlingException', 'Rate exceeded')],
    ['broken', { status: 503, body: '<html>' }],
  ])('a first call that is %s is made again', async (_title, answer) => {
    endpoint.instead.push(answer);
    expect(await user(start())).toBe('library_a');
    expect(endpoint.asked).toEqual([get, get]);
  });

  test('an endpoint that refuses the connection is named', async () => {
    const closed = await startSecretsEndpoint();
    await closed.close();
    const failure = await failureOf(start({ AWS_ENDPOINT_URL_SECRETS_MANAGER: closed.url }));
    expect(failure).toMatch(/127\.0\.0\.1:\d+ cannot be reached \(.*refused.*\)/i);
  });

  test('a secret of another form is named and not shown', async () => {
    const driver = start();
    for (const secret of [
      ...['canary', '"canary"', '{"username":"canary"}', '{"username":"u","password":["canary"]}', '{canary'],
      '{"username":"u","password":""}',
    ]) {
      endpoint.secret = secret;
      const failure = await failureOf(driver);
      expect(failure).toContain(`the secret ${testSecretArn} is no JSON with username and password`);
      expect(failure).not.toContain('canary');
    }
  });

  test('settings: every fault at once', async () => {
    const failure = await failureOf(
      start({ LAMBDAPG_SECRET_ARN: 'library/a', LAMBDAPG_DB_AUTH: 'password', AWS_ACCESS_KEY_ID: '' }),
    );
    for (const fault of [
      'LAMBDAPG_DB_AUTH=password is unknown: use iam or leave it out',
      'LAMBDAPG_SECRET_ARN and LAMBDAPG_DB_AUTH exclude each other',
      'LAMBDAPG_SECRET_ARN=library/a is no ARN of a secret',
      'AWS_ACCESS_KEY_ID is not set',
    ]) {
      expect(failure).toContain(fault);
    }
    expect(failure).not.toContain('canary');
  });
});
