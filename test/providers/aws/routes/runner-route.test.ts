import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { directRoute, type Route } from '../../../../src/database/route.ts';
import { withClient } from '../../../../src/database/with-client.ts';
import { migrateJob } from '../../../../src/jobs/migrate-job.ts';
import { probeJob } from '../../../../src/jobs/probe-job.ts';
import { queryJob } from '../../../../src/jobs/query-job.ts';
import { seedJob } from '../../../../src/jobs/seed-job.ts';
import { runnerRoute } from '../../../../src/providers/aws/routes/runner-route.ts';
import { Secret } from '../../../../src/secret.ts';
import { testContext } from '../../../postgres-server.ts';
import { catchUserError, eventually, useSchemaBed } from '../../../seed/schema-bed.ts';
import { functionName, useRunner } from './runner-bed.ts';

const bed = useSchemaBed();
const startRunner = useRunner(bed);

const unlimited = { maxRows: 1e9, maxSize: 1e9 };
const booksSql = 'CREATE TABLE books (id int PRIMARY KEY, title text NOT NULL, pages int CHECK (pages > 0));';

const migrate = (route: Route, dryRun = false) =>
  route.run(migrateJob, bed().target.admin, {
    ownerRole: 'library_owner',
    projectDir: bed().projectDir,
    dryRun,
  });
const seed = (route: Route, more: { files?: string[]; dryRun?: boolean; truncate?: boolean } = {}) =>
  route.run(seedJob, bed().target.admin, {
    ownerRole: 'library_owner',
    projectDir: bed().projectDir,
    dryRun: false,
    truncate: false,
    ...more,
  });
const query = (
  route: Route,
  text: string,
  more: { oneTransaction?: boolean; role?: string; maxRows?: number } = {},
) => route.run(queryJob, bed().app, { path: '-c', text, oneTransaction: true, ...unlimited, ...more });

const direct = () => directRoute(bed().context, async (target) => target);
const chunkTables = () =>
  bed().adminSql<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'lambdapg' AND c.relname LIKE 'chunks%' AND c.relkind = 'r'`,
  );
const withoutTimes = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (key, inner) => (key === 'durationMs' ? 0 : inner)));

/** More than one invocation can carry, however it is compressed. */
async function writeLargeSeed(rowCount: number): Promise<void> {
  const bytes = randomBytes(4_500_000);
  const width = Math.floor(bytes.length / rowCount);
  const rows = Array.from(
    { length: rowCount },
    (_, at) => `${at + 1},${bytes.toString('hex', at * width, (at + 1) * width)},7`,
  );
  await bed().write('seeds/10_books.csv', `id,title,pages\n${rows.join('\n')}\n`);
}

describe('migrate through the runner', () => {
  test('does and says what it does directly', async () => {
    const { route } = await startRunner();
    await bed().write('migrations/0001_books.sql', booksSql);
    await bed().write('migrations/0002_notice.sql', `DO $$ BEGIN RAISE NOTICE 'hello'; END $$;`);

    expect(await migrate(route(), true)).toMatchObject({
      dryRun: true,
      pending: [{ name: '0001_books.sql' }, {}],
    });
    const applied = await migrate(route());
    expect(withoutTimes(applied)).toMatchObject({
      applied: [{ name: '0001_books.sql', statements: 1 }, { name: '0002_notice.sql' }],
      alreadyApplied: 0,
    });
    expect(
      bed()
        .events('migration-applied')
        .map(({ name }) => name),
    ).toEqual(['0001_books.sql', '0002_notice.sql']);
    expect(
      bed()
        .events('postgres-notice')
        .map(({ message }) => message),
    ).toContain('notice: hello');
    expect(await migrate(route())).toMatchObject({ applied: [], alreadyApplied: 2 });
    expect(await migrate(direct())).toMatchObject({ applied: [], alreadyApplied: 2 });
    const [owner] = await bed().sql(`SELECT tableowner FROM pg_tables WHERE tablename = 'books'`);
    expect(owner).toEqual({ tableowner: 'library_owner' });
  });

  test('a failing statement has line, caret and hint, as directly; a file that cannot be read is not sent', async () => {
    const { route, lambda } = await startRunner();
    await bed().write('migrations/0001_books.sql', `${booksSql}\nSELECT titel\n  FROM books;`);
    const [here, there] = [await catchUserError(migrate(direct())), await catchUserError(migrate(route()))];
    expect(there.message).toBe(here.message);
    expect(there).toMatchObject({ code: 'STATEMENT_FAILED', exit: here.exit, suggestions: here.suggestions });
    expect(there.message).toContain('2 | SELECT titel');

    const before = lambda.environments().length;
    await bed().write('migrations/0001_books.sql', `SELECT 'open`);
    expect((await catchUserError(migrate(route()))).code).toBe('BAD_SQL_FILE');
    expect(lambda.environments()).toHaveLength(before);
  });
});

describe('seed through the runner', () => {
  test('50 000 rows go in chunks that the application cannot see, and leave nothing behind', async () => {
    const { route } = await startRunner();
    await bed().sql(booksSql);
    await writeLargeSeed(50_000);
    const seen: unknown[] = [];
    const watching = testContext({
      cwd: bed().projectDir,
      report: (event) => {
        if (event.type === 'upload-progress') seen.push(chunkRights());
      },
    });
    const { files } = await seed(route(watching));
    expect(files).toMatchObject([{ file: 'seeds/10_books.csv', rows: 50_000, inserted: 50_000, updated: 0 }]);
    const rights = (await Promise.all(seen)).flat();
    expect(rights).toHaveLength(seen.length);
    expect(rights[0]).toEqual({ unlogged: true, app: false, schema: false, rows: 0 });
    expect(await chunkTables()).toEqual([]);
    expect(await seed(direct())).toMatchObject({ files: [{ unchanged: 50_000, inserted: 0, updated: 0 }] });
  });

  /** Of the application on the chunk tables, and the rows it sees in the meantime. */
  async function chunkRights(): Promise<unknown[]> {
    return bed().adminSql(
      `SELECT c.relpersistence = 'u' AS unlogged,
              has_table_privilege('library_app', c.oid, 'SELECT, INSERT, UPDATE, DELETE') AS app,
              has_schema_privilege('library_app', 'lambdapg', 'USAGE') AS schema,
              (SELECT count(*)::int FROM books) AS rows
         FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'lambdapg' AND c.relname LIKE 'chunks%' AND c.relkind = 'r'`,
    );
  }

  test('interrupted while it uploads: no trace in the table, and the next run drops the rest', async () => {
    const { route } = await startRunner();
    await bed().sql(booksSql);
    await writeLargeSeed(2_000);
    const stopped = new Error('stopped');
    const controller = new AbortController();
    const interrupted = testContext({
      cwd: bed().projectDir,
      signal: controller.signal,
      report: (event) => {
        if (event.type === 'upload-progress') controller.abort(stopped);
      },
    });
    await expect(seed(route(interrupted))).rejects.toBe(stopped);
    expect(await chunkTables()).toHaveLength(1);
    expect(await bed().sql('SELECT FROM books')).toHaveLength(0);
    await seed(route());
    expect(await chunkTables()).toEqual([]);
    expect(await bed().sql('SELECT FROM books')).toHaveLength(2_000);
  });

  test('the runner is killed while it writes: no trace, and the next run completes', async () => {
    const { route, lambda } = await startRunner();
    await bed().sql(booksSql);
    await bed().write('seeds/10_books.csv', 'id,title,pages\n1,Dune,412\n');
    await bed().as(async (client) => {
      await client.query('BEGIN');
      await client.query('LOCK TABLE books');
      const failed = catchUserError(seed(route()));
      await eventually(async () => {
        const waiting = await bed().adminSql(`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`);
        expect(waiting).toHaveLength(1);
      });
      const [environment] = lambda.environments();
      process.kill(environment?.pid ?? 0, 'SIGKILL');
      expect(await failed).toMatchObject({ code: 'RUNNER_CRASHED', exit: 75 });
      await client.query('ROLLBACK');
    });
    expect(await bed().sql('SELECT FROM books')).toHaveLength(0);
    expect(await seed(route())).toMatchObject({ files: [{ inserted: 1 }] });
  });

  test('a bad row is named with file, line, column and value, as directly', async () => {
    const { route } = await startRunner();
    await bed().sql(booksSql);
    await bed().write('seeds/10_books.csv', 'id,title,pages\n1,Dune,412\n2,Emma,many\n');
    const [here, there] = [await catchUserError(seed(direct())), await catchUserError(seed(route()))];
    expect(there.message).toBe(here.message);
    expect(there.message).toContain('seeds/10_books.csv line 3, column "pages": cannot take "many"');
    expect((await catchUserError(seed(route(), { files: ['20_none.csv'] }))).code).toBe('UNKNOWN_SEED');
  });
});

describe('query through the runner', () => {
  test('a result longer than an answer comes in pages and in order, whoever asks, and leaves nothing behind', async () => {
    const { route, told } = await startRunner();
    const text = `SELECT i, (SELECT string_agg(md5((i * j)::text), '') FROM generate_series(1, 100) j)
                    FROM generate_series(1, 3000) i ORDER BY i DESC`;
    const { results } = await query(route(), text);
    expect(results[0]?.rows.map(([i]) => Number(i))).toEqual(
      Array.from({ length: 3000 }, (_, at) => 3000 - at),
    );
    expect(told.lines().filter((line) => line.includes('get done'))).toHaveLength(2);
    expect(await chunkTables()).toEqual([]);
  });

  test('several statements of -c are one transaction; a limit cuts what is shown, not what is done', async () => {
    const { route } = await startRunner();
    await bed().sql(booksSql);
    const insert = `INSERT INTO books SELECT i, 'title', 1 FROM generate_series(1, 5000) i RETURNING id`;
    const { results } = await query(route(), insert, { maxRows: 10 });
    expect(results[0]).toMatchObject({ cut: true, columns: [{ name: 'id', typeId: 23 }] });
    expect(results[0]?.rows).toHaveLength(10);
    expect(await bed().sql('SELECT FROM books')).toHaveLength(5000);

    await catchUserError(query(route(), 'DELETE FROM books; SELECT 1/0'));
    expect(await bed().sql('SELECT FROM books')).toHaveLength(5000);
    await catchUserError(query(route(), 'DELETE FROM books; SELECT 1/0', { oneTransaction: false }));
    expect(await bed().sql('SELECT FROM books')).toHaveLength(0);
  });

  test('an error has its caret, as directly; a refused login is explained', async () => {
    const { route } = await startRunner();
    const text = `SELECT 'ä', nmae FROM pg_class`;
    const [here, there] = [
      await catchUserError(query(direct(), text)),
      await catchUserError(query(route(), text)),
    ];
    expect(there.message).toBe(here.message);
    expect(there.message).toContain('-c:1:13: column "nmae" does not exist (42703)');
    const wrong = { ...bed().app, password: new Secret('wrong') };
    const input = { path: '-c', text: 'SELECT 1', oneTransaction: true, ...unlimited };
    expect((await catchUserError(route().run(queryJob, wrong, input))).code).toBe('DATABASE_LOGIN_REFUSED');
  });

  test('who may not read the admin’s secret still asks as the application; too long a result has no place then', async () => {
    const { client } = await startRunner();
    const denied = async (): Promise<never> => {
      throw new Error('AccessDeniedException');
    };
    const admin = { ...bed().target.admin, password: denied };
    const route = runnerRoute(bed().context, { lambda: client, functionName, admin });
    expect((await query(route, 'SELECT current_user')).results[0]?.rows).toEqual([['library_app']]);
    const long = `SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 300000)`;
    expect((await catchUserError(query(route, long))).code).toBe('RESULT_TOO_LONG');
  });

  test('Ctrl-C cancels the statement in the runner too', async () => {
    const { route } = await startRunner();
    const controller = new AbortController();
    const context = testContext({ cwd: bed().projectDir, signal: controller.signal });
    const stopped = new Error('stopped');
    const sleeping = query(route(context), 'SELECT pg_sleep(60)');
    const running = () => bed().adminSql(`SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'`);
    await eventually(async () => expect(await running()).toHaveLength(1));
    controller.abort(stopped);
    await expect(sleeping).rejects.toBe(stopped);
    await eventually(async () => expect(await running()).toEqual([]));
    expect(context.events.map(({ type }) => type)).toContain('runner-cancelled');
  });

  test('before Lambda ends the invocation the statement is cancelled and the reason told', async () => {
    const { route } = await startRunner({ timeoutMs: 16_000 });
    const error = await catchUserError(query(route(), 'SELECT pg_sleep(60)'));
    expect(error).toMatchObject({ code: 'RUNNER_TIME_OVER', exit: 75 });
    await eventually(async () => {
      expect(
        await bed().adminSql(`SELECT FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'`),
      ).toEqual([]);
    });
  });
});

test('probe times each step apart, and stops where the way ends', async () => {
  const { route } = await startRunner();
  const probe = await route().run(probeJob, bed().app, { timeoutMs: 5_000 });
  expect(probe.steps.map(({ stage, ok }) => [stage, ok])).toEqual(
    ['dns', 'tcp', 'tls', 'login', 'query'].map((stage) => [stage, true]),
  );
  const closed = await route().run(probeJob, { ...bed().app, port: 1 }, { timeoutMs: 5_000 });
  expect(closed).toMatchObject({
    ok: false,
    steps: [{ ok: true }, { stage: 'tcp', ok: false, code: 'ECONNREFUSED' }],
  });
  const stranger = { ...bed().app, tls: {} };
  const untrusted = await route().run(probeJob, stranger, { timeoutMs: 5_000 });
  expect(untrusted.steps.at(-1)).toMatchObject({ stage: 'tls', ok: false });
});

test('nothing of what was asked, or came of it, is logged: names, outcomes and durations alone', async () => {
  const { route, told } = await startRunner();
  const canary = 'canary-4711';
  const password = new Secret(`${canary}-password`);
  await withClient(bed().target.admin, { applicationName: 'test' }, (client) =>
    client.query(
      `CREATE ROLE library_canary LOGIN PASSWORD '${canary}-password'; GRANT library_app TO library_canary`,
    ),
  );
  const target = { ...bed().app, user: 'library_canary', password };
  const input = { path: '-c', oneTransaction: true, ...unlimited };
  try {
    await bed().sql(booksSql);
    await bed().write('seeds/10_books.csv', `id,title,pages\n1,${canary},412\n`);
    await seed(route());
    const { results } = await route().run(queryJob, target, {
      ...input,
      text: `SELECT '${canary}' AS x, title FROM books`,
    });
    expect(results[0]?.rows).toEqual([[canary, canary]]);
    await catchUserError(route().run(queryJob, target, { ...input, text: `SELECT '${canary}'::int` }));
    await bed().write('seeds/10_books.csv', `id,title,pages\n1,x,${canary}\n`);
    expect((await catchUserError(seed(route()))).message).toContain(canary);
  } finally {
    await bed().adminSql('DROP ROLE library_canary');
  }
  expect(told.lines().some((line) => /query done in \d+ ms/.test(line))).toBe(true);
  expect(told.lines().some((line) => /seed failed in \d+ ms/.test(line))).toBe(true);
  expect(JSON.stringify(told.events)).not.toContain(canary);
});
