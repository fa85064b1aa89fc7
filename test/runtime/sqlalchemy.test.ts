import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { execa } from '../../src/exec.ts';
import { functionEnvironment } from '../../src/local/function-environment.ts';
import { type ProxyBed, startProxyBed } from '../local/proxy/proxy-bed.ts';
import { type Driver, pythonOfTests, startDriver } from './driver.ts';
import { startTcpRelay } from './tcp-relay.ts';

/* The engine stands on the runtime's own connection, whose tests are connection.test.ts: here is what lies between. */

// Each process imports SQLAlchemy: a second, on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

let bed: ProxyBed;
let settings: Record<string, string>;
const drivers: Driver[] = [];

beforeAll(async () => {
  bed = await startProxyBed();
  settings = await functionEnvironment(bed.local.slots.a, bed.local.caFile);
  await bed.admin(`
    create table notes (id int generated always as identity primary key, text text not null, extra jsonb);
    create sequence call_count;
    grant all on notes, call_count to library_app`);
});
beforeEach(() => bed.admin('truncate notes; alter sequence call_count restart'));
afterEach(async () => {
  await Promise.all(drivers.splice(0).map((driver) => driver.stop()));
});
afterAll(() => bed.cleanUp());

const start = (changed: Record<string, string> = {}): Driver => {
  const driver = startDriver('python', '', { ...settings, TEST_DATABASE: 'sqlalchemy', ...changed });
  drivers.push(driver);
  return driver;
};
const pid = async (driver: Driver): Promise<unknown> =>
  (await driver.query('select pg_backend_pid() as pid'))[0]?.pid;
const killBackends = async (): Promise<number> =>
  (
    await bed.admin(
      "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'library_a'",
    )
  ).length;
const callCount = async (): Promise<number> => {
  const [row] = await bed.admin<{ n: number }>(
    'select (case when is_called then last_value else 0 end)::int as n from call_count',
  );
  return row?.n ?? 0;
};
const countCall = "select nextval('call_count')::int as n, pg_backend_pid() as pid";
const anHour = 60 * 60_000;

test('opens nothing before the first statement and keeps one connection after it', async () => {
  const driver = start({ LAMBDAPG_ENVIRONMENT_ID: 'feedf00d' });
  await driver.do({ op: 'skip', ms: 0 });
  expect(await bed.sessions()).toEqual([]);
  const first = await pid(driver);
  await driver.do({ op: 'skip', ms: anHour });
  expect(await pid(driver)).toBe(first);
  await expect(driver.query('select 1/0')).rejects.toMatchObject({ code: '22012' });
  expect(await pid(driver)).toBe(first);
  expect(await bed.sessions()).toEqual([
    { pid: first, state: 'idle', application_name: 'lpg/local/$LATEST/feedf00d' },
  ]);
});

test.each([
  ['idle', false, 0],
  ['frozen for a moment', true, 0],
  ['frozen for an hour', true, anHour],
])('a backend killed while %s: the next statement works, and runs once', async (_title, frozen, ms) => {
  const driver = start();
  const first = await pid(driver);
  for (let round = 1; round <= 3; round += 1) {
    if (frozen) driver.freeze();
    expect(await killBackends()).toBe(1);
    // In less than 10 ms nothing is looked at.
    await new Promise((resolve) => setTimeout(resolve, 20));
    if (frozen) driver.thaw();
    if (ms > 0) await driver.do({ op: 'skip', ms });
    const [row] = await driver.query(countCall);
    expect(row?.n).toBe(round);
    expect(row?.pid).not.toBe(first);
  }
  expect(await bed.sessions()).toHaveLength(1);
});

test('a peer that vanished without a goodbye is noticed before anything is sent', async () => {
  const relay = await startTcpRelay('127.0.0.1', bed.local);
  try {
    const driver = start({ PGPORT: String(relay.port) });
    const first = await pid(driver);
    relay.silence();
    await driver.do({ op: 'skip', ms: anHour });
    const [row] = await driver.query(countCall);
    expect(row?.n).toBe(1);
    expect(row?.pid).not.toBe(first);
  } finally {
    await relay.close();
  }
});

test('a statement that was cut off is an error, is not sent again, and the next one works', async () => {
  const driver = start();
  await pid(driver);
  const cut = expect(driver.query("select nextval('call_count'), pg_sleep(60)")).rejects.toMatchObject({
    code: '57P01',
  });
  await expect.poll(callCount, { timeout: 20_000 }).toBe(1);
  await killBackends();
  await cut;
  expect(await driver.query('select 1 as one')).toEqual([{ one: 1 }]);
  expect(await callCount()).toBe(1);
});

test('a transaction that fails is rolled back, and the connection is used on', async () => {
  const driver = start();
  const first = await pid(driver);
  const insert = "insert into notes (text) values ('a')";
  await expect(driver.do({ op: 'transaction', statements: [insert, 'select 1/0'] })).rejects.toMatchObject({
    code: '22012',
  });
  await expect(driver.do({ op: 'transaction', statements: [insert], fail: true })).rejects.toThrow(
    'the work failed',
  );
  expect(await driver.query('select id from notes')).toEqual([]);
  expect(await pid(driver)).toBe(first);
});

test('a password that changes is used by the next connection, and no error holds one', async () => {
  const driver = start();
  await pid(driver);
  await driver.do({ op: 'password', password: 'canary-wrong' });
  expect(await driver.query('select 1 as one')).toEqual([{ one: 1 }]);
  // Used less than 10 ms ago it would not be looked at before its next statement.
  await new Promise((resolve) => setTimeout(resolve, 20));
  await killBackends();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const refusal = await driver.query('select 1').catch((error: unknown) => error);
  expect(refusal).toMatchObject({
    message: expect.stringMatching(/cannot connect to .* as library_a: .*password authentication failed/s),
  });
  expect(JSON.stringify(refusal)).not.toContain('canary');
  await driver.do({ op: 'password', password: settings.PGPASSWORD ?? '' });
  expect(await driver.query('select 1 as one')).toEqual([{ one: 1 }]);
});

test('without a free slot it waits for one, as the runtime does', async () => {
  await bed.admin('alter role library_a connection limit 1');
  const holder = start();
  await pid(holder);
  // On the way of the other one, to see that it was refused: its first connection ends.
  const refused = createServer((near) => {
    const far = connect(bed.local.port, bed.local.host);
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on('error', () => {});
    near.once('close', () => refused.emit('refused'));
  }).listen(0, '127.0.0.1');
  try {
    await once(refused, 'listening');
    const waiting = start({ PGPORT: String((refused.address() as AddressInfo).port) }).query(countCall);
    await once(refused, 'refused');
    await holder.stop();
    expect((await waiting)[0]?.n).toBe(1);
  } finally {
    refused.close();
    await bed.admin('alter role library_a connection limit -1');
  }
});

const runPytest = async (changed: Record<string, string> = {}): Promise<void> => {
  const args = ['-B', '-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'test_sqlalchemy.py'];
  const { all, exitCode } = await execa(pythonOfTests, args, {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    all: true,
    reject: false,
    env: {
      ...settings,
      PYTHONPATH: fileURLToPath(new URL('../../templates/runtime-python', import.meta.url)),
      ...changed,
    },
  });
  expect(exitCode, all).toBe(0);
  expect(all).toMatch(/^6 passed/m);
};

test('messages, threads and the ORM, on a direct connection (test_sqlalchemy.py)', () => runPytest());

test('the same through RDS Proxy as it is emulated, without a pin', async () => {
  const proxy = await bed.startProxy({ maxConnections: 1 });
  await runPytest({ PGPORT: String(proxy.port) });
  expect(proxy.metrics().pins).toEqual({});

  // The other way round: a session setting would have been noticed.
  const driver = start({ PGPORT: String(proxy.port) });
  await driver.query("set work_mem = '5MB'");
  expect(proxy.metrics().pins).toEqual({ set: 1 });
});
