import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ConnectionTarget } from '../../../src/database/target.ts';
import { cancelRequest, uint32 } from '../../../src/local/proxy/messages.ts';
import { connectToDatabase } from '../../../src/local/proxy/server-login.ts';
import { clientConfig, eventually, type ProxyBed, socketOf, startProxyBed } from './proxy-bed.ts';

/** Something that lends few sessions of the database to many clients. */
export type StartPooler = (
  bed: ProxyBed,
  maxConnections: number,
) => Promise<{ target: ConnectionTarget; stop(): Promise<void> }>;

/** What any pooler in transaction mode does: run through the local proxy and through PgBouncer. */
export function describePooler(name: string, start: StartPooler): void {
  describe(name, () => {
    let bed: ProxyBed;
    let pooler: { target: ConnectionTarget; stop(): Promise<void> };
    let clients: pg.Client[] = [];
    beforeAll(async () => {
      bed = await startProxyBed();
      await bed.admin('create table things (id int primary key, name text)');
      await bed.admin('create table slow_things (like things)');
      await bed.admin(`create function wait() returns trigger language plpgsql as
        $$ begin perform pg_advisory_xact_lock_shared(9); return null; end $$`);
      await bed.admin(
        'create trigger slow before insert on slow_things for each row execute function wait()',
      );
      await bed.admin('grant all on things, slow_things to library_app');
    });
    beforeEach(async () => {
      pooler = await start(bed, 1);
    });
    afterEach(async () => {
      await Promise.all(clients.map((client) => client.end().catch(() => {})));
      clients = [];
      await pooler.stop();
      await eventually(
        () => bed.sessions(),
        (sessions) => sessions.length === 0,
      );
      await bed.admin('truncate things');
    });
    afterAll(() => bed.cleanUp());

    const connect = async (): Promise<pg.Client> => {
      const client = new pg.Client(clientConfig(pooler.target));
      client.on('error', () => {});
      await client.connect();
      clients.push(client);
      return client;
    };
    const pair = async () => [await connect(), await connect()] as const;

    test('one session serves two clients, never within a transaction', async () => {
      const [a, b] = await pair();
      await a.query('begin');
      await a.query("insert into things values (1, 'one')");
      const counting = b.query('select count(*)::int as n from things');
      await a.query("insert into things values (2, 'two')");
      await a.query('commit');
      expect((await counting).rows).toEqual([{ n: 2 }]);
      expect(await bed.sessions()).toHaveLength(1);
    });

    test('errors and notices arrive; a failed transaction stays failed until its end', async () => {
      const [a, b] = await pair();
      const notices: (string | undefined)[] = [];
      a.on('notice', ({ message }) => notices.push(message));
      await a.query("do $$ begin raise notice 'look'; end $$");
      expect(notices).toEqual(['look']);
      await expect(a.query('select 1/0')).rejects.toMatchObject({ code: '22012', routine: 'int4div' });
      await a.query('begin');
      await expect(a.query('nonsense')).rejects.toMatchObject({ code: '42601', position: '1' });
      const other = b.query('select 1 as one');
      await expect(a.query('select 1')).rejects.toMatchObject({ code: '25P02' });
      await a.query('rollback');
      expect((await other).rows).toEqual([{ one: 1 }]);
    });

    test('several statements in one query, with an error in the middle', async () => {
      const [a, b] = await pair();
      const results = (await a.query('select 1 as a; select 2 as b')) as unknown as pg.QueryResult[];
      expect(results.map(({ rows }) => rows)).toEqual([[{ a: 1 }], [{ b: 2 }]]);
      await expect(
        a.query('insert into things values (1); select 1/0; insert into things values (2)'),
      ).rejects.toThrow();
      expect((await b.query('select * from things')).rows).toEqual([]);
    });

    test('parameterised queries that fail while they are parsed, bound and executed', async () => {
      const [a, b] = await pair();
      for (const [text, values] of [
        ['select nothing', ['x']],
        ['select $1::int', ['x']],
        ['select 1 / $1::int', [0]],
      ] as const) {
        await expect(a.query(text, [...values])).rejects.toThrow();
        expect((await b.query('select $1::int as n', [3])).rows).toEqual([{ n: 3 }]);
        expect((await a.query('select $1::int as n', [4])).rows).toEqual([{ n: 4 }]);
      }
    });

    test('COPY in both directions', async () => {
      const [a, b] = await pair();
      const lines = Array.from({ length: 50_000 }, (_, at) => `${at}\tthing ${at}\n`);
      await pipeline(Readable.from(lines), a.query(copyFrom('copy things from stdin')));
      let bytes = 0;
      for await (const chunk of b.query(copyTo('copy things to stdout'))) bytes += (chunk as Buffer).length;
      expect(bytes).toBe(lines.join('').length);
      expect((await a.query('select count(*)::int as n from things')).rows).toEqual([{ n: 50_000 }]);
    });

    test('a client that reads slowly holds the database back, not the memory of the pooler', async () => {
      const slow = await connect();
      const stream = socketOf(slow);
      const rows: number[] = [];
      const reading = slow.query(
        copyTo("copy (select repeat('x', 1000) from generate_series(1, 100000)) to stdout"),
      );
      reading.on('data', (chunk: Buffer) => rows.push(chunk.length));
      stream.pause();
      reading.pause();
      // From here on, no COPY means that it is over.
      await eventually(() => copied(bed), Number.isFinite);
      expect(await standStill(() => copied(bed))).toBeLessThan(60_000);
      stream.resume();
      reading.resume();
      await once(reading, 'end');
      expect(rows.reduce((sum, length) => sum + length, 0)).toBe(100_100_000);
    });

    test('a database that reads slowly holds the client back', async () => {
      const client = await connect();
      await bed.admin('select pg_advisory_lock(9)');
      const line = `\t${'x'.repeat(990)}\n`;
      let sent = 0;
      const rows = async function* () {
        for (let id = 0; id < 60_000; id += 1) {
          sent += 1;
          yield `${id}${line}`;
        }
      };
      const copying = pipeline(Readable.from(rows()), client.query(copyFrom('copy slow_things from stdin')));
      await standStill(async () => sent);
      expect(sent).toBeLessThan(50_000);
      await bed.admin('select pg_advisory_unlock(9)');
      await copying;
      expect(sent).toBe(60_000);
    });

    test('a client that disappears in a transaction leaves nothing behind', async () => {
      const [a, b] = await pair();
      await a.query('begin');
      await a.query("insert into things values (1, 'never')");
      socketOf(a).destroy();
      expect((await b.query('select * from things')).rows).toEqual([]);
      await b.query("insert into things values (1, 'mine')");
    });

    test("a client that disappears while it waits, or while its query runs, is in nobody's way", async () => {
      const [a, b] = await pair();
      const c = await connect();
      await a.query('begin');
      await a.query('select 1');
      void b.query('select 2').catch(() => {});
      await new Promise((resolve) => setImmediate(resolve));
      socketOf(b).destroy();
      await a.query('commit');
      expect((await c.query('select 3 as three')).rows).toEqual([{ three: 3 }]);
      void a.query('select pg_sleep(30)').catch(() => {});
      await eventually(
        () => bed.sessions(),
        ([session]) => session?.state === 'active',
      );
      socketOf(a).destroy();
      expect((await c.query('select 4 as four')).rows).toEqual([{ four: 4 }]);
      await bed.admin(
        "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep(30)%' and pid <> pg_backend_pid()",
      );
    });

    test('a session that the server ends is replaced; who used it is told', async () => {
      const [a, b] = await pair();
      await a.query('select 1');
      const kill = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'library_a'";
      await bed.admin(kill);
      await eventually(
        () => bed.sessions(),
        (sessions) => sessions.length === 0,
      );
      expect(
        (
          await eventually(
            () => a.query('select 1 as one').catch(() => undefined),
            (r) => r !== undefined,
          )
        )?.rows,
      ).toEqual([{ one: 1 }]);
      await b.query('begin');
      const failed = expect(b.query('select pg_sleep(30)')).rejects.toThrow(/terminat|closed|server/);
      await eventually(
        () => bed.sessions(),
        ([session]) => session?.state === 'active',
      );
      await bed.admin(kill);
      await failed;
      expect((await a.query('select 2 as two')).rows).toEqual([{ two: 2 }]);
    });

    test('a cancel request ends the query of its client and of no other', async () => {
      const [a, b] = await pair();
      const cancelled = expect(a.query('select pg_sleep(30)')).rejects.toMatchObject({ code: '57014' });
      await eventually(
        () => bed.sessions(),
        ([session]) => session?.state === 'active',
      );
      await sendCancel(pooler.target, b);
      expect((await bed.sessions())[0]?.state).toBe('active');
      await sendCancel(pooler.target, a);
      await cancelled;
      expect((await b.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
      expect((await a.query('select 2 as two')).rows).toEqual([{ two: 2 }]);
    });
  });
}

/** Rows that the server has written of a COPY under way. */
async function copied(bed: ProxyBed): Promise<number> {
  const [copy] = await bed.admin<{ rows: number }>(
    'select tuples_processed::int as rows from pg_stat_progress_copy',
  );
  return copy?.rows ?? Number.POSITIVE_INFINITY;
}

/** The value that is the same at two looks. */
async function standStill(ask: () => Promise<number>): Promise<number> {
  let before = -1;
  return eventually(
    async () => {
      const value = await ask();
      const stands = value > 0 && value === before;
      before = value;
      if (!stands) await new Promise((resolve) => setTimeout(resolve, 250));
      return stands ? value : -1;
    },
    (value) => value !== -1,
  );
}

/** As libpq's PQcancel: over a connection of its own. */
export async function sendCancel(target: ConnectionTarget, client: pg.Client): Promise<void> {
  const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
  const socket = await connectToDatabase(target);
  socket.write(cancelRequest(Buffer.concat([uint32(processID >>> 0), uint32(secretKey >>> 0)])));
  socket.resume();
  await once(socket, 'close');
}
