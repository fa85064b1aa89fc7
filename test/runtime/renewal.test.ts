import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Driver, type DriverLanguage, driverLanguages } from './driver.ts';
import { metricsOf, ofSecret, type RuntimeBed, secretOf, startRuntimeBed, userOf } from './runtime-bed.ts';

/* A connection that lives follows the store, and never fails for it. See also rotation.test.ts, where connections end. */

let bed: RuntimeBed;
beforeAll(async () => {
  bed = await startRuntimeBed();
  bed.endpoint.clockToleranceMs = 100_000_000;
});
afterAll(() => bed.cleanUp());
beforeEach(async () => {
  await bed.changePassword('library_a', 'canary-a');
  await bed.changePassword('library_b', 'canary-b');
  bed.endpoint.secret = secretOf('library_a', 'canary-a');
});
afterEach(() => bed.reset());

const subjects: readonly (readonly [string, DriverLanguage, Record<string, string>])[] = [
  ['node', 'node', {}],
  ['python', 'python', {}],
  ['python with SQLAlchemy', 'python', { TEST_DATABASE: 'sqlalchemy' }],
];
/** An environment that holds a connection of the first slot. */
async function startWarm(language: DriverLanguage, changed: Record<string, string> = {}): Promise<Driver> {
  const driver = bed.start(language, { ...ofSecret, ...changed });
  expect(await userOf(driver)).toBe('library_a');
  bed.endpoint.asked.length = 0;
  return driver;
}
const skip = (driver: Driver, ms: number): Promise<unknown> => driver.do({ op: 'skip', ms });
const probe = (driver: Driver): Promise<unknown> =>
  driver.do({ op: 'event', event: { 'lambdapg:probe': 1 } });

const sessions = async (user: string): Promise<number> =>
  (await bed.admin(`select pid from pg_stat_activity where usename = '${user}'`)).length;
const pidOf = async (driver: Driver): Promise<unknown> =>
  (await driver.query('select pg_backend_pid() as pid'))[0]?.pid;
const moveStoreToB = (): void => {
  bed.endpoint.secret = secretOf('library_b', 'canary-b');
};
const justOverMaxAgeMs = 301_000;

describe.each(subjects)('a connection that lives through a rotation, in %s', (_title, language, more) => {
  test('moves to the new slot within the max age, though the old one still works', async () => {
    const driver = await startWarm(language, more);
    moveStoreToB();
    await skip(driver, 200_000);
    expect(await userOf(driver)).toBe('library_a');
    expect(bed.endpoint.asked).toHaveLength(0);
    await skip(driver, 101_000);
    expect(await userOf(driver)).toBe('library_b');
    expect(bed.endpoint.asked).toHaveLength(1);
    await expect.poll(() => sessions('library_a')).toBe(0);
    expect(await sessions('library_b')).toBe(1);
    expect(metricsOf(driver)).toMatchObject([{ renewals: 1, auth_failures: 0, connect_failures: 0 }]);
    // And stays there.
    const pid = await pidOf(driver);
    await skip(driver, justOverMaxAgeMs);
    expect(await pidOf(driver)).toBe(pid);
    expect(driver.log).toHaveLength(1);
  });

  test('no transaction loses its connection on the way', async () => {
    const driver = await startWarm(language, more);
    moveStoreToB();
    const who = 'select session_user::text as name, pg_backend_pid() as pid';
    const statements = [who, who, who];
    const rows = await driver.do({ op: 'transaction', statements, skipMs: justOverMaxAgeMs });
    const [first] = rows as unknown[];
    expect(rows).toEqual([first, first, first]);
    expect(first).toMatchObject([{ name: 'library_a' }]);
    expect(await userOf(driver)).toBe('library_b');
  });

  test('a probe reads and connects anew, and that is the connection from then on', async () => {
    const driver = await startWarm(language, { ...more, LAMBDAPG_ENVIRONMENT_ID: 'feedf00d' });
    moveStoreToB();
    expect(await probe(driver)).toEqual({
      ...{ 'lambdapg:probe': 1, ok: true, user: 'library_b', role: 'library_app', runtime: '1.3.0' },
      ...{ application: 'lpg/local/$LATEST/feedf00d', server: expect.stringMatching(/^1\d\./) },
    });
    const [{ pid } = {}] = await bed.admin("select pid from pg_stat_activity where usename = 'library_b'");
    expect(await pidOf(driver)).toBe(pid);
    await expect.poll(() => sessions('library_a')).toBe(0);
    expect(driver.log).toEqual([]);
  });

  test('a probe that is refused says so without a secret, and the old connection is used on', async () => {
    const driver = await startWarm(language, more);
    const pid = await pidOf(driver);
    bed.endpoint.secret = secretOf('library_b', 'canary-wrong');
    const answer = await probe(driver);
    expect(answer).toEqual({
      ...{ 'lambdapg:probe': 1, ok: false, code: 'LOGIN_REFUSED' },
      message: expect.stringContaining('password authentication failed for user "library_b"'),
    });
    bed.endpoint.instead.push({ status: 400, body: '{"__type":"AccessDeniedException"}' });
    expect(await probe(driver)).toMatchObject({
      ...{ ok: false, code: 'CREDENTIALS_UNREADABLE', message: expect.stringContaining('AccessDenied') },
    });
    expect(JSON.stringify(answer)).not.toContain('canary');
    expect(await pidOf(driver)).toBe(pid);
  });
});

test('in Python, what libpq cannot bound is not begun late in an invocation', async () => {
  const driver = await startWarm('python');
  moveStoreToB();
  await skip(driver, justOverMaxAgeMs);
  await driver.do({ op: 'invoke', remainingMs: 2_400 });
  expect(await userOf(driver)).toBe('library_a');
  await driver.do({ op: 'invoke', remainingMs: 60_000 });
  expect(await userOf(driver)).toBe('library_b');
});

describe.each(driverLanguages)('between a connection and the store, in %s', (language) => {
  test('frozen through the rotation, it asks before its first statement', async () => {
    const driver = await startWarm(language);
    driver.freeze();
    moveStoreToB();
    driver.thaw();
    await skip(driver, 3 * 3_600_000);
    expect(await userOf(driver)).toBe('library_b');
  });

  test('control: with an age that is not over, it stays where it is', async () => {
    const driver = await startWarm(language, { LAMBDAPG_CREDENTIALS_MAX_AGE_SECONDS: '99999' });
    moveStoreToB();
    await skip(driver, justOverMaxAgeMs);
    expect(await userOf(driver)).toBe('library_a');
    expect(bed.endpoint.asked).toHaveLength(0);
  });

  test('a store without leave, or without an answer, changes nothing; a late answer counts', async () => {
    const driver = await startWarm(language, { TEST_ANSWER_WITHIN_MS: '60000' });
    const pid = await pidOf(driver);
    bed.endpoint.instead.push({ status: 400, body: '{"__type":"AccessDeniedException"}' }, 'silence');
    await skip(driver, justOverMaxAgeMs);
    expect(await pidOf(driver)).toBe(pid);
    await skip(driver, justOverMaxAgeMs);
    // Answers before the request is given up.
    expect(await pidOf(driver)).toBe(pid);
    expect(bed.endpoint.asked).toHaveLength(2);
    // Its second try has an answer, which no statement waits for.
    moveStoreToB();
    bed.endpoint.endSilence();
    await expect.poll(() => userOf(driver), { timeout: 20_000, interval: 300 }).toBe('library_b');
  });

  test('a server that the environment names itself does not change with the store', async () => {
    const driver = await startWarm(language);
    const pid = await pidOf(driver);
    bed.endpoint.secret = secretOf('library_a', 'canary-a', { host: 'elsewhere.invalid', port: 1 });
    await skip(driver, justOverMaxAgeMs);
    expect(await pidOf(driver)).toBe(pid);
    expect(bed.endpoint.asked).toHaveLength(1);
    expect(driver.log).toEqual([]);
  });

  test('where the store names the server, another one is moved to', async () => {
    const { PGHOST: host = '', PGPORT: port, PGDATABASE: dbname, ...rest } = bed.server;
    const place = { host, port: Number(port), dbname };
    const nobody = { ...rest, PGHOST: '', PGPORT: '', PGDATABASE: '' };
    bed.endpoint.secret = secretOf('library_a', 'canary-a', place);
    const driver = await startWarm(language, nobody);
    const pid = await pidOf(driver);
    bed.endpoint.secret = secretOf('library_a', 'canary-a', { ...place, dbname: 'postgres' });
    await skip(driver, justOverMaxAgeMs);
    expect(await driver.query('select current_database()::text as name')).toEqual([{ name: 'postgres' }]);
    expect(await pidOf(driver)).not.toBe(pid);
  });

  test('a new login that is refused, or has no room, leaves the old one in use', async () => {
    const driver = await startWarm(language);
    const pid = await pidOf(driver);
    bed.endpoint.secret = secretOf('library_b', 'canary-not-yet');
    await skip(driver, justOverMaxAgeMs);
    expect(await pidOf(driver)).toBe(pid);
    expect(metricsOf(driver)).toMatchObject([{ renewals: 0, auth_failures: 1, connect_failures: 0 }]);

    moveStoreToB();
    await bed.admin('alter role library_b connection limit 0');
    try {
      await skip(driver, justOverMaxAgeMs);
      expect(await pidOf(driver)).toBe(pid);
    } finally {
      await bed.admin('alter role library_b connection limit -1');
    }
    await skip(driver, justOverMaxAgeMs);
    expect(await userOf(driver)).toBe('library_b');
    expect(driver.log.join()).not.toContain('canary');
  });

  test('statements that are asked at once ask the store once', async () => {
    const driver = await startWarm(language);
    moveStoreToB();
    await skip(driver, justOverMaxAgeMs);
    const rows = await driver.do({ op: 'race', sql: 'select session_user::text as name', count: 4 });
    expect(rows).toEqual(Array(4).fill([{ name: 'library_b' }]));
    expect(bed.endpoint.asked).toHaveLength(1);
    expect(metricsOf(driver)).toMatchObject([{ renewals: 1 }]);
  });

  test('plain variables are not asked about', async () => {
    const driver = bed.start(language, { ...bed.login, PGPASSWORD: 'canary-a' });
    const pid = await pidOf(driver);
    await driver.do({ op: 'password', password: 'canary-other' });
    await skip(driver, 10 * justOverMaxAgeMs);
    expect(await pidOf(driver)).toBe(pid);
  });

  test('what is no probe goes to the handler', async () => {
    const driver = bed.start(language, ofSecret);
    const events = [{ body: '{"lambdapg:probe":1}' }, ['lambdapg:probe'], 'lambdapg:probe', null, 7];
    for (const event of events) expect(await driver.do({ op: 'event', event })).toEqual({ handled: event });
    expect(bed.endpoint.asked).toEqual([]);
  });
});
