import { once } from 'node:events';
import { type AddressInfo, createServer, type ListenOptions, Server, type Socket } from 'node:net';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, onTestFinished, test, vi } from 'vitest';
import { authentication, errorResponse, message, readyForQuery } from '../../../src/local/proxy/messages.ts';
import { ServerConnection } from '../../../src/local/proxy/server-connection.ts';
import { Secret } from '../../../src/secret.ts';
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

test('an idle session that says goodbye is over, though its connection is still open', async () => {
  const sockets: Socket[] = [];
  const database = createServer((socket) => {
    sockets.push(socket);
    const login = Buffer.concat([authentication(0), message('K', Buffer.alloc(8)), readyForQuery()]);
    socket.once('data', () => socket.write(login)).on('error', () => {});
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void database.close());
  await once(database, 'listening');
  const { port } = database.address() as AddressInfo;
  const login = { user: 'a', database: 'a', password: new Secret('a') };
  const session = await ServerConnection.open({ host: '127.0.0.1', port, tls: false }, login, () => {});
  sockets[0]?.write(errorResponse('FATAL', '57P01', 'terminating connection due to administrator command'));
  await eventually(
    () => session.gone,
    (gone) => gone,
  );
});

test('a port that is taken while it is chosen is not the one', async () => {
  const { listen } = Server.prototype;
  const others: Server[] = [];
  const spy = vi.spyOn(Server.prototype, 'listen').mockImplementation(function (this: Server, ...args) {
    const { port, host } = args[0] as ListenOptions;
    const isProxy = this.listenerCount('connection') > 0;
    if (isProxy && port !== 0 && others.length < 3) {
      others.push(
        Reflect.apply(
          listen,
          createServer().on('error', () => {}),
          [{ port, host, exclusive: true }],
        ),
      );
    }
    return Reflect.apply(listen, this, args);
  });
  onTestFinished(() => {
    spy.mockRestore();
    for (const other of others) other.close();
  });
  const another = await bed.startProxy();
  const one = await another.connect();
  await one.query('select 1');
  await one.end();
});
