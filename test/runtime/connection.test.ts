import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Client, withClient } from '../../src/database/with-client.ts';
import { functionEnvironment } from '../../src/local/function-environment.ts';
import { makeTempDir, startTestPostgres } from '../postgres-server.ts';
import { bundleNodeDriver, type Driver, driverLanguages, startDriver } from './driver.ts';
import { startTcpRelay } from './tcp-relay.ts';

let server: Awaited<ReturnType<typeof startTestPostgres>>;
let settings: Record<string, string>;
let nodeDriver: string;

beforeAll(async () => {
  server = await startTestPostgres();
  nodeDriver = await bundleNodeDriver(server.projectDir);
  settings = await functionEnvironment(server.local.slots.a, server.local.caFile);
  await asAdmin((admin) =>
    admin.query(`
      create table calls (id int primary key, note text);
      grant all on calls to library_app;
      create sequence call_count;
      grant all on sequence call_count to library_app;
      create table owners (id int primary key);
      create table things (owner int references owners (id) deferrable initially deferred);
      grant all on things, owners to library_app`),
  );
});
afterAll(() => server.cleanUp());

const asAdmin = <T>(work: (admin: Client) => Promise<T>): Promise<T> =>
  withClient(server.local.admin, { applicationName: 'test' }, work);

/** Ends every session of the function's login and waits until they are gone. */
const killBackends = (): Promise<number> =>
  asAdmin(async (admin) => {
    const { rowCount } = await admin.query(
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'library_a'",
    );
    return rowCount ?? 0;
  });

/** Sessions of one execution environment. */
const sessionsOf = (environmentId: string): Promise<number> =>
  asAdmin(async (admin) => {
    const sql = "select count(*)::int as n from pg_stat_activity where application_name like '%/' || $1";
    return (await admin.query(sql, [environmentId])).rows[0].n;
  });

const callCount = (): Promise<number> =>
  asAdmin(async (admin) => {
    const { rows } = await admin.query('select last_value::int as n, is_called from call_count');
    return rows[0].is_called ? rows[0].n : 0;
  });

const anHour = 60 * 60_000;

describe.each(driverLanguages)('connection runtime in %s', (language) => {
  /** With the settings as they are; shared, because it survives whatever a test does to it. That is the point. */
  let driver: Driver;
  const others: Driver[] = [];
  const start = (changed: Record<string, string>): Driver => {
    const other = startDriver(language, nodeDriver, { ...settings, ...changed });
    others.push(other);
    return other;
  };
  beforeAll(() => {
    driver = startDriver(language, nodeDriver, settings);
  });
  afterAll(() => driver.stop());
  beforeEach(() => asAdmin((admin) => admin.query('truncate calls; alter sequence call_count restart')));
  afterEach(async () => {
    await Promise.all(others.splice(0).map((other) => other.stop()));
  });

  const pid = async (driver: Driver): Promise<unknown> =>
    (await driver.query('select pg_backend_pid() as pid'))[0]?.pid;

  test('opens nothing before the first statement and keeps one connection after it', async () => {
    const fresh = start({ LAMBDAPG_ENVIRONMENT_ID: 'feedf00d' });
    await fresh.do({ op: 'skip', ms: 0 });
    expect(await sessionsOf('feedf00d')).toBe(0);
    const first = await pid(fresh);
    expect(await pid(fresh)).toBe(first);
    await fresh.do({ op: 'skip', ms: anHour });
    expect(await pid(fresh)).toBe(first);
    expect(await sessionsOf('feedf00d')).toBe(1);
  });

  test('a backend killed while idle is replaced', async () => {
    const first = await pid(driver);
    expect(await killBackends()).toBeGreaterThan(0);
    expect(await pid(driver)).not.toBe(first);
  });

  test.each([
    ['a moment', 0],
    ['an hour', anHour],
  ])('a backend killed while frozen for %s: the first statement after the thaw works', async (_title, ms) => {
    const first = await pid(driver);
    for (let round = 0; round < 3; round += 1) {
      driver.freeze();
      expect(await killBackends()).toBeGreaterThan(0);
      driver.thaw();
      if (ms > 0) await driver.do({ op: 'skip', ms });
      const rows = await driver.query("select nextval('call_count')::int as n, pg_backend_pid() as pid");
      expect(rows[0]?.n).toBe(round + 1);
      expect(rows[0]?.pid).not.toBe(first);
    }
  });

  test('the server restarted while frozen', async () => {
    await pid(driver);
    driver.freeze();
    await killBackends();
    driver.thaw();
    const rows = await driver.do({ op: 'transaction', statements: ['select 1 as one'] });
    expect(rows).toEqual([[{ one: 1 }]]);
  });

  test('a statement that was cut off is an error, is not sent again, and the next one works', async () => {
    await pid(driver);
    const cut = driver.query("select nextval('call_count'), pg_sleep(60)");
    const failure = expect(cut).rejects.toMatchObject({ code: '57P01' });
    await expect.poll(callCount, { timeout: 20_000 }).toBe(1);
    await killBackends();
    await failure;
    expect(await driver.query('select 1 as one')).toEqual([{ one: 1 }]);
    expect(await callCount()).toBe(1);
  });

  test('a peer that vanished without a goodbye is noticed before anything is sent', async () => {
    const relay = await startTcpRelay('127.0.0.1', server.local);
    try {
      const far = start({ PGPORT: String(relay.port) });
      const first = await pid(far);
      far.freeze();
      relay.silence();
      far.thaw();
      await far.do({ op: 'skip', ms: anHour });
      const rows = await far.query("select nextval('call_count')::int as n, pg_backend_pid() as pid");
      expect(rows[0]?.n).toBe(1);
      expect(rows[0]?.pid).not.toBe(first);
    } finally {
      await relay.close();
    }
  });

  test('a connection with an unusual but living session is kept', async () => {
    const first = await pid(driver);
    await expect(driver.query('select 1/0')).rejects.toMatchObject({ code: '22012' });
    expect(await pid(driver)).toBe(first);
  });

  test('transaction: commits, and its statements share a session with nothing in between', async () => {
    const insert = "insert into calls values (1, 'a')";
    const rows = await driver.do({ op: 'transaction', statements: [insert, 'select note from calls'] });
    expect(rows).toEqual([[], [{ note: 'a' }]]);
    expect(await driver.query('select id, note from calls')).toEqual([{ id: 1, note: 'a' }]);
  });

  test.each([
    ['the work fails', { statements: ["insert into calls values (1, 'a')"], fail: true }, 'the work failed'],
    [
      'a statement fails',
      { statements: ["insert into calls values (1, 'a')", 'select 1/0'] },
      'division by zero',
    ],
    [
      'a failed statement was swallowed',
      { statements: ["insert into calls values (1, 'a')", 'select 1/0'], swallow: true },
      'a statement of the transaction failed, so PostgreSQL rolled all of it back',
    ],
    [
      'the commit fails',
      { statements: ["insert into calls values (1, 'a')", 'insert into things values (7)'] },
      'violates foreign key constraint',
    ],
    [
      'query() is used inside',
      { statements: ["insert into calls values (1, 'a')"], nested: 'query' as const },
      'query() inside a transaction would wait for its own end: use tx.query',
    ],
    [
      'transaction() is used inside',
      { statements: ["insert into calls values (1, 'a')"], nested: 'transaction' as const },
      'transaction() inside a transaction would wait for its own end: use tx.query',
    ],
  ])('transaction: rolls back when %s, and the connection is used on', async (_title, work, message) => {
    const first = await pid(driver);
    await expect(driver.do({ op: 'transaction', ...work })).rejects.toThrow(message);
    expect(await driver.query('select id from calls')).toEqual([]);
    expect(await pid(driver)).toBe(first);
  });

  test('transaction: a backend that dies in it is an error, and the next statement works', async () => {
    const statements = ["insert into calls values (1, 'a')", "select nextval('call_count'), pg_sleep(60)"];
    const cut = expect(driver.do({ op: 'transaction', statements })).rejects.toMatchObject({ code: '57P01' });
    await expect.poll(callCount, { timeout: 20_000 }).toBe(1);
    await killBackends();
    await cut;
    expect(await driver.query('select id from calls')).toEqual([]);
  });

  test('a statement that leaves a transaction open is an error, and what it did is rolled back', async () => {
    await expect(driver.query('begin')).rejects.toThrow('use transaction()');
    expect(await driver.query("insert into calls values (1, 'a') returning id")).toEqual([{ id: 1 }]);
    expect((await asAdmin((admin) => admin.query('select id from calls'))).rows).toEqual([{ id: 1 }]);
  });

  test('leaves no prepared statement and no setting behind: nothing that would pin a session of RDS Proxy', async () => {
    for (let round = 0; round < 12; round += 1) await driver.query('select id from calls where id = 1');
    expect(await driver.query('select count(*)::int as n from pg_prepared_statements')).toEqual([{ n: 0 }]);
    const set = await driver.query("select name from pg_settings where source = 'session'");
    expect(set).toEqual([]);
  });

  test('application_name tells function, version and environment', async () => {
    const name = async (env: Record<string, string>): Promise<unknown> =>
      (await start(env).query("select current_setting('application_name') as name"))[0]?.name;
    const long = 'a-function-with-a-very-long-name-that-does-not-fit-into-63-bytes';
    expect(
      await name({
        AWS_LAMBDA_FUNCTION_NAME: 'demo-dev-api',
        AWS_LAMBDA_FUNCTION_VERSION: '7',
        LAMBDAPG_ENVIRONMENT_ID: '0a1b2c3d',
      }),
    ).toBe('lpg/demo-dev-api/7/0a1b2c3d');
    expect(
      await name({
        AWS_LAMBDA_FUNCTION_NAME: long,
        AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
        LAMBDAPG_ENVIRONMENT_ID: 'ffffffff',
      }),
    ).toBe('lpg/a-function-with-a-very-long~206ed969/$LATEST/ffffffff');
    expect(await name({})).toMatch(/^lpg\/local\/\$LATEST\/[0-9a-f]{8}$/);
  });

  test('a password that was changed is used by the next connection', async () => {
    const other = start({ PGPASSWORD: 'canary-wrong' });
    await expect(other.query('select 1')).rejects.toThrow(/password authentication failed/);
    await other.do({ op: 'password', password: settings.PGPASSWORD ?? '' });
    expect(await other.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('no password in an error', async () => {
    const failure = await start({ PGPASSWORD: 'canary-wrong' })
      .query('select 1')
      .catch((error: unknown) => JSON.stringify(error, Object.getOwnPropertyNames(error)));
    expect(failure).toContain('password authentication failed');
    expect(failure).not.toContain('canary');
  });

  describe('TLS', () => {
    const refused = (changed: Record<string, string>): Promise<unknown> =>
      start(changed)
        .query('select 1')
        .then(
          (rows) => rows,
          (error: Error) => error.message,
        );

    test('is on, without being asked for', async () => {
      const [backend] = await start({ PGSSLMODE: '' }).query('select pg_backend_pid() as pid');
      const sql = 'select ssl from pg_stat_ssl where pid = $1';
      expect((await asAdmin((admin) => admin.query(sql, [backend?.pid]))).rows).toEqual([{ ssl: true }]);
    });

    test('refuses a server of another name', async () => {
      const relay = await startTcpRelay('127.0.0.2', server.local);
      try {
        const changed = { PGHOST: '127.0.0.2', PGPORT: String(relay.port) };
        expect(await refused(changed)).toMatch(/does not match|altnames/i);
      } finally {
        await relay.close();
      }
    });

    test('refuses an authority that it was not told to trust, also when Node is told to trust all', async () => {
      const changed = { PGSSLROOTCERT: '', NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' };
      expect(await refused(changed)).toMatch(/certificate/i);
    });

    test('PGSSLROOTCERT may be a file beside the code, wherever Lambda puts that, with more authorities in it', async () => {
      const folder = await makeTempDir();
      try {
        const own = await readFile(settings.PGSSLROOTCERT ?? '', 'utf8');
        await writeFile(join(folder, 'ca.pem'), [...rootCertificates.slice(0, 3), own].join('\n'));
        const other = start({ PGSSLROOTCERT: './ca.pem', LAMBDA_TASK_ROOT: folder });
        expect(await other.query('select 1 as one')).toEqual([{ one: 1 }]);
      } finally {
        await rm(folder, { recursive: true });
      }
    });

    test.each([
      ['demo.abc.eu-central-1.rds.amazonaws.com', '', true],
      ['demo.abc.eu-central-1.rds.amazonaws.com', 'own', false],
      ['demo.example.com', '', false],
    ])(
      'an unknown authority of %s with PGSSLROOTCERT=%s: RDS bundle advised: %s',
      async (host, ca, advised) => {
        const message = await refused({
          ...{ PGHOST: host, TEST_LOCAL_NAME: host },
          PGSSLROOTCERT: ca === 'own' ? (settings.PGSSLROOTCERT ?? '') : '',
        });
        expect(message).toMatch(/certificate/i);
        expect(/RDS needs Amazon's bundle/.test(String(message))).toBe(advised);
      },
    );

    test('never falls back: a server without TLS gets neither user nor password', async () => {
      const said: Buffer[] = [];
      const fake = createServer((socket: Socket) => {
        socket.on('error', () => {});
        socket.once('data', () => socket.write('N'));
        socket.on('data', (bytes) => said.push(bytes));
      });
      fake.listen(0, '127.0.0.1');
      await once(fake, 'listening');
      try {
        const changed = { PGHOST: '127.0.0.1', PGPORT: String((fake.address() as AddressInfo).port) };
        expect(await refused(changed)).toMatch(/does not support SSL/i);
        // One SSLRequest: 8 bytes, and not a byte more.
        expect(Buffer.concat(said).toString('hex')).toBe('0000000804d2162f');
      } finally {
        fake.close();
      }
    });

    test.each(['require', 'prefer', 'allow', 'verify-ca'])('PGSSLMODE=%s is refused', async (mode) => {
      expect(await refused({ PGSSLMODE: mode })).toBe(
        `the database settings are incomplete: PGSSLMODE=${mode} does not verify which server answers: ` +
          'use verify-full, with PGSSLROOTCERT for a private CA',
      );
    });
  });

  test('settings: every fault at once', async () => {
    const nothing = { PGHOST: '', PGDATABASE: '', PGUSER: '', PGPASSWORD: '' };
    const broken = { PGPORT: '99999', PGSSLMODE: 'require', PGSSLROOTCERT: '/nowhere/ca.pem' };
    const message = await start({ ...nothing, ...broken })
      .query('select 1')
      .catch((error: Error) => error.message);
    for (const fault of [
      'PGHOST is not set; PGDATABASE is not set; PGUSER is not set; PGPASSWORD is not set',
      'PGPORT=99999 is no port',
      'PGSSLMODE=require does not verify',
      'PGSSLROOTCERT=/nowhere/ca.pem cannot be read',
    ]) {
      expect(message).toContain(fault);
    }
  });

  test('a server that does not answer is given up in time, and the next statement dials again', async () => {
    const dialled: Socket[] = [];
    const silent = createServer((socket: Socket) => void dialled.push(socket.on('error', () => {})));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    try {
      const other = start({ PGHOST: '127.0.0.1', PGPORT: String(port), TEST_CONNECT_TIMEOUT_MS: '2000' });
      const where = `cannot connect to 127.0.0.1:${port}/library as library_a: `;
      await expect(other.query('select 1')).rejects.toThrow(where);
      await expect(other.query('select 1')).rejects.toThrow(/timeout expired/);
      expect(dialled).toHaveLength(2);
      // Nor for longer than the invocation may take, whatever the settings say.
      const patient = { PGHOST: '127.0.0.1', PGPORT: String(port), TEST_CONNECT_TIMEOUT_MS: '3600000' };
      const last = start(patient);
      await last.do({ op: 'invoke', remainingMs: 1_500 });
      await expect(last.query('select 1')).rejects.toThrow(/timeout expired/);
    } finally {
      for (const socket of dialled) socket.destroy();
      silent.close();
    }
  });
});
