import { describe, expect, it } from 'vitest';
import { withClient } from '../../src/database/with-client.ts';
import { Cancelled } from '../../src/errors.ts';
import { splitStatements } from '../../src/seed/split-statements.ts';
import { testContext } from '../postgres-server.ts';
import { catchUserError, eventually, useSchemaBed } from './schema-bed.ts';

const bed = useSchemaBed();

const booksSql = 'CREATE TABLE books (id int PRIMARY KEY, title text NOT NULL);\n';

describe('migrate', () => {
  it('applies the files in the order of their numbers, once', async () => {
    await bed().write('migrations/0002_pages.sql', 'ALTER TABLE books ADD COLUMN pages int;');
    await bed().write('migrations/0001_books.sql', booksSql);
    await bed().write('migrations/README.md', 'notes');
    const first = await bed().migrate();
    expect(first.applied.map(({ name }) => name)).toEqual(['0001_books.sql', '0002_pages.sql']);
    const second = await bed().migrate();
    expect(second).toEqual({ dryRun: false, applied: [], pending: [], alreadyApplied: 2 });
  });

  it('records name, hash, time, duration and version', async () => {
    await bed().write('migrations/0001_books.sql', booksSql);
    await bed().migrate();
    const [record] = await bed().sql(
      "SELECT *, now() - applied_at < interval '1 minute' AS fresh FROM lambdapg.migrations",
    );
    expect(record).toMatchObject({
      name: '0001_books.sql',
      state: 'applied',
      lambdapg_version: '0.0.0',
      fresh: true,
    });
    expect(record?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(record?.duration_ms).toBeGreaterThanOrEqual(0);
  });

  it('makes everything as the owner role and keeps the record from the application', async () => {
    await bed().write('migrations/0001_books.sql', booksSql);
    await bed().migrate();
    const owners = await bed().sql(
      `SELECT tablename, tableowner FROM pg_tables WHERE schemaname IN ('public', 'lambdapg')`,
    );
    expect(owners).toEqual([
      { tablename: 'migrations', tableowner: 'library_owner' },
      { tablename: 'books', tableowner: 'library_owner' },
    ]);
    await withClient(bed().app, { applicationName: 'test' }, async (client) => {
      await expect(client.query('SELECT * FROM books')).resolves.toBeDefined();
      await expect(client.query('DELETE FROM lambdapg.migrations')).rejects.toMatchObject({ code: '42501' });
    });
  });

  it('does nothing in a project without migrations', async () => {
    expect(await bed().migrate()).toEqual({ dryRun: false, applied: [], pending: [], alreadyApplied: 0 });
  });

  it.each([
    [['1_a.sql'], 'migrations/1_a.sql is not named like 0001_create_books.sql'],
    [['0001_A.sql'], 'migrations/0001_A.sql is not named like'],
    [['0001_a.down.sql'], 'migrations/0001_a.down.sql is not named like'],
    [['0001_a.sql', '0001_b.sql'], 'migrations/0001_a.sql and migrations/0001_b.sql have the same number'],
  ])('refuses the names %j', async (names, message) => {
    for (const name of names) await bed().write(`migrations/${name}`, 'SELECT 1;');
    const error = await catchUserError(bed().migrate());
    expect(error.code).toBe('BAD_MIGRATION_NAME');
    expect(error.message).toContain(message);
  });

  it('names an applied file that was changed, but takes other line ends for the same file', async () => {
    await bed().write('migrations/0001_books.sql', booksSql);
    await bed().migrate();
    await bed().write('migrations/0001_books.sql', `\ufeff${booksSql.replaceAll('\n', '\r\n')}`);
    expect((await bed().migrate()).alreadyApplied).toBe(1);
    await bed().write('migrations/0001_books.sql', booksSql.replace('title', 'name'));
    const error = await catchUserError(bed().migrate());
    expect(error).toMatchObject({
      code: 'MIGRATION_CHANGED',
      message: 'migrations/0001_books.sql was changed after it was applied',
    });
    expect(error.suggestions[0]).toContain('git log -p migrations/0001_books.sql');
  });

  it('names an applied file that is gone', async () => {
    await bed().write('migrations/0001_books.sql', booksSql);
    await bed().migrate();
    await bed().remove('migrations/0001_books.sql');
    const error = await catchUserError(bed().migrate());
    expect(error.code).toBe('MIGRATION_MISSING');
    expect(error.message).toContain('0001_books.sql');
  });

  it('refuses a new file that comes before an applied one, and says how to name it', async () => {
    await bed().write('migrations/0005_books.sql', booksSql);
    await bed().migrate();
    await bed().write('migrations/0003_late.sql', 'CREATE TABLE late ();');
    const error = await catchUserError(bed().migrate());
    expect(error.code).toBe('MIGRATION_OUT_OF_ORDER');
    expect(error.suggestions).toEqual(['rename 0003_late.sql to 0006_late.sql']);
  });

  it('prints in a dry run what it would run, and changes nothing, not even its table', async () => {
    const sql = `-- lambdapg: no-transaction\n${booksSql}`;
    await bed().write('migrations/0001_books.sql', sql);
    const result = await bed().migrate({ dryRun: true });
    expect(result.pending).toEqual([{ name: '0001_books.sql', transactional: false, sql }]);
    expect(await bed().sql(`SELECT FROM pg_namespace WHERE nspname = 'lambdapg'`)).toEqual([]);
    expect(await bed().sql(`SELECT FROM pg_tables WHERE tablename = 'books'`)).toEqual([]);
  });
});

describe('a failing statement', () => {
  it('is shown with file, line, column, caret and hint; its file is undone, earlier ones remain', async () => {
    await bed().write('migrations/0001_books.sql', booksSql);
    await bed().write(
      'migrations/0002_bad.sql',
      "CREATE TABLE shelves (id int);\n\n\tSELECT 1, '😀', titel\n  FROM books;\n",
    );
    await bed().write('migrations/0003_never.sql', 'CREATE TABLE never ();');
    const error = await catchUserError(bed().migrate());
    expect(error).toMatchObject({ code: 'STATEMENT_FAILED', exit: 1 });
    expect(error.message.split('\n')).toEqual([
      'migrations/0002_bad.sql:3:17: column "titel" does not exist (42703)',
      "  3 | \tSELECT 1, '😀', titel",
      `    | \t${' '.repeat(15)}^`,
      '  hint: Perhaps you meant to reference the column "books.title".',
      'nothing of migrations/0002_bad.sql remains',
      'this run had applied before it: 0001_books.sql',
    ]);
    const tables = await bed().sql(`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`);
    expect(tables).toEqual([{ tablename: 'books' }]);
    expect(await bed().sql('SELECT name FROM lambdapg.migrations')).toEqual([{ name: '0001_books.sql' }]);
  });

  it('inside a DO block is shown with the line of the block and where it happened', async () => {
    await bed().write(
      'migrations/0001_do.sql',
      'SELECT 1;\nDO $$\nBEGIN\n  PERFORM 1;\n  PERFORM 1 / 0;\nEND $$;\n',
    );
    const { message } = await catchUserError(bed().migrate());
    expect(message).toContain('migrations/0001_do.sql:5:3: division by zero (22012)');
    expect(message).toContain('  5 |   PERFORM 1 / 0;\n    |   ^');
    expect(message).toContain('where: SQL statement "SELECT 1 / 0"');
    expect(message).toContain('PL/pgSQL function inline_code_block line 4 at PERFORM');
  });

  it('inside a function keeps where it happened', async () => {
    await bed().write(
      'migrations/0001_f.sql',
      'CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1 / 0; END $$;\nSELECT f();\n',
    );
    const { message } = await catchUserError(bed().migrate());
    expect(message).toContain('migrations/0001_f.sql:2:1: division by zero');
    expect(message).toMatch(/where: (.*\n *)?PL\/pgSQL function f\(\) line 1 at RETURN/);
  });

  it('at the commit is said to be there', async () => {
    await bed().write(
      'migrations/0001_deferred.sql',
      `CREATE TABLE a (id int PRIMARY KEY);
       CREATE TABLE b (a int REFERENCES a DEFERRABLE INITIALLY DEFERRED);
       INSERT INTO b VALUES (1);`,
    );
    const { message } = await catchUserError(bed().migrate());
    expect(message).toContain('at the end of the file, when its transaction was committed');
    expect(message).toContain('detail: Key (a)=(1) is not present in table "a".');
    expect(await bed().sql(`SELECT FROM pg_tables WHERE tablename = 'a'`)).toEqual([]);
  });

  it('that needs no transaction is told the line to write', async () => {
    await bed().write('migrations/0001_vacuum.sql', 'VACUUM;');
    const error = await catchUserError(bed().migrate());
    expect(error.suggestions).toEqual([
      'put the line "-- lambdapg: no-transaction" at the head of migrations/0001_vacuum.sql',
    ]);
  });

  it.each([
    ['BEGIN;\nSELECT 1;\nCOMMIT;', '0001_x.sql:1:1: BEGIN is not for this file to say'],
    ['SELECT 1;\nCOMMIT;', '0001_x.sql:2:1: COMMIT is not for this file to say'],
    ['SELECT 1;\n  start transaction;', '0001_x.sql:2:3: START TRANSACTION is not for this file to say'],
    [
      "SELECT 1;\nSELECT 'open;\n\n",
      "0001_x.sql:2:8: a string begins here and never ends\n  2 | SELECT 'open;\n    |        ^",
    ],
    ['\\connect other', '0001_x.sql:1:1: \\connect is a command of psql'],
    ['SELECT 1;\n\nCOPY t FROM stdin;\n1\n\\.', '0001_x.sql:3:1: COPY from stdin'],
    [
      '-- lambdapg: no-transactions\nSELECT 1;',
      '0001_x.sql:1:1: "no-transactions" is no instruction of lambdapg',
    ],
    ['SELECT \0;', '0001_x.sql:1:8: a NUL character'],
    [
      Buffer.from('SELECT 1;\nSELECT \xe9;', 'latin1'),
      '0001_x.sql:2: byte 18 of the file (0xe9) is not UTF-8',
    ],
    [
      '-- lambdapg: no-transaction\nCREATE INDEX CONCURRENTLY ON t (a);',
      '0001_x.sql:2:1: give this index a name',
    ],
  ])('is found before anything runs: %j', async (sql, message) => {
    await bed().write('migrations/0000_first.sql', 'CREATE TABLE first ();');
    await bed().write('migrations/0001_x.sql', sql);
    const error = await catchUserError(bed().migrate());
    expect(error.code).toBe('BAD_SQL_FILE');
    expect(error.message).toContain(message);
    expect(await bed().sql(`SELECT FROM pg_tables WHERE tablename = 'first'`)).toEqual([]);
  });

  it('may be rolled back to a savepoint by the file itself', async () => {
    await bed().write(
      'migrations/0001_s.sql',
      'SAVEPOINT a; CREATE TABLE a (); ROLLBACK TO SAVEPOINT a; CREATE TABLE b ();',
    );
    await bed().migrate();
    expect(await bed().sql(`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)).toEqual([
      { tablename: 'b' },
    ]);
  });
});

describe('the session of a file', () => {
  it('does not leak settings, roles or temporary tables into the next file', async () => {
    await bed().write(
      'migrations/0001_set.sql',
      `SET search_path = ''; RESET ROLE; SET statement_timeout = 1; SET statement_timeout = 0; CREATE TEMP TABLE t (); CREATE TABLE public.a ();`,
    );
    await bed().write('migrations/0002_next.sql', 'CREATE TEMP TABLE t (); CREATE TABLE b ();');
    await bed().migrate();
    const owners = await bed().sql(`SELECT tablename, tableowner FROM pg_tables WHERE tablename = 'b'`);
    expect(owners).toEqual([{ tablename: 'b', tableowner: 'library_owner' }]);
  });

  it('reports what the server notices', async () => {
    await bed().write('migrations/0001_notice.sql', `DO $$ BEGIN RAISE NOTICE 'so far so good'; END $$;`);
    await bed().migrate();
    expect(bed().events('postgres-notice')).toMatchObject([
      { severity: 'notice', message: 'notice: so far so good' },
    ]);
  });
});

describe('two runs at once', () => {
  it('take turns: the second says for whom it waits and then finds nothing to do', async () => {
    await bed().write('migrations/0001_slow.sql', `${booksSql} SELECT pg_advisory_xact_lock(4711);`);
    const other = testContext({ cwd: bed().projectDir });
    const { context } = bed();
    await withClient(bed().target.admin, { applicationName: 'test' }, async (gate) => {
      await gate.query('SELECT pg_advisory_lock(4711)');
      const first = bed().migrate({ lockTimeoutMs: 60_000 });
      await eventually(async () => expect(bed().events('migration-started')).toHaveLength(1));
      bed().context = other;
      const second = bed().migrate();
      // The first does not end before the second has met it.
      await eventually(() => expect(other.events).not.toHaveLength(0));
      await gate.query('SELECT pg_advisory_unlock(4711)');
      expect((await first).applied).toHaveLength(1);
      expect(await second).toMatchObject({ applied: [], alreadyApplied: 1 });
    });
    expect(other.events[0]).toMatchObject({
      type: 'schema-lock-waiting',
      holder: { application: 'lambdapg migrate' },
    });
    bed().context = context;
  });

  it('do not wait for each other in CREATE INDEX CONCURRENTLY', async () => {
    await bed().write('migrations/0001_books.sql', booksSql);
    await bed().write(
      'migrations/0002_index.sql',
      '-- lambdapg: no-transaction\nSELECT pg_sleep(0.5);\nCREATE INDEX CONCURRENTLY i ON books (title);',
    );
    const results = await Promise.all([bed().migrate(), bed().migrate(), bed().migrate()]);
    expect(results.map(({ applied }) => applied.length).sort()).toEqual([0, 0, 2]);
  });

  it('a waiting run can be interrupted', async () => {
    await bed().write('migrations/0001_books.sql', booksSql);
    await withClient(bed().target.admin, { applicationName: 'other' }, async (client) => {
      await client.query('SELECT pg_advisory_lock(1819305761, 1)');
      const waiting = bed().migrate();
      const reason = new Cancelled();
      await eventually(async () =>
        expect(bed().events('schema-lock-waiting')).toMatchObject([{ holder: { application: 'other' } }]),
      );
      bed().context.cancel(reason);
      await expect(waiting).rejects.toBe(reason);
    });
  });
});

describe('a locked table', () => {
  it('ends the wait with who holds it, and exit 75', async () => {
    await bed().write('migrations/0001_books.sql', booksSql);
    await bed().migrate();
    await bed().write('migrations/0002_alter.sql', 'ALTER TABLE books ADD COLUMN pages int;');
    await withClient(bed().target.admin, { applicationName: 'forgotten report' }, async (client) => {
      await client.query('BEGIN; LOCK TABLE books IN ACCESS SHARE MODE');
      // The server ends the wait; the connection that looks for who holds the lock has to be there before.
      const error = await catchUserError(bed().migrate({ lockTimeoutMs: 5_000 }));
      expect(error).toMatchObject({ code: 'STATEMENT_FAILED', exit: 75 });
      expect(error.message).toMatch(
        /blocked by "forgotten report" \(pid \d+, .*\), idle in transaction, transaction open for \d+ s/,
      );
      expect(error.suggestions[0]).toMatch(/SELECT pg_terminate_backend\(\d+\)/);
    });
    expect(bed().events('lock-waiting')).toMatchObject([{ blockers: [{ application: 'forgotten report' }] }]);
  });
});

describe('Ctrl-C', () => {
  it('cancels the statement on the server, undoes the file and throws its reason', async () => {
    await bed().write('migrations/0001_books.sql', booksSql);
    await bed().write('migrations/0002_slow.sql', 'CREATE TABLE slow ();\nSELECT pg_sleep(600);');
    const running = bed().migrate();
    await eventually(async () => {
      const sleeping = await bed().adminSql(
        `SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`,
      );
      expect(sleeping).toHaveLength(1);
    });
    const reason = new Cancelled();
    bed().context.cancel(reason);
    await expect(running).rejects.toBe(reason);
    expect(await bed().sql('SELECT name FROM lambdapg.migrations')).toEqual([{ name: '0001_books.sql' }]);
    expect(await bed().sql(`SELECT FROM pg_tables WHERE tablename = 'slow'`)).toEqual([]);
    expect(
      await bed().adminSql(
        `SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`,
      ),
    ).toEqual([]);
  });
});

describe('a connection', () => {
  it("that cannot be made, or breaks, is the person's to mend, and the break is no failure of the file", async () => {
    await bed().write('migrations/0001_slow.sql', 'SELECT pg_sleep(600);');
    const { target } = bed();
    const closed = await catchUserError(bed().migrate({ target: { admin: { ...target.admin, port: 1 } } }));
    expect(closed.code).toBe('DATABASE_UNREACHABLE');
    const nobody = await catchUserError(bed().migrate({ target: { ...target, ownerRole: 'nobody_at_all' } }));
    expect(nobody.code).toBe('SCHEMA_REFUSED');
    expect(nobody.message).toContain('role "nobody_at_all" does not exist');
    const running = catchUserError(bed().migrate());
    await eventually(async () => {
      const ended = await bed().adminSql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`,
      );
      expect(ended).toHaveLength(1);
    });
    expect((await running).message).toContain('terminating connection due to administrator command (57P01)');
    expect(await bed().sql('SELECT FROM lambdapg.migrations')).toEqual([]);
  });
});

describe('splitStatements against the server', () => {
  it.each([
    `SELECT 1; SELECT ';'; SELECT E'\\';'; SELECT $$;$$; SELECT $a$;$$;$a$`,
    `SELECT 'a'\n';'; SELECT E'a' -- c\n'b\\';'; SELECT U&'\\0061;'; SELECT N';', B'1', X'ff'`,
    `/* ; /* ; */ ; */ SELECT 1; -- ;\nSELECT 2 AS "x;y"; SELECT 3 AS "a""b;"`,
    `CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE 1 WHEN 1 THEN 2 END; SELECT 3; END; SELECT f()`,
    `CREATE FUNCTION "begin"() RETURNS int LANGUAGE sql AS 'SELECT 1;'; CREATE FUNCTION g() RETURNS int RETURN 1; SELECT 2`,
    `CREATE TABLE t (a int); CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM t WHERE a = 1; DELETE FROM t WHERE a = 2); SELECT 1`,
    `CREATE PROCEDURE p() LANGUAGE plpgsql AS $p$ BEGIN EXECUTE 'SELECT $$;$$'; END; $p$; CALL p()`,
    `SELECT 1 AS a$b$; SELECT 1 AS ä; SELECT 1-- ;\n; SELECT 2/*;*/; SELECT 4/2`,
    `PREPARE q AS SELECT $1::int; EXECUTE q(1); DEALLOCATE q`,
  ])('finds as many statements as it does: %j', async (sql) => {
    await bed().as(async (client) => {
      await client.query('BEGIN');
      const result: unknown = await client.query(sql);
      const count = Array.isArray(result) ? result.length : 1;
      await client.query('ROLLBACK');
      const { statements } = splitStatements(sql);
      expect(statements).toHaveLength(count);
      await client.query('BEGIN');
      for (const { text } of statements) await client.query(text);
      await client.query('ROLLBACK');
    });
  });
});
