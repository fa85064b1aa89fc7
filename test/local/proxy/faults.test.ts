import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { sendCancel } from './pooler-suite.ts';
import { eventually, type ProxyBed, socketOf, startProxyBed } from './proxy-bed.ts';

let bed: ProxyBed;
beforeAll(async () => {
  bed = await startProxyBed();
  await bed.admin('create table things (id int primary key, name text)');
  await bed.admin('grant all on things to library_app');
});
afterEach(() => bed.stopProxies());
afterAll(() => bed.cleanUp());

const active = (sessions: { state: string }[]) => sessions[0]?.state === 'active';
const pid = async (client: pg.Client) => (await client.query('select pg_backend_pid() as pid')).rows[0].pid;

describe('COPY that fails while the client still sends', () => {
  test.each(['a duplicate at the start', 'a duplicate at the end'])('%s', async (where) => {
    const proxy = await bed.startProxy({ maxConnections: 1 });
    const [a, b] = [await proxy.connect(), await proxy.connect()];
    const ids = Array.from({ length: 30_000 }, (_, at) => at);
    if (where === 'a duplicate at the start') ids[1] = 0;
    else ids[29_999] = 0;
    const rows = ids.map((id) => `${id}\t${'x'.repeat(500)}\n`);
    const copying = pipeline(Readable.from(rows), a.query(copyFrom('copy things from stdin')));
    const failed = expect(copying).rejects.toMatchObject({ code: '23505' });
    const others = eventually(
      async () => (await b.query('select count(*)::int as n from things')).rows[0].n,
      () => true,
    );
    await failed;
    expect(await others).toBe(0);
    for (const client of [a, b, a]) expect((await client.query('select 5 as n')).rows).toEqual([{ n: 5 }]);
    expect(proxy.metrics()).toMatchObject({ DatabaseConnectionsSetupSucceeded: 1 });
    await proxy.stop();
  });
});

describe('a client that disappears', () => {
  test('in a transaction: it is rolled back and the session goes on', async () => {
    const proxy = await bed.startProxy({ maxConnections: 1 });
    const [a, b] = [await proxy.connect(), await proxy.connect()];
    await a.query('begin');
    await a.query("insert into things values (1, 'never')");
    const session = (await bed.sessions())[0]?.pid;
    socketOf(a).destroy();
    expect((await b.query('select * from things')).rows).toEqual([]);
    expect(await pid(b)).toBe(session);
    await proxy.stop();
  });

  test('while its query runs: the query is ended, its session closed, and both are told in the log', async () => {
    const proxy = await bed.startProxy({ maxConnections: 1 });
    const [a, b] = [await proxy.connect(), await proxy.connect()];
    const sleeping = a.query('select pg_sleep(60)').catch(() => {});
    await eventually(() => bed.sessions(), active);
    const [before] = await bed.sessions();
    socketOf(a).destroy();
    await sleeping;
    expect(await pid(b)).not.toBe(before?.pid);
    await eventually(
      () => bed.sessions(),
      (sessions) => sessions.every((session) => session.pid !== before?.pid),
    );
    expect(proxy.log.join('\n')).toMatch(
      /\[dbConnection=\d+\] The database connection closed\. Reason: .*middle of a request\./,
    );
    await proxy.stop();
  });

  test('pinned: its locks and tables go with it', async () => {
    const proxy = await bed.startProxy({ maxConnections: 1 });
    const [a, b] = [await proxy.connect(), await proxy.connect()];
    await a.query('begin');
    await a.query('select pg_advisory_lock(11)');
    socketOf(a).destroy();
    expect((await b.query('select pg_try_advisory_xact_lock(11) as free')).rows).toEqual([{ free: true }]);
    await proxy.stop();
  });

  test('while it waits for a session: the others move up', async () => {
    const proxy = await bed.startProxy({ maxConnections: 1 });
    const [a, b, c] = [await proxy.connect(), await proxy.connect(), await proxy.connect()];
    await a.query('begin');
    void b.query("insert into things values (2, 'never')").catch(() => {});
    await eventually(
      () => proxy.metrics().DatabaseConnectionRequests,
      (count) => count === 3,
    );
    const third = c.query('select * from things');
    socketOf(b).destroy();
    await eventually(
      () => proxy.metrics().ClientConnections,
      (count) => count === 2,
    );
    await a.query('commit');
    expect((await third).rows).toEqual([]);
    await proxy.stop();
  });
});

describe('cancel requests', () => {
  test('are ignored, as RDS Proxy ignores them', async () => {
    const proxy = await bed.startProxy();
    const client = await proxy.connect();
    // It runs for as long as the test holds the lock.
    await bed.admin('select pg_advisory_lock(12)');
    const waiting = client.query('select pg_advisory_xact_lock(12), 1 as done');
    await eventually(() => bed.sessions(), active);
    await sendCancel(proxy.target, client);
    await bed.admin('select pg_advisory_unlock(12)');
    expect((await waiting).rows).toEqual([expect.objectContaining({ done: 1 })]);
    await proxy.stop();
  });
});

describe('a database that fails', () => {
  test('a client in a transaction is told so and closed; one between transactions notices nothing', async () => {
    const proxy = await bed.startProxy({ maxConnections: 2 });
    const [a, b] = [await proxy.connect(), await proxy.connect()];
    const told: (Error & { code?: string })[] = [];
    a.on('error', (error) => told.push(error));
    await a.query('begin');
    await bed.admin("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'library_a'");
    await eventually(
      () => told.length,
      (count) => count > 0,
    );
    expect(told[0]).toMatchObject({ code: '57P01' });
    await eventually(
      () => proxy.metrics().DatabaseConnections,
      (count) => count === 0,
    );
    expect((await b.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await proxy.stop();
  });

  test('no slot left: clients wait for one, up to the borrow timeout', async () => {
    const proxy = await bed.startProxy({ maxConnections: 1 });
    await bed.admin('alter role library_a connection limit 0');
    const short = await bed.startProxy({ maxConnections: 1, borrowTimeoutMs: 300 });
    await expect(short.connect()).rejects.toMatchObject({ code: '08000' });
    // The login goes on after its client was refused.
    await eventually(
      () => short.metrics().DatabaseConnectionsSetupFailed,
      (count) => count > 0,
    );
    const connecting = proxy.connect();
    await eventually(
      () => proxy.metrics().DatabaseConnectionsSetupFailed,
      (count) => count > 0,
    );
    await bed.admin('alter role library_a connection limit -1');
    await (await connecting).end();
    await Promise.all([proxy.stop(), short.stop()]);
  });

  test('nobody listens: the borrow timeout', async () => {
    const proxy = await bed.startProxy({ target: { ...bed.local.slots.a, port: 1 }, borrowTimeoutMs: 300 });
    await expect(proxy.connect()).rejects.toMatchObject({ code: '08000' });
    await proxy.stop();
  });
});

describe('time', () => {
  test('an idle client is closed', async () => {
    const proxy = await bed.startProxy({ idleClientTimeoutMs: 200 });
    const client = await proxy.connect();
    const told = new Promise<Error>((resolve) => client.once('error', resolve));
    expect((await told).message).toBe('Connection terminated unexpectedly');
    expect(proxy.metrics().ClientConnections).toBe(0);
    await proxy.stop();
  });

  test('sessions that nobody needs are closed, down to the idle maximum', async () => {
    const proxy = await bed.startProxy({ maxConnections: 3, maxIdleConnections: 1, idleConnectionMs: 100 });
    const clients = [await proxy.connect(), await proxy.connect(), await proxy.connect()];
    // Each in a transaction has a session of its own, however long its login takes.
    await Promise.all(clients.map((client) => client.query('begin')));
    expect(proxy.metrics().DatabaseConnections).toBe(3);
    await Promise.all(clients.map((client) => client.query('commit')));
    await eventually(
      () => bed.sessions(),
      (sessions) => sessions.length === 1,
    );
    expect(await pid(clients[0] as pg.Client)).toBe((await bed.sessions())[0]?.pid);
    await proxy.stop();
  });

  test('stop ends clients in the middle of everything, within its second', async () => {
    const proxy = await bed.startProxy({ maxConnections: 2 });
    const clients = [await proxy.connect(), await proxy.connect(), await proxy.connect()];
    const ends = [
      clients[0]?.query('select pg_sleep(60)'),
      clients[1]?.query('begin; select pg_sleep(60)'),
      clients[2]?.query('select 1'),
    ].map((query) =>
      query?.then(
        () => 'answered',
        () => 'ended',
      ),
    );
    await eventually(
      () => bed.sessions(),
      (all) => all.length === 2 && all.every(({ state }) => state === 'active'),
    );
    await Promise.race([
      proxy.stop(),
      new Promise((_, reject) => setTimeout(reject, 5_000, new Error('still not stopped'))),
    ]);
    expect(await Promise.all(ends)).toEqual(['ended', 'ended', 'ended']);
    await expect(proxy.connect()).rejects.toThrow(/ECONNREFUSED/);
    await eventually(
      () => bed.sessions(),
      (sessions) => sessions.length === 0,
    );
  });
});

test('two databases share the limit: unused sessions of one make room for the other', async () => {
  await bed.admin('create database second');
  const proxy = await bed.startProxy({ maxConnections: 1 });
  const first = await proxy.connect();
  const second = await proxy.connect({ database: 'second' });
  for (const [client, name] of [
    [first, 'library'],
    [second, 'second'],
    [first, 'library'],
  ] as const)
    expect((await client.query('select current_database() as name')).rows).toEqual([{ name }]);
  expect(await bed.sessions()).toHaveLength(1);
  await proxy.stop();
});
