import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { eventually, type ProxyBed, startProxyBed, type TestProxy } from './proxy-bed.ts';

let bed: ProxyBed;
let proxy: TestProxy;
beforeAll(async () => {
  bed = await startProxyBed();
  await bed.admin(`grant temporary on database library to ${bed.local.slots.a.user}, library_app`);
});
beforeEach(async () => {
  proxy = await bed.startProxy({ maxConnections: 1 });
});
afterEach(async () => {
  vi.useRealTimers();
  await bed.stopProxies();
});
afterAll(() => bed.cleanUp());

const pins = () => proxy.context.events.filter(({ type }) => type === 'proxy-pin-warning');

describe('a pinned client', () => {
  test('keeps its session to its end; then the session is as new', async () => {
    const pinned = await proxy.connect({ application_name: 'lpg/api/$LATEST/0123abcd' });
    await pinned.query("set statement_timeout = '77s'");
    await pinned.query('create temp table mine (a int)');
    await pinned.query('select pg_advisory_lock(7)');
    const [session] = await bed.sessions();
    expect(pins()).toEqual([
      expect.objectContaining({
        cause: 'set',
        functionName: 'api',
        dbConnection: session?.pid,
        message: expect.stringMatching(
          /^api is pinned to database connection \d+: SQL changed session settings/,
        ),
      }),
    ]);
    expect(proxy.log.at(-1)).toMatch(
      /^\S+Z \[WARN\] \[proxyEndpoint=default\] \[clientConnection=\d+\] The client session was pinned to the database connection \[dbConnection=\d+\] for the remainder of the session\. The proxy can't reuse this connection until the session ends\. Reason: SQL changed session settings that the proxy doesn't track\. Consider moving session configuration to the proxy's initialization query\. Digest: "set statement_timeout = \$1"\.$/,
    );
    expect(proxy.metrics()).toMatchObject({
      DatabaseConnectionsCurrentlySessionPinned: 1,
      DatabaseConnectionsCurrentlyBorrowed: 1,
      pins: { set: 1 },
    });
    const connecting = proxy.connect();
    await pinned.query("select 'still mine' from mine");
    await pinned.end();
    const next = await connecting;
    const { rows } = await next.query(
      "select current_setting('statement_timeout') as t, to_regclass('mine') as mine, pg_try_advisory_xact_lock(7) as free, pg_backend_pid() as pid",
    );
    expect(rows).toEqual([{ t: '0', mine: null, free: true, pid: session?.pid }]);
    expect(proxy.metrics().DatabaseConnectionsCurrentlySessionPinned).toBe(0);
    await next.end();
  });

  test.each([
    ['a named statement', 'prepared-statement', { name: 'one', text: 'select $1::int', values: [1] }],
    ['LISTEN', 'listen', { text: 'listen books' }],
    ['a temporary table', 'temporary-object', { text: 'create temp table if not exists t (a int)' }],
    ['a statement of more than 16 KB', 'statement-size', { text: `select '${'x'.repeat(16_384)}'` }],
    [
      'a parameterised one of more than 16 KB',
      'statement-size',
      { text: `select $1::int, '${'x'.repeat(16_384)}'`, values: [1] },
    ],
    ['PREPARE', 'prepared-statement', { text: 'deallocate all; prepare p as select 1; execute p' }],
  ])('%s pins', async (_, cause, query) => {
    const client = await proxy.connect();
    await client.query(query);
    await client.query(query);
    expect(proxy.metrics().pins).toEqual({ [cause]: 1 });
    expect(pins()).toEqual([expect.objectContaining({ cause })]);
    await client.end();
  });

  test('notifications arrive', async () => {
    const client = await proxy.connect();
    const heard = new Promise((resolve) => client.once('notification', ({ payload }) => resolve(payload)));
    await client.query('listen books');
    await bed.admin("select pg_notify('books', 'new')");
    expect(await heard).toBe('new');
    await client.end();
  });
});

test('parameters, large values, SET LOCAL and transactions do not pin', async () => {
  const [a, b] = [await proxy.connect(), await proxy.connect()];
  for (const client of [a, b]) {
    const value = 'v'.repeat(200_000);
    expect((await client.query('select $1::text as value', [value])).rows).toEqual([{ value }]);
    await client.query('begin');
    await client.query("set local statement_timeout = '5s'");
    await client.query('select pg_advisory_xact_lock(1)');
    await client.query('commit');
  }
  expect(proxy.metrics()).toMatchObject({ pins: {}, QueryRequests: 10 });
  expect(pins()).toEqual([]);
  await a.end();
  await b.end();
});

test('with pinUnnamedParse every parameterised query pins, a simple one does not', async () => {
  const strict = await bed.startProxy({ pinUnnamedParse: true });
  const client = await strict.connect();
  await client.query('select 1');
  expect(strict.metrics().pins).toEqual({});
  await client.query('select $1::int', [1]);
  expect(strict.metrics().pins).toEqual({ parse: 1 });
  expect(strict.log.at(-1)).toContain('Reason: A parse message was detected.');
  await client.end();
  await strict.stop();
});

test('more pinned clients than sessions: the next one waits, and is refused in the words of RDS Proxy', async () => {
  const borrowTimeoutMs = 120_000;
  const small = await bed.startProxy({ maxConnections: 2, borrowTimeoutMs });
  const clients = [
    await small.connect(),
    await small.connect(),
    await small.connect(),
    await small.connect(),
  ];
  await clients[0]?.query('set a.b = 1');
  await clients[1]?.query('set a.b = 1');
  const { DatabaseConnectionRequests: before } = small.metrics();
  // Only these two wait by a clock that the test turns on: what has to succeed has the whole time.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const refused = clients.slice(2).map((client) =>
    expect(client.query('select 1')).rejects.toMatchObject({
      code: '08000',
      message: 'Timed-out waiting to acquire database connection.',
    }),
  );
  await expect.poll(() => small.metrics().DatabaseConnectionRequests).toBe(before + 2);
  vi.advanceTimersByTime(borrowTimeoutMs);
  vi.useRealTimers();
  await Promise.all(refused);
  await clients[0]?.end();
  const after = await small.connect();
  expect((await after.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  for (const client of [clients[1], after]) await client?.end();
  await eventually(
    () => small.metrics().ClientConnections,
    (count) => count === 0,
  );
  await small.stop();
});

test('the initialization query runs on each session, and again after a reset', async () => {
  const initialised = await bed.startProxy({ maxConnections: 1, initQuery: "set statement_timeout = '9s'" });
  const show = "select current_setting('statement_timeout') as t";
  const first = await initialised.connect();
  expect((await first.query(show)).rows).toEqual([{ t: '9s' }]);
  await first.query("set statement_timeout = '1s'");
  await first.end();
  const second = await initialised.connect();
  expect((await second.query(show)).rows).toEqual([{ t: '9s' }]);
  expect(initialised.metrics().DatabaseConnectionsSetupSucceeded).toBe(1);
  await second.end();
  await initialised.stop();
});
