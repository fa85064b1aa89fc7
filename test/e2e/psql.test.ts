import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import { startTestPostgres } from '../postgres-server.ts';
import { built, plainEnvironment, repository, runCli } from './cli.ts';
import { devEnvironment, makeProject, processesOf } from './dev.ts';

describe('lambdapg psql', () => {
  test('runs what is given, as whom it is asked to, and prints a table, CSV or JSON', async () => {
    const project = await makeProject();
    const cli = (args: readonly string[], input?: string) =>
      runCli(['psql', ...args], {
        cwd: project,
        env: devEnvironment(),
        ...(input !== undefined && { input }),
      });

    const table = await cli(['-c', `SELECT 10 AS number, 'ab' AS "text", NULL AS nothing`]);
    expect([table.exitCode, table.stdout]).toEqual([
      0,
      'number | text | nothing\n-------+------+--------\n    10 | ab   |\n(1 row)',
    ]);
    const csv = await cli(['--csv', '-c', `SELECT 'a,"b"' AS "x y", '' AS empty, NULL AS nothing`]);
    expect(csv.stdout).toBe('x y,empty,nothing\n"a,""b""","",');
    const json = await cli([
      '--json',
      '-c',
      `SELECT 1 AS a, 9007199254740993 AS b, true AS c, '[1]'::json AS d, 2 AS a`,
    ]);
    expect(json.json()).toEqual({
      results: [
        {
          command: 'SELECT',
          rowCount: 1,
          cut: false,
          columns: ['a', 'b', 'c', 'd', 'a_2'],
          rows: [{ a: 1, b: '9007199254740993', c: true, d: [1], a_2: 2 }],
        },
      ],
    });

    const who = async (...as: string[]) =>
      (await cli(['--csv', '-c', 'SELECT session_user, current_user', ...as])).stdout.split('\n')[1];
    expect(await who()).toBe('my_api_a,my_api_app');
    expect(await who('--as', 'owner')).toMatch(/,my_api_owner$/);
    expect(await who('--as', 'admin')).not.toMatch(/my_api_(owner|app)/);
    const refused = await cli(['-c', 'CREATE TABLE t (id int)']);
    expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('permission denied')]);

    await writeFile(join(project, 'make.sql'), 'CREATE TABLE t (id int);\nINSERT INTO t VALUES (1), (2);\n');
    expect((await cli(['--as', 'owner', '-f', 'make.sql'])).stdout).toBe('CREATE\n\nINSERT 2');
    const limited = await cli(['--limit', '1'], 'SELECT id FROM t ORDER BY id');
    expect([limited.exitCode, limited.stdout]).toEqual([0, 'id\n--\n 1\n(1 row, and there are more)']);

    const failed = await cli([], 'DELETE FROM t;\nSELECT nmae FROM t;');
    expect(failed.exitCode).toBe(1);
    expect(failed.stderr).toMatch(
      /standard input:2:8: column "nmae" does not exist.*\n {2}2 \| SELECT nmae.*\n\s+\|\s+\^/,
    );
    expect(failed.stderr).toContain('the statement before it was done');
    expect((await cli(['-f', 'none.sql'])).exitCode).toBe(2);
    expect((await cli(['-c', 'SELECT 1', '-f', 'make.sql'])).exitCode).toBe(2);
    expect((await cli(['-c', 'COPY t TO STDOUT'])).exitCode).toBe(1);
    expect(processesOf(project)).toEqual([]);
  });

  test('a terminal gets PostgreSQL’s own psql, with the password in no argument and Ctrl-C its own', async () => {
    const project = await makeProject();
    const plan = {
      command: [process.execPath, built, 'psql'],
      steps: [
        ['=> ', 'SELECT current_user;\n'],
        ['=> ', "\\! tr '\\0' ' ' < /proc/$PPID/cmdline; echo password $(printenv PGPASSWORD | wc -c)\n"],
        // Said by the statement itself, while it runs.
        ['=> ', "DO $$ BEGIN RAISE NOTICE '%-begun', current_database(); PERFORM pg_sleep(60); END $$;\n"],
        ['my_api-begun', '\u0003'],
        ['=> ', '\\q\n'],
      ],
    };
    const { exitCode, stdout } = await execa(
      'python3',
      [join(repository, 'test/e2e/terminal.py'), JSON.stringify(plan)],
      {
        cwd: project,
        env: { ...plainEnvironment(), TERM: 'xterm', PAGER: 'cat', PGHOST: 'elsewhere.invalid' },
        extendEnv: false,
        reject: false,
      },
    );
    expect(stdout).toContain('my_api_app');
    expect(stdout).toMatch(/psql --no-password\s+password 44/);
    expect(stdout).toContain('canceling statement due to user request');
    expect(exitCode).toBe(0);
    expect(processesOf(project)).toEqual([]);
  });

  test('without psql on the computer it says so, and what needs none', async () => {
    // Without a PATH a server runs as another user than the one that a copied cluster belongs to.
    const project = await makeProject('node', 'my-api', { initdb: true });
    const plan = { command: [process.execPath, built, 'psql'], steps: [] };
    const { exitCode, stdout } = await execa(
      '/usr/bin/python3',
      [join(repository, 'test/e2e/terminal.py'), JSON.stringify(plan)],
      { cwd: project, env: { ...plainEnvironment(), PATH: '/nowhere' }, extendEnv: false, reject: false },
    );
    expect(exitCode).toBe(1);
    expect(stdout).toContain('there is no psql on this computer');
    expect(stdout).toContain('lambdapg psql -c');
  });
});

describe('--db-host-map', () => {
  let server: Awaited<ReturnType<typeof startTestPostgres>>;
  beforeAll(async () => {
    server = await startTestPostgres();
    return server.cleanUp;
  });

  test('reaches a named server elsewhere and checks the certificate against the name', async () => {
    const project = await makeProject();
    const { admin, caFile } = server.local;
    await chmod(caFile, 0o644);
    const password = admin.password as { reveal(): string };
    const url = (host: string) =>
      `postgres://${admin.user}:${password.reveal()}@${host}:1/${admin.database}?sslrootcert=${caFile}`;
    const ask = (host: string, map: string[], env: Record<string, string> = {}) =>
      runCli(
        ['psql', '--csv', '-c', 'SELECT 1 AS one', ...map.flatMap((entry) => ['--db-host-map', entry])],
        {
          cwd: project,
          env: { ...devEnvironment(), LAMBDAPG_DATABASE_URL: url(host), ...env },
        },
      );
    const place = `127.0.0.1:${admin.port}`;
    expect((await ask('localhost', [`other=1.2.3.4`, `localhost=${place}`])).stdout).toBe('one\n1');
    expect((await ask('localhost', [], { LAMBDAPG_DB_HOST_MAP: `localhost=${place}` })).stdout).toBe(
      'one\n1',
    );
    const impostor = await ask('db.example.com', [`db.example.com=${place}`]);
    expect([impostor.exitCode, impostor.stderr]).toEqual([
      1,
      expect.stringContaining('certificate is for another host name'),
    ]);
    const bad = await ask('localhost', ['localhost']);
    expect([bad.exitCode, bad.stderr]).toEqual([
      2,
      expect.stringContaining('--db-host-map: "localhost" is not name=host:port'),
    ]);
    expect(bad.stderr).not.toContain(password.reveal());
  });
});
