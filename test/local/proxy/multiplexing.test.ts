import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { eventually, type ProxyBed, startProxyBed } from './proxy-bed.ts';

let bed: ProxyBed;
beforeAll(async () => {
  bed = await startProxyBed();
});
afterEach(() => bed.stopProxies());
afterAll(() => bed.cleanUp());

const pid = 'select pg_backend_pid() as pid';

describe('one session of the database for many clients', () => {
  test('clients take turns, transaction by transaction', async () => {
    const proxy = await bed.startProxy({ maxConnections: 1 });
    const [a, b] = [await proxy.connect(), await proxy.connect()];
    const pids = [];
    for (const client of [a, b, a, b]) pids.push((await client.query(pid)).rows[0].pid);
    expect(new Set(pids).size).toBe(1);
    await a.query('begin');
    await a.query('select 1');
    const waiting = b.query('select 2 as two');
    expect(proxy.metrics()).toMatchObject({
      ClientConnections: 2,
      DatabaseConnections: 1,
      DatabaseConnectionsCurrentlyBorrowed: 1,
      DatabaseConnectionsCurrentlyInTransaction: 1,
      DatabaseConnectionsCurrentlySessionPinned: 0,
    });
    await a.query('commit');
    expect((await waiting).rows).toEqual([{ two: 2 }]);
    await a.end();
    await b.end();
    await proxy.stop();
  });

  // 420 logins, of both sides, in one process: a busy machine needs a quarter of a minute for them.
  test('200 clients over 20 sessions are all served', { timeout: 180_000 }, async () => {
    const proxy = await bed.startProxy({ maxConnections: 20, borrowTimeoutMs: 120_000 });
    const clients = await Promise.all(Array.from({ length: 200 }, () => proxy.connect()));
    const answers = await Promise.all(
      clients.map(async (client, at) => {
        const { rows } = await client.query('select $1::int as at, pg_sleep(0.005)', [at]);
        return rows[0].at;
      }),
    );
    expect(answers).toEqual(clients.map((_, at) => at));
    expect((await bed.sessions()).length).toBeLessThanOrEqual(20);
    expect(proxy.metrics()).toMatchObject({ ClientConnections: 200, pins: {} });
    await Promise.all(clients.map((client) => client.end()));
    await eventually(
      () => proxy.metrics().ClientConnections,
      (count) => count === 0,
    );
    await proxy.stop();
    await eventually(
      () => bed.sessions(),
      (sessions) => sessions.length === 0,
    );
  });
});
