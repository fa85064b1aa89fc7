import { readFile } from 'node:fs/promises';
import { inspect } from 'node:util';
import { execaSync } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Client, withClient } from '../../src/database/with-client.ts';
import { functionEnvironment } from '../../src/local/function-environment.ts';
import type { Secret } from '../../src/secret.ts';
import { Connection } from '../../templates/runtime-node/lambdapg-runtime/connection.ts';
import {
  Database,
  type Settings,
  settingsFromEnvironment,
} from '../../templates/runtime-node/lambdapg-runtime/index.ts';
import { startTestPostgres } from '../postgres-server.ts';

/* What only Node has: statements that are asked for at the same time, and JavaScript's own types. */

let server: Awaited<ReturnType<typeof startTestPostgres>>;
let env: Record<string, string>;
let settingsRead = 0;

beforeAll(async () => {
  server = await startTestPostgres();
  env = await functionEnvironment(server.local.slots.a, server.local.caFile);
  await asAdmin((admin) => admin.query('create table marks (id int); grant all on marks to library_app'));
});
afterAll(() => server.cleanUp());

const asAdmin = <T>(work: (admin: Client) => Promise<T>): Promise<T> =>
  withClient(server.local.admin, { applicationName: 'test' }, work);

const open: Database[] = [];
const connect = (changed: Partial<Settings> = {}): Database => {
  const database = new Database(() => {
    settingsRead += 1;
    return { ...settingsFromEnvironment(env), ...changed };
  });
  open.push(database);
  return database;
};
beforeEach(() => asAdmin((admin) => admin.query('truncate marks')));
afterEach(async () => {
  await Promise.all(open.splice(0).map((database) => database.close()));
});

const backends = (): Promise<number> =>
  asAdmin(async (admin) => {
    const sql = "select count(*)::int as n from pg_stat_activity where usename = 'library_a'";
    return (await admin.query(sql)).rows[0].n;
  });

describe('one connection for all', () => {
  test('first statements that come at once share it, and the settings are read once', async () => {
    const database = connect();
    settingsRead = 0;
    const pids = await Promise.all(
      Array.from({ length: 20 }, () => database.query('select pg_backend_pid() as pid')),
    );
    expect(new Set(pids.map(([row]) => row?.pid)).size).toBe(1);
    expect(settingsRead).toBe(1);
    expect(await backends()).toBe(1);
  });

  test('first statements that fail to connect all say why, and the next one dials again', async () => {
    let password = 'wrong';
    const credentials = async () => ({ user: env.PGUSER ?? '', password });
    const database = connect({ credentials });
    const results = await Promise.allSettled([1, 2, 3].map(() => database.query('select 1')));
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: '28P01' } });
    }
    password = env.PGPASSWORD ?? '';
    expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('an answer that came while the process stood still is read before the connection counts as dead', async () => {
    const connection = new Connection(() => settingsFromEnvironment(env));
    const client = await connection.ready();
    const answered = connection.answers(client, '');
    // Longer than an answer may take.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);
    expect(await answered).toBe(true);
    await connection.drop();
  });

  test('statements are answered in the order of asking, also behind one that fails', async () => {
    const database = connect();
    const order: number[] = [];
    const ask = (sql: string, place: number) => database.query(sql).finally(() => order.push(place));
    const results = await Promise.allSettled([
      ask('select pg_sleep(0.05)', 0),
      ask('select 1/0', 1),
      ask('select 2', 2),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(order).toEqual([0, 1, 2]);
  });

  test('a value that cannot be sent fails alone', async () => {
    const database = connect();
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    await expect(database.query('select $1::json', [circular])).rejects.toThrow(/circular/);
    expect(await database.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('of several statements the last one gives the rows', async () => {
    expect(await connect().query('select 1 as one; select 2 as two')).toEqual([{ two: 2 }]);
  });
});

describe('a connection that dies while the clock hardly moves', () => {
  const terminate =
    "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'library_a'";
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('killed while the loop stood still: the goodbye is read before anything is written', async () => {
    const database = connect();
    const [before] = await database.query('select pg_backend_pid() as pid');
    const { host, port, user, database: name, tls } = server.local.admin;
    const password = server.local.admin.password as Secret;
    const script = `const client = new (require('pg').Client)({ ssl: { ca: process.env.CA } });
      client.connect().then(() => client.query(${JSON.stringify(terminate)})).then(() => client.end());`;
    execaSync(process.execPath, ['-e', script], {
      env: {
        ...{
          PGHOST: host,
          PGPORT: String(port),
          PGUSER: user,
          PGDATABASE: name,
          PGPASSWORD: password.reveal(),
        },
        CA: (tls as { ca: string }).ca,
      },
    });
    vi.setSystemTime(Date.now() + 20);
    const [after] = await database.query('select pg_backend_pid() as pid');
    expect(after?.pid).not.toBe(before?.pid);
  });

  test('a statement behind one that was cut off gets another connection', async () => {
    const database = connect();
    const [before] = await database.query<{ pid: number }>('select pg_backend_pid() as pid');
    const cut = database.query('select pg_sleep(60)');
    const next = database.query<{ pid: number }>('select pg_backend_pid() as pid');
    const failure = expect(cut).rejects.toMatchObject({ code: '57P01' });
    await asAdmin((admin) => admin.query(terminate));
    await failure;
    expect((await next)[0]?.pid).not.toBe(before?.pid);
  });
});

describe('transaction', () => {
  test('a query from elsewhere waits for its end and is not part of it', async () => {
    const database = connect();
    let elsewhere: Promise<unknown> = Promise.resolve();
    let started = (): void => {};
    const running = new Promise<void>((resolve) => {
      started = resolve;
    });
    const outside = running.then(() => {
      elsewhere = database.query('insert into marks values (2)');
    });
    const transaction = database.transaction(async (tx) => {
      await tx.query('insert into marks values (1)');
      started();
      await outside;
      expect(await tx.query('select id from marks order by id')).toEqual([{ id: 1 }]);
      throw new Error('rolled back');
    });
    await expect(transaction).rejects.toThrow('rolled back');
    await elsewhere;
    expect(await database.query('select id from marks')).toEqual([{ id: 2 }]);
  });

  test('two at once run one after the other', async () => {
    const database = connect();
    const increment = () =>
      database.transaction(async (tx) => {
        const [row] = await tx.query<{ n: number }>('select count(*) as n from marks');
        await tx.query('insert into marks values ($1)', [row?.n]);
      });
    await Promise.all([increment(), increment(), increment()]);
    const rows = await database.query('select id from marks order by id');
    expect(rows).toEqual([{ id: 0 }, { id: 1 }, { id: 2 }]);
  });

  test('its own statements at once are sent one after the other, without a warning', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): void => void warnings.push(warning);
    process.on('warning', listen);
    const rows = await connect().transaction((tx) =>
      Promise.all([1, 2, 3].map((id) => tx.query('select $1::int as id', [id]))),
    );
    process.off('warning', listen);
    expect(rows).toEqual([[{ id: 1 }], [{ id: 2 }], [{ id: 3 }]]);
    expect(warnings).toEqual([]);
  });

  test('one that fails beside another that still runs is rolled back when both are done', async () => {
    const database = connect();
    const both = database.transaction((tx) =>
      Promise.all([
        tx.query('insert into marks values (1)'),
        tx.query('select 1/0'),
        tx.query('select pg_sleep(0.05)'),
      ]),
    );
    await expect(both).rejects.toMatchObject({ code: '22012' });
    expect(await database.query('select id from marks')).toEqual([]);
  });

  test('tx.query after the end is refused', async () => {
    const kept = await connect().transaction(async (tx) => tx);
    await expect(kept.query('select 1')).rejects.toThrow('the transaction is over');
  });

  test('what was started inside may use query() after the end', async () => {
    const database = connect();
    let after: Promise<unknown> = Promise.resolve();
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    await database.transaction(async (tx) => {
      await tx.query('select 1');
      after = ended.then(() => database.query('select 1 as one'));
    });
    end();
    expect(await after).toEqual([{ one: 1 }]);
  });

  test('one that its handler abandoned is rolled back, and the environment goes on', async () => {
    const database = connect({ idleTransactionMs: 50 });
    const abandoned = database.transaction(async (tx) => {
      await tx.query('insert into marks values (1)');
      await new Promise(() => {});
    });
    const refused = expect(abandoned).rejects.toThrow(
      'the transaction asked nothing for 50 ms and was rolled back',
    );
    expect(await database.query('select id from marks')).toEqual([]);
    await refused;
  });

  test('a slow statement does not count as abandoned', async () => {
    const database = connect({ idleTransactionMs: 50 });
    const rows = await database.transaction((tx) => tx.query('select pg_sleep(0.2) is not null as slept'));
    expect(rows).toEqual([{ slept: true }]);
  });
});

describe('values', () => {
  test('days, moments and bigints come as ISO strings and numbers', async () => {
    const [row] = await connect().query(`
      select date '2026-11-21' as day, timestamptz '2026-11-21 09:30:00.25+00' as at, 9007199254740991 as big,
             timestamp '2026-11-21 09:30' as wall, count(*) as n, 1.10::numeric as exact, null::date as nothing,
             array[date '2026-11-21', null] as days, array[[1::bigint], [2]] as nested, 'infinity'::date as never`);
    expect(row).toEqual({
      day: '2026-11-21',
      at: '2026-11-21T09:30:00.25+00:00',
      wall: '2026-11-21T09:30:00',
      big: 9007199254740991,
      n: 1,
      exact: '1.10',
      nothing: null,
      days: ['2026-11-21', null],
      nested: [[1], [2]],
      never: 'infinity',
    });
  });

  test('a bigint that a number cannot hold is an error, and the connection is used on', async () => {
    const database = connect();
    const [before] = await database.query('select pg_backend_pid() as pid');
    await expect(database.query('select 9007199254740993')).rejects.toThrow(
      'bigint 9007199254740993 does not fit a JavaScript number: select it as text (column::text)',
    );
    expect(await database.query('select pg_backend_pid() as pid')).toEqual([before]);
  });
});

test('no password in anything that can be printed', async () => {
  const settings = settingsFromEnvironment(env);
  const database = new Database(() => settings);
  open.push(database);
  await database.query('select 1');
  const failure = await new Database(() => ({ ...settings, port: 1 }))
    .query('select 1')
    .catch((error: unknown) => error);
  await database.transaction(async (tx) => {
    for (const printed of [settings, database, failure, tx]) {
      const shown = inspect(printed, { depth: Infinity, showHidden: true }) + JSON.stringify(printed);
      expect(shown).not.toContain(env.PGPASSWORD);
    }
  });
});

test('settings that a later version may add reach the connection: credentials are asked for each one', async () => {
  let asked = 0;
  const database = connect({
    credentials: async () => {
      asked += 1;
      return { user: env.PGUSER ?? '', password: env.PGPASSWORD ?? '' };
    },
  });
  await database.query('select 1');
  await database.query('select 1');
  expect(asked).toBe(1);
  await database.close();
  await database.query('select 1');
  expect(asked).toBe(2);
});

test('the certificate file replaces the authorities of the system, as in libpq', async () => {
  const { tls } = settingsFromEnvironment(env);
  expect(tls).toEqual({ ca: await readFile(env.PGSSLROOTCERT ?? '', 'utf8') });
  expect(settingsFromEnvironment({ ...env, PGSSLROOTCERT: 'system' }).tls).toEqual({});
  expect(settingsFromEnvironment({ ...env, PGSSLMODE: 'disable' }).tls).toBe(false);
});
