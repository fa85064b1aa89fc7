import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, test } from 'vitest';
import { startTcpRelay, type TcpRelay } from '../../runtime/tcp-relay.ts';
import { eventually, type ProxyBed, socketOf, startProxyBed, type TestProxy } from './proxy-bed.ts';

/* What happens while something is still on its way between the proxy and the database. */

let bed: ProxyBed;
let relay: TcpRelay;
let proxy: TestProxy;
let client: pg.Client;
beforeAll(async () => {
  bed = await startProxyBed();
});
afterAll(() => bed.cleanUp());
beforeEach(async () => {
  relay = await startTcpRelay('127.0.0.1', bed.local);
  proxy = await bed.startProxy({
    target: { ...bed.local.slots.a, host: '127.0.0.1', port: relay.port },
    maxConnections: 1,
  });
  client = await proxy.connect();
});
afterEach(async () => {
  await proxy.stop();
  await relay.close();
});

test('a client that leaves before the database has begun its statement: it is ended all the same', async () => {
  await client.query('begin');
  relay.hold();
  const lost = client.query('select pg_sleep(60)').catch(() => {});
  await eventually(relay.held, (times) => times > 0);
  socketOf(client).destroy();
  await lost;
  // The cancel request has overtaken the statement.
  await eventually(relay.over, (count) => count > 0);
  relay.letGo();
  await eventually(
    () => bed.sessions(),
    (sessions) => sessions.length === 0,
  );
});
