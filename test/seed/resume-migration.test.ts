import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { withClient } from '../../src/database/with-client.ts';
import { spawnProcess } from '../../src/exec.ts';
import { Secret } from '../../src/secret.ts';
import { catchUserError, eventually, type SchemaBed, useSchemaBed } from './schema-bed.ts';

const bed = useSchemaBed();

const head = '-- lambdapg: no-transaction\n';
const booksSql = 'CREATE TABLE books (id int PRIMARY KEY, title text NOT NULL);\n';
const twoIndexes = `${head}CREATE INDEX CONCURRENTLY books_title ON books (title);\nCREATE INDEX CONCURRENTLY "Books Id" ON books (id);\n`;

const indexes = () =>
  bed().sql<{ name: string; valid: boolean }>(
    `SELECT indexrelid::regclass::text AS name, indisvalid AS valid FROM pg_index
      WHERE indrelid = 'books'::regclass AND NOT indisprimary ORDER BY 1`,
  );
const record = async () => (await bed().sql(`SELECT * FROM lambdapg.migrations WHERE name LIKE '0002%'`))[0];
const bothValid = [
  { name: '"Books Id"', valid: true },
  { name: 'books_title', valid: true },
];

async function givenBooks(second: string): Promise<void> {
  await bed().write('migrations/0001_books.sql', booksSql);
  await bed().migrate();
  await bed().write('migrations/0002_next.sql', second);
}

describe('a file without transaction', () => {
  it('may make two indexes concurrently', async () => {
    await givenBooks(twoIndexes);
    expect((await bed().migrate()).applied).toMatchObject([{ name: '0002_next.sql', statements: 2 }]);
    expect(await indexes()).toEqual(bothValid);
    expect(await record()).toMatchObject({ state: 'applied', statements_done: 2 });
    expect((await bed().migrate()).alreadyApplied).toBe(2);
  });

  it('goes on with the statement that failed, which may be changed meanwhile; what had run may not', async () => {
    await givenBooks(
      `${head}INSERT INTO books VALUES (1, 'a');\nINSERT INTO boks VALUES (2, 'b');\nINSERT INTO books VALUES (3, 'c');`,
    );
    const error = await catchUserError(bed().migrate());
    expect(error.message).toContain('migrations/0002_next.sql:3:13: relation "boks" does not exist');
    expect(error.message).toContain('this was statement 2 of 3; those before it remain');
    expect(await record()).toMatchObject({ state: 'started', statements_done: 1, statements_begun: 1 });

    await bed().write(
      'migrations/0002_next.sql',
      `${head}INSERT INTO books VALUES (9, 'a');\nINSERT INTO books VALUES (2, 'b');`,
    );
    expect((await catchUserError(bed().migrate())).message).toBe(
      'migrations/0002_next.sql was interrupted after statement 1, and what had run was changed since',
    );

    await bed().write(
      'migrations/0002_next.sql',
      `${head}-- a\nINSERT INTO books VALUES (1, 'a');\nINSERT INTO books VALUES (2, 'b');\nINSERT INTO books VALUES (3, 'c');`,
    );
    await bed().migrate();
    expect(await bed().sql('SELECT id FROM books ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
    expect((await bed().migrate()).alreadyApplied).toBe(2);
  });

  it('drops the invalid index of a failed statement and makes it again, with IF NOT EXISTS too', async () => {
    await givenBooks(
      `${head}INSERT INTO books VALUES (1, 'a'), (2, 'a');\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS u ON books (title);`,
    );
    expect((await catchUserError(bed().migrate())).message).toContain('could not create unique index');
    expect(await indexes()).toEqual([{ name: 'u', valid: false }]);
    await bed().sql(`UPDATE books SET title = 'b' WHERE id = 2`);
    await bed().migrate();
    expect(await indexes()).toEqual([{ name: 'u', valid: true }]);
    expect(bed().events('invalid-index-dropped')).toMatchObject([{ index: 'public.u' }]);
  });

  it('is interrupted by Ctrl-C and goes on', async () => {
    await givenBooks(`${head}INSERT INTO books VALUES (1, 'a');\nSELECT pg_sleep(600);`);
    const running = bed().migrate();
    await eventually(async () => expect(await findSleeping()).toHaveLength(1));
    bed().context.cancel(new Error('Ctrl-C'));
    await expect(running).rejects.toThrow('Ctrl-C');
    expect(await record()).toMatchObject({ state: 'started', statements_done: 1, statements_begun: 1 });
  });
});

describe('after kill -9', () => {
  it('between a statement and its record, finds that the index is there', async () => {
    await givenBooks(twoIndexes);
    await runChildUntilKilled(bed(), 'migration-statement-ran');
    expect(await record()).toMatchObject({ state: 'started', statements_begun: 1, statements_done: 0 });
    expect(await indexes()).toEqual([{ name: 'books_title', valid: true }]);
    await bed().migrate();
    expect(await indexes()).toEqual(bothValid);
    expect(bed().events('migration-statement-settled')).toMatchObject([{ statement: 1 }]);
    expect(bed().events('migration-resumed')).toMatchObject([{ done: 0, uncertain: true }]);
  });

  it('in the middle of a statement that the server then ends by itself, waits for it and takes its work', async () => {
    await givenBooks(twoIndexes);
    await whileAnOldSnapshotHoldsTheIndexUp(async (release) => {
      await killChildInIndexBuild(bed());
      const next = bed().migrate();
      await eventually(() => expect(bed().events('schema-lock-waiting')).toHaveLength(1));
      await release();
      await next;
    });
    expect(await indexes()).toEqual(bothValid);
    expect(bed().events('migration-statement-settled')).toHaveLength(1);
  });

  it('in the middle of a statement that is then cut off, drops the invalid index and makes it again', async () => {
    await givenBooks(twoIndexes);
    await whileAnOldSnapshotHoldsTheIndexUp(async () => {
      await killChildInIndexBuild(bed());
      await bed().adminSql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX%' AND datname = current_database()`,
      );
      await eventually(async () => expect(await findIndexBuild()).toEqual([]));
    });
    expect(await indexes()).toEqual([{ name: 'books_title', valid: false }]);
    await bed().migrate();
    expect(await indexes()).toEqual(bothValid);
    expect(bed().events('invalid-index-dropped')).toMatchObject([{ index: 'public.books_title' }]);
  });

  it('runs no statement twice that can be in a transaction', async () => {
    await givenBooks(
      `${head}INSERT INTO books VALUES (1, 'a');\nVACUUM books;\nUPDATE books SET title = title || 'x';`,
    );
    await runChildUntilKilled(bed(), 'migration-statement-ran');
    await bed().migrate();
    expect(await bed().sql('SELECT title FROM books')).toEqual([{ title: 'ax' }]);
  });

  it('stops and explains when a statement may have run and must not run twice', async () => {
    await givenBooks(
      `${head}CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO books VALUES (1, 'a'); COMMIT; END $$;\nCALL fill();`,
    );
    await runChildUntilKilled(bed(), 'migration-statement-ran');
    const error = await catchUserError(bed().migrate());
    expect(error.code).toBe('UNCERTAIN_STATEMENT');
    expect(error.message).toContain(
      'migrations/0002_next.sql:3:1: an earlier run was cut off while this statement ran',
    );
    expect(await bed().sql('SELECT id FROM books')).toEqual([{ id: 1 }]);
    await bed().write(
      'migrations/0002_next.sql',
      (await bed().read('migrations/0002_next.sql')).replace('CALL fill()', 'SELECT 1'),
    );
    expect((await bed().migrate()).applied).toHaveLength(1);
  });

  it('takes a database that is there for made, and only for the uncertain statement', async () => {
    const name = `made_${process.pid}_${Date.now()}`;
    await givenBooks(`${head}CREATE DATABASE ${name};`);
    await bed().adminSql('ALTER ROLE library_owner CREATEDB');
    try {
      await runChildUntilKilled(bed(), 'migration-statement-ran');
      await bed().migrate();
      expect(bed().events('migration-statement-settled')).toHaveLength(1);
      await bed().write('migrations/0003_again.sql', `${head}CREATE DATABASE ${name};`);
      expect((await catchUserError(bed().migrate())).message).toContain(`database "${name}" already exists`);
    } finally {
      await bed().adminSql(`DROP DATABASE IF EXISTS ${name}`);
    }
  });

  it('in a transaction, leaves nothing', async () => {
    await givenBooks('CREATE TABLE a ();\nDO $$ BEGIN RAISE NOTICE $n$now$n$; END $$;\nCREATE TABLE b ();');
    await runChildUntilKilled(bed(), 'postgres-notice');
    expect(await bed().sql(`SELECT FROM pg_tables WHERE tablename IN ('a', 'b')`)).toEqual([]);
    expect((await bed().migrate()).applied).toHaveLength(1);
  });
});

const findSleeping = () =>
  bed().adminSql(
    `SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`,
  );
const findIndexBuild = () =>
  bed().adminSql(
    `SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'CREATE INDEX%' AND wait_event_type = 'Lock' AND datname = current_database()`,
  );

function startChild({ target, projectDir }: SchemaBed, killAt: string) {
  const { password } = target.admin;
  if (!(password instanceof Secret)) throw new Error('the test server has a password');
  const child = spawnProcess(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('migrate-child.ts', import.meta.url))],
    {
      env: {
        ...process.env,
        LAMBDAPG_TEST_MIGRATE: JSON.stringify({ projectDir, target, password: password.reveal() }),
        LAMBDAPG_TEST_KILL_AT: killAt,
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  return { child, exited: once(child, 'exit') };
}

async function runChildUntilKilled(schemaBed: SchemaBed, killAt: string): Promise<void> {
  const { exited } = startChild(schemaBed, killAt);
  expect(await exited).toEqual([null, 'SIGKILL']);
  // The server learns of the death when it reads from the socket.
  await eventually(async () => {
    const sessions = await schemaBed.adminSql(
      `SELECT FROM pg_stat_activity WHERE application_name = 'lambdapg migrate' AND datname = current_database()`,
    );
    expect(sessions).toEqual([]);
  });
}

async function killChildInIndexBuild(schemaBed: SchemaBed): Promise<void> {
  const { child, exited } = startChild(schemaBed, 'never');
  await eventually(async () => expect(await findIndexBuild()).toHaveLength(1));
  child.kill('SIGKILL');
  await exited;
  expect(await findIndexBuild()).toHaveLength(1);
}

/** `CREATE INDEX CONCURRENTLY` waits for transactions that are older than it. */
async function whileAnOldSnapshotHoldsTheIndexUp(
  work: (release: () => Promise<void>) => Promise<void>,
): Promise<void> {
  await withClient(bed().target.admin, { applicationName: 'old snapshot' }, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await client.query('SELECT * FROM books');
    await work(async () => {
      await client.query('COMMIT');
    });
  });
}
