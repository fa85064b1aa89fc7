import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Signer } from '@aws-sdk/rds-signer';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createAuthority, createServerCertificate } from '../../src/local/postgres/certificates.ts';
import { makeTempDir } from '../postgres-server.ts';
import { bundleNodeDriver, type Driver, type DriverFailure, driverLanguages, startDriver } from './driver.ts';
import { startRefusingPostgres } from './refusing-postgres.ts';
import { testAwsEnvironment } from './secrets-endpoint.ts';

let folder: string;
let nodeDriver: string;
beforeAll(async () => {
  folder = await makeTempDir();
  nodeDriver = await bundleNodeDriver(folder);
});
afterAll(() => rm(folder, { recursive: true }));

const env = {
  ...{ PGHOST: 'demo.abc.eu-central-1.rds.amazonaws.com', PGPORT: '5433', PGDATABASE: 'library' },
  ...{ PGUSER: 'library_a', LAMBDAPG_DB_AUTH: 'iam', ...testAwsEnvironment },
};

/** The token that Amazon's own signer makes at the moment of `token`. */
async function theirToken(settings: Record<string, string>, token: string): Promise<string> {
  const date = /X-Amz-Date=(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/.exec(token)?.slice(1).map(Number) ?? [];
  const [year = 0, month = 0, day, hour, minute, second] = date;
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(year, month - 1, day, hour, minute, second) });
  try {
    return await new Signer({
      hostname: settings.PGHOST ?? '',
      port: Number(settings.PGPORT),
      username: settings.PGUSER ?? '',
      region: settings.AWS_REGION ?? '',
      credentials: {
        accessKeyId: settings.AWS_ACCESS_KEY_ID ?? '',
        secretAccessKey: settings.AWS_SECRET_ACCESS_KEY ?? '',
        ...(settings.AWS_SESSION_TOKEN && { sessionToken: settings.AWS_SESSION_TOKEN }),
      },
    }).getAuthToken();
  } finally {
    vi.useRealTimers();
  }
}

/** Amazon's signers differ in the order of the parameters, which nothing depends on: the signature covers them sorted. */
const parts = (token: string): string[] => token.split(/[?&]/).sort();

describe.each(driverLanguages)('IAM authentication in %s', (language) => {
  const drivers: Driver[] = [];
  const start = (changed: Record<string, string> = {}): Driver => {
    const driver = startDriver(language, nodeDriver, { ...env, ...changed });
    drivers.push(driver);
    return driver;
  };
  afterEach(async () => {
    await Promise.all(drivers.splice(0).map((driver) => driver.stop()));
  });
  const credentialsOf = async (driver: Driver) =>
    (await driver.do({ op: 'credentials' })) as { user: string; password: string };

  test.each<[string, Record<string, string>]>([
    ['with a session token', {}],
    ['with a key of its own', { AWS_SESSION_TOKEN: '' }],
    ['for a user with unusual characters', { PGUSER: "o'brien+Ünal (a)*~/%" }],
  ])("%s: the same token as Amazon's signer's, letter by letter", async (_title, changed) => {
    const settings = { ...env, ...changed };
    const { user, password } = await credentialsOf(start(changed));
    expect(user).toBe(settings.PGUSER);
    expect(parts(password)).toEqual(parts(await theirToken(settings, password)));
    expect(password).toContain('X-Amz-Expires=900');
    expect(password).toMatch(/^demo\.abc\.eu-central-1\.rds\.amazonaws\.com:5433\/\?Action=connect&DBUser=/);
  });

  test('each connection gets a token of its own time', async () => {
    const driver = start();
    const first = await credentialsOf(driver);
    await driver.do({ op: 'skip', ms: 20 * 60_000 });
    const second = await credentialsOf(driver);
    expect(second.password).not.toBe(first.password);
    expect(parts(second.password)).toEqual(parts(await theirToken(env, second.password)));
  });

  test('the server is sent the token over TLS, and a refused one is not made again', async () => {
    const authority = await createAuthority();
    const { certificate: cert, key } = await createServerCertificate(authority, [env.PGHOST]);
    const postgres = await startRefusingPostgres({ cert, key });
    await writeFile(join(folder, 'rds-ca.pem'), authority.certificate);
    // RDS's words where the role may not connect or lacks rds_iam.
    Object.assign(postgres, { code: '28000', message: 'PAM authentication failed for user "library_a"' });
    const local = {
      ...{ TEST_LOCAL_NAME: env.PGHOST, PGPORT: String(postgres.port) },
      ...{ PGSSLROOTCERT: './rds-ca.pem', LAMBDA_TASK_ROOT: folder },
    };
    try {
      const failure = await start(local)
        .query('select 1')
        .catch((error: DriverFailure) => `${error.message} ${error.printed}`);
      expect(failure).toContain('PAM authentication failed for user "library_a"');
      const [token = ''] = postgres.passwords;
      expect(parts(token)).toEqual(parts(await theirToken({ ...env, ...local }, token)));
      expect(failure).not.toContain('X-Amz-Signature');
      expect(postgres.users).toEqual(['library_a']);
    } finally {
      await postgres.close();
    }
  });

  test('the port may be left out', async () => {
    const { password } = await credentialsOf(start({ PGPORT: '' }));
    expect(parts(password)).toEqual(parts(await theirToken({ ...env, PGPORT: '5432' }, password)));
  });

  test('settings: every fault at once', async () => {
    const wrong = { PGUSER: '', AWS_REGION: '', AWS_ACCESS_KEY_ID: '', PGSSLMODE: 'disable' };
    const message = await start(wrong)
      .query('select 1')
      .catch((error: Error) => error.message);
    expect(message).toBe(
      'the database settings are incomplete: PGUSER is not set; AWS_REGION is not set; AWS_ACCESS_KEY_ID is not set; ' +
        'PGSSLMODE=disable: IAM authentication needs TLS',
    );
  });
});

test('both languages make the same token', async () => {
  const drivers = driverLanguages.map((language) => startDriver(language, nodeDriver, env));
  const ask = () => Promise.all(drivers.map((driver) => driver.do({ op: 'credentials' })));
  try {
    // Until both were asked within one second.
    await expect.poll(async () => new Set((await ask()).map((one) => JSON.stringify(one))).size).toBe(1);
  } finally {
    await Promise.all(drivers.map((driver) => driver.stop()));
  }
});
