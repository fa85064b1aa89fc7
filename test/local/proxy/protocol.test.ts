import type { Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { FrameReader } from '../../../src/local/proxy/frames.ts';
import { message, query, readFields, uint32 } from '../../../src/local/proxy/messages.ts';
import { logIn } from '../../../src/local/proxy/server-login.ts';
import { eventually, type ProxyBed, startProxyBed, type TestProxy } from './proxy-bed.ts';

let bed: ProxyBed;
let proxy: TestProxy;
beforeAll(async () => {
  bed = await startProxyBed();
  await bed.admin('create table things (id int)');
  await bed.admin('grant all on things to library_app');
});
beforeEach(async () => {
  proxy = await bed.startProxy({ maxConnections: 1 });
  return () => proxy.stop();
});
afterAll(() => bed.cleanUp());

const noCounts = Buffer.alloc(2);
const parse = (sql: string, name = '') => message('P', name, sql, noCounts);
const bind = (statement = '') => message('B', '', statement, noCounts, noCounts, noCounts);
const execute = message('E', '', uint32(0));
const sync = message('S');
const flush = message('H');
const batch = (sql: string) => Buffer.concat([parse(sql), bind(), execute]);

/** A client that speaks in messages. `types` is what came so far, one letter a message. */
async function openRaw(): Promise<{
  socket: Socket;
  send(...messages: Buffer[]): void;
  types(): string;
  until(end: RegExp): Promise<string>;
  errors: string[];
}> {
  const { socket } = await logIn(proxy.target, proxy.target as never);
  const reader = new FrameReader(new Map([...'123CDEGHIKnNRSTZcstW'].map((type) => [type, 4_096])));
  const errors: string[] = [];
  let seen = '';
  socket.on('data', (chunk) => {
    reader.push(chunk);
    for (let piece = reader.next(); piece !== undefined; piece = reader.next()) {
      if (piece.frame === undefined) continue;
      if (piece.frame.type === 'E') errors.push(readFields(piece.frame.body).get('C') ?? '');
      seen += piece.frame.type === 'Z' ? `Z${piece.frame.body} ` : piece.frame.type;
    }
  });
  socket.resume();
  return {
    socket,
    errors,
    send: (...messages) => void socket.write(Buffer.concat(messages)),
    types: () => seen,
    until: (end) =>
      eventually(
        () => seen,
        (text) => end.test(text),
      ),
  };
}

const borrowed = () => proxy.metrics().DatabaseConnectionsCurrentlyBorrowed;

describe('the extended protocol', () => {
  test('several batches and queries in one write are answered in order', async () => {
    const raw = await openRaw();
    raw.send(batch('select 1'), sync, batch('select 2'), sync, query('select 3'), batch('select 4'), sync);
    expect(await raw.until(/(Z.*){4}/)).toBe('12DCZI 12DCZI TDCZI 12DCZI ');
    await eventually(borrowed, (count) => count === 0);
  });

  test('byte by byte it is the same', async () => {
    const raw = await openRaw();
    const bytes = Buffer.concat([query('begin'), batch("select 'x'"), sync, query('commit')]);
    for (const byte of bytes) raw.send(Buffer.from([byte]));
    expect(await raw.until(/(Z.*){3}/)).toBe('CZT 12DCZT CZI ');
  });

  test('after an error everything up to the Sync is skipped, and the session goes back then', async () => {
    const raw = await openRaw();
    const other = await proxy.connect();
    raw.send(batch('select 1/0'), batch('select 2'), flush);
    await raw.until(/E/);
    expect(borrowed()).toBe(1);
    const waiting = other.query('select 5 as n');
    raw.send(batch('select 3'), sync);
    expect(await raw.until(/Z/)).toBe('1EZI ');
    expect((await waiting).rows).toEqual([{ n: 5 }]);
    await other.end();
  });

  test('Flush keeps the session, Sync returns it', async () => {
    const raw = await openRaw();
    raw.send(batch('select 1'), flush);
    expect(await raw.until(/C/)).toBe('12DC');
    expect(borrowed()).toBe(1);
    raw.send(sync);
    await raw.until(/Z/);
    await eventually(borrowed, (count) => count === 0);
  });

  test('a Sync that the database ignores during COPY is not waited for', async () => {
    const raw = await openRaw();
    raw.send(batch('copy things from stdin'), sync);
    await raw.until(/G/);
    raw.send(message('d', Buffer.from('1\n2\n')), message('c'), sync);
    expect(await raw.until(/Z/)).toBe('12GCZI ');
    await eventually(borrowed, (count) => count === 0);
    raw.send(batch('copy things from stdin'), sync);
    await raw.until(/Z.*G/);
    raw.send(message('d', Buffer.from('not a number\n')), message('c'), sync);
    expect(await raw.until(/Z.*Z/)).toBe('12GCZI 12GEZI ');
    await eventually(borrowed, (count) => count === 0);
    expect(raw.errors).toEqual(['22P02']);
  });

  test('COPY given up by the client', async () => {
    const raw = await openRaw();
    raw.send(query('copy things from stdin'));
    await raw.until(/G/);
    raw.send(message('f', 'no more'));
    expect(await raw.until(/Z/)).toBe('GEZI ');
    await eventually(borrowed, (count) => count === 0);
  });

  test('a function call', async () => {
    const raw = await openRaw();
    const pgBackendPid = uint32(2_026);
    raw.send(message('F', pgBackendPid, noCounts, noCounts, noCounts));
    expect(await raw.until(/Z/)).toMatch(/ZI $/);
    await eventually(borrowed, (count) => count === 0);
  });

  test('a named statement pins at its Parse; after the client the next finds none', async () => {
    const raw = await openRaw();
    raw.send(parse('select 1', 'mine'), sync);
    await raw.until(/Z/);
    raw.send(bind('mine'), execute, sync);
    expect(await raw.until(/Z.*Z/)).toBe('1ZI 2DCZI ');
    expect(proxy.metrics()).toMatchObject({
      pins: { 'prepared-statement': 1 },
      DatabaseConnectionsCurrentlySessionPinned: 1,
    });
    raw.send(message('X'));
    const next = await proxy.connect();
    expect((await next.query('select name from pg_prepared_statements')).rows).toEqual([]);
    await next.end();
  });
});

test('bytes that are no message end the client, and nobody else', async () => {
  const raw = await openRaw();
  const other = await proxy.connect();
  raw.send(query('begin'));
  await raw.until(/Z/);
  raw.send(Buffer.from('GET / HTTP/1.1\r\n\r\n'));
  await eventually(
    () => proxy.metrics().ClientConnections,
    (count) => count === 1,
  );
  expect((await other.query('select 5 as n')).rows).toEqual([{ n: 5 }]);
  await other.end();
});

test('the rest of a message that its COPY did not wait for is not taken for another one', async () => {
  const raw = await openRaw();
  const other = await proxy.connect();
  raw.send(query('copy things from stdin'));
  await raw.until(/G/);
  const data = message('d', Buffer.from(`not a number\n${'x'.repeat(200_000)}\n`));
  raw.send(message('d', Buffer.from('neither\n')), data.subarray(0, 100_000));
  await raw.until(/Z/);
  const waiting = other.query('select 5 as n');
  raw.send(data.subarray(100_000), message('c'));
  expect((await waiting).rows).toEqual([{ n: 5 }]);
  raw.send(query('select 6'));
  expect(await raw.until(/Z.*Z/)).toBe('GEZI TDCZI ');
  await other.end();
});
