import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Driver } from './driver.ts';
import { driverLanguages } from './driver.ts';
import {
  failureOf,
  metricsOf,
  ofSecret,
  type RuntimeBed,
  secretOf,
  stagesAsked,
  startRuntimeBed,
  userOf,
} from './runtime-bed.ts';

/* What a rotation does to an environment that lives through it, by the contract of docs/decisions/005-connection-runtime.md. */

let bed: RuntimeBed;
beforeAll(async () => {
  bed = await startRuntimeBed();
});
afterAll(() => bed.cleanUp());
beforeEach(async () => {
  await bed.changePassword('library_a', 'canary-old');
  bed.endpoint.secret = secretOf('library_a', 'canary-old');
});
afterEach(() => bed.reset());

/** As long as a slow machine may need, where the test ends the wait. */
const patient = { ...ofSecret, TEST_RETRY_WITHIN_MS: '60000' };

describe.each(driverLanguages)('a rotation seen from an environment in %s', (language) => {
  const start = (changed: Record<string, string> = {}): Driver =>
    bed.start(language, { ...ofSecret, ...changed });

  test('the database has the password that is labelled AWSPENDING: it is used, and kept', async () => {
    const driver = start();
    await userOf(driver);
    bed.endpoint.stages.AWSPENDING = secretOf('library_a', 'canary-new');
    await bed.changePassword('library_a', 'canary-new');
    await bed.killBackends();
    expect(await userOf(driver)).toBe('library_a');
    expect(stagesAsked(bed.endpoint)).toEqual(['CURRENT', 'CURRENT', 'PENDING']);
    expect(metricsOf(driver)).toMatchObject([
      { auth_failures: 1, fallbacks: 1, refreshes: 1, connect_failures: 0 },
    ]);

    await bed.killBackends();
    expect(await userOf(driver)).toBe('library_a');
    // No login was refused any more, and nothing was read.
    expect(driver.log).toHaveLength(1);
    expect(bed.endpoint.asked).toHaveLength(3);
  });

  test('the database has gone back to the password that is labelled AWSPREVIOUS', async () => {
    bed.endpoint.secret = secretOf('library_b', 'canary-never-set');
    bed.endpoint.stages.AWSPREVIOUS = secretOf('library_a', 'canary-old');
    const driver = start();
    expect(await userOf(driver)).toBe('library_a');
    expect(metricsOf(driver)).toMatchObject([{ auth_failures: 1, fallbacks: 1, refreshes: 1 }]);
  });

  test('the database was changed first, and only the current version may be read: waits for it', async () => {
    const driver = start(patient);
    await userOf(driver);
    await bed.changePassword('library_a', 'canary-new');
    await bed.killBackends();
    const user = userOf(driver);
    const reads = () => stagesAsked(bed.endpoint).filter((stage) => stage === 'CURRENT').length;
    await expect.poll(reads, { timeout: 30_000 }).toBeGreaterThan(3);
    bed.endpoint.secret = secretOf('library_a', 'canary-new');
    expect(await user).toBe('library_a');
    const [metrics] = metricsOf(driver);
    expect(metrics).toMatchObject({ fallbacks: 0, connect_failures: 0 });
    expect(metrics?.refreshes).toBeGreaterThan(2);
    expect(metrics?.auth_failures).toBeGreaterThan(1);
  });

  test('the secret was changed first: waits for the database', async () => {
    bed.endpoint.secret = secretOf('library_a', 'canary-new');
    const driver = start(patient);
    const user = userOf(driver);
    await expect.poll(() => bed.endpoint.asked.length, { timeout: 30_000 }).toBeGreaterThan(6);
    await bed.changePassword('library_a', 'canary-new');
    expect(await user).toBe('library_a');
  });

  test('is not waited for longer than the invocation may take', async () => {
    bed.endpoint.secret = secretOf('library_a', 'canary-wrong');
    const driver = start({ ...patient, TEST_RETRY_WITHIN_MS: '3600000' });
    await driver.do({ op: 'invoke', remainingMs: 5_000 });
    expect(await failureOf(driver)).toMatch(/password authentication failed/);
    expect(metricsOf(driver)).toMatchObject([{ connect_failures: 1 }]);
  });

  test('a password that is wrong for good costs few reads, however often it is tried', async () => {
    bed.endpoint.secret = secretOf('library_a', 'canary-wrong');
    const driver = start({ TEST_RETRY_WITHIN_MS: '50' });
    const startedAt = Date.now();
    for (let tries = 0; tries < 30; tries += 1)
      expect(await failureOf(driver)).toMatch(/password authentication failed/);
    // Six rounds within the first two seconds, two of them with AWSPENDING and AWSPREVIOUS; then one a second.
    const most = 11 + (1.2 * (Date.now() - startedAt)) / 1_000;
    expect(bed.endpoint.asked.length).toBeLessThan(most);
    expect(bed.endpoint.asked.length).toBeGreaterThan(3);
    bed.endpoint.secret = secretOf('library_a', 'canary-old');
    await expect.poll(() => userOf(driver).catch(() => ''), { timeout: 20_000 }).toBe('library_a');
  });

  test('the server has the password of PGPASSWORD_NEXT: it is used, and kept', async () => {
    const plain = { ...bed.login, PGPASSWORD: 'canary-old', PGPASSWORD_NEXT: 'canary-new' };
    const driver = bed.start(language, plain);
    await userOf(driver);
    expect(driver.log).toEqual([]);
    await bed.changePassword('library_a', 'canary-new');
    for (let round = 0; round < 2; round += 1) {
      await bed.killBackends();
      expect(await userOf(driver)).toBe('library_a');
    }
    expect(metricsOf(driver)).toMatchObject([{ auth_failures: 1, fallbacks: 1, connect_failures: 0 }]);
    // Back again, and then neither: that is told at once.
    await bed.changePassword('library_a', 'canary-old');
    await bed.killBackends();
    expect(await userOf(driver)).toBe('library_a');
    await bed.changePassword('library_a', 'canary-third');
    await bed.killBackends();
    expect(await failureOf(driver)).toMatch(/password authentication failed/);
    expect(metricsOf(driver).at(-1)).toMatchObject({ auth_failures: 2, connect_failures: 1 });
    expect(driver.log.join()).not.toContain('canary');
  });

  test('DATABASE_URL_NEXT may name another role', async () => {
    await bed.changePassword('library_b', 'canary-b');
    const { PGHOST = '', PGPORT = '', PGDATABASE = '' } = bed.server;
    const urlOf = (login: string): string => `postgres://${login}@${PGHOST}:${PGPORT}/${PGDATABASE}`;
    const urls = { DATABASE_URL: urlOf('library_a:wrong'), DATABASE_URL_NEXT: urlOf('library_b:canary-b') };
    expect(await userOf(bed.start(language, urls))).toBe('library_b');
    const fault = await failureOf(bed.start(language, { ...urls, DATABASE_URL_NEXT: 'canary' }));
    expect(fault).toContain('DATABASE_URL_NEXT is no postgres://user:password@host/database');
    expect(fault).not.toContain('canary');
  });

  test('credentials are kept for 300 seconds, or as long as told', async () => {
    bed.endpoint.clockToleranceMs = 1_000_000;
    const driver = start();
    const told = start({ LAMBDAPG_CREDENTIALS_MAX_AGE_SECONDS: '10' });
    const readsAfter = async (one: Driver, ms: number): Promise<number> => {
      await one.do({ op: 'skip', ms });
      await bed.killBackends();
      bed.endpoint.asked.length = 0;
      await userOf(one);
      return bed.endpoint.asked.length;
    };
    await userOf(driver);
    await userOf(told);
    expect(await readsAfter(driver, 200_000)).toBe(0);
    expect(await readsAfter(driver, 101_000)).toBe(1);
    expect(await readsAfter(told, 11_000)).toBe(1);
    expect(driver.log).toEqual([]);
  });

  test('what is too old and cannot be read anew is used on', async () => {
    const driver = start();
    await userOf(driver);
    bed.endpoint.clockToleranceMs = 1_000_000;
    await driver.do({ op: 'skip', ms: 400_000 });
    await bed.killBackends();
    bed.endpoint.instead.push({ status: 400, body: '{"__type":"AccessDeniedException"}' });
    expect(await userOf(driver)).toBe('library_a');
    expect(bed.endpoint.instead).toEqual([]);
  });

  test('four databases of one environment that are refused together read the secret once', async () => {
    const driver = start();
    await userOf(driver);
    await bed.changePassword('library_a', 'canary-new');
    bed.endpoint.secret = secretOf('library_a', 'canary-new');
    bed.endpoint.asked.length = 0;
    const sql = 'select session_user::text as name';
    const rows = await driver.do({ op: 'together', sql, count: 4 });
    expect(rows).toEqual(Array(4).fill([{ name: 'library_a' }]));
    expect(stagesAsked(bed.endpoint)).toEqual(['CURRENT']);
  });

  test('the metrics are a line of the embedded metric format, with nothing secret in it', async () => {
    bed.endpoint.secret = secretOf('library_a', 'canary-wrong');
    bed.endpoint.stages.AWSPENDING = secretOf('library_a', 'canary-old');
    const driver = start({ AWS_LAMBDA_FUNCTION_NAME: 'demo-dev-api' });
    await userOf(driver);
    expect(driver.log).toHaveLength(1);
    expect(driver.log[0]).not.toContain('canary');
    const { _aws: head, ...values } = JSON.parse(driver.log[0] ?? '');
    expect(head).toEqual({
      Timestamp: expect.any(Number),
      CloudWatchMetrics: [
        {
          Namespace: 'lambdapg',
          Dimensions: [['function']],
          Metrics: [
            ...['auth_failures', 'fallbacks', 'refreshes', 'slot_waits', 'renewals'].map((Name) => ({
              Name,
              Unit: 'Count',
            })),
            { Name: 'retry_ms', Unit: 'Milliseconds' },
            { Name: 'connect_failures', Unit: 'Count' },
          ],
        },
      ],
    });
    expect(values).toEqual({
      ...{
        function: 'demo-dev-api',
        auth_failures: 1,
        fallbacks: 1,
        refreshes: 1,
        slot_waits: 0,
        renewals: 0,
      },
      ...{ retry_ms: expect.any(Number), connect_failures: 0 },
    });
  });

  test('no metrics unless asked for, and an unknown kind is an error', async () => {
    bed.endpoint.secret = secretOf('library_a', 'canary-wrong');
    bed.endpoint.stages.AWSPENDING = secretOf('library_a', 'canary-old');
    const silent = start({ LAMBDAPG_METRICS: '' });
    await userOf(silent);
    expect(silent.log).toEqual([]);
    expect(await failureOf(start({ LAMBDAPG_METRICS: 'statsd' }))).toContain(
      'LAMBDAPG_METRICS=statsd is unknown: use emf or leave it out',
    );
  });
});
