import { once } from 'node:events';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ConnectionTarget } from '../../../src/database/target.ts';
import { withClient } from '../../../src/database/with-client.ts';
import { Cancelled } from '../../../src/errors.ts';
import { startLocalPostgres } from '../../../src/local/postgres/local-postgres.ts';
import { isPostmaster, readPostmasterFile } from '../../../src/local/postgres/postmaster-file.ts';
import { isRunning } from '../../../src/local/postgres/process-identity.ts';
import { resetLocalPostgres } from '../../../src/local/postgres/reset-local-postgres.ts';
import { parseProjectName } from '../../../src/project/names.ts';
import { lastingPort, makeTempDir, startTestPostgres, testContext } from '../../postgres-server.ts';

const options = { applicationName: 'lifecycle test' };

function ask(target: ConnectionTarget, text: string): Promise<Record<string, unknown>[]> {
  return withClient(target, options, async (client) => (await client.query(text)).rows);
}

async function postmasterPid(dataDir: string): Promise<number> {
  const found = await readPostmasterFile(dataDir);
  if (found === undefined) throw new Error('no postmaster.pid');
  return found.pid;
}

describe('a running server', () => {
  let server: Awaited<ReturnType<typeof startTestPostgres>>;
  beforeAll(async () => {
    server = await startTestPostgres({ initdb: true });
  });
  afterAll(() => server.cleanUp());

  test('says what and where it is', async () => {
    const { local, projectDir } = server;
    expect(local).toMatchObject({
      host: 'localhost',
      major: 17,
      version: expect.stringMatching(/^17\.\d+$/),
      dataDir: join(projectDir, '.lambdapg', 'postgres', '17', 'data'),
      adopted: false,
      database: 'library',
      timings: { initdbMs: expect.any(Number), startMs: expect.any(Number) },
    });
    expect(await ask(local.admin, 'SELECT current_user AS me, current_database() AS here')).toEqual([
      { me: 'postgres', here: 'library' },
    ]);
  });

  test('talks TLS 1.3 with SCRAM, to IPv4 and IPv6 alike, with a certificate of the project', async () => {
    for (const host of ['localhost', '127.0.0.1', '::1']) {
      const rows = await ask(
        { ...server.local.admin, host },
        'SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
      );
      expect(rows).toEqual([{ version: 'TLSv1.3' }]);
    }
    const verifiers = await ask(
      server.local.admin,
      'SELECT DISTINCT left(rolpassword, 13) AS kind FROM pg_authid WHERE rolcanlogin',
    );
    expect(verifiers).toEqual([{ kind: 'SCRAM-SHA-256' }]);
  });

  test('is set up as on RDS', async () => {
    const rows = await ask(
      server.local.admin,
      `SELECT current_setting('timezone') AS timezone, current_setting('server_encoding') AS encoding,
              current_setting('unix_socket_directories') AS sockets, count(*) > 0 AS statements FROM pg_stat_statements`,
    );
    expect(rows).toEqual([{ timezone: 'UTC', encoding: 'UTF8', sockets: '', statements: true }]);
    const sorted = `SELECT upper('é') AS upper, array(SELECT * FROM unnest(ARRAY['b', 'a', 'B']) AS t ORDER BY 1) AS sorted`;
    expect(await ask(server.local.admin, sorted)).toEqual([{ upper: 'É', sorted: ['B', 'a', 'b'] }]);
  });

  test('keeps its secrets to its owner and out of git', async () => {
    const { projectDir } = server;
    const clusterDir = join(projectDir, '.lambdapg', 'postgres', '17');
    for (const name of ['credentials.json', 'ca.key', 'server.log', 'data/server.key']) {
      expect([name, (await stat(join(clusterDir, name))).mode & 0o777]).toEqual([name, 0o600]);
    }
    expect(await readFile(join(projectDir, '.lambdapg', '.gitignore'), 'utf8')).toBe('*\n');
    expect(await readdir(join(projectDir, '.lambdapg', 'postgres'))).toEqual(['17']);
    expect(await readdir(clusterDir)).not.toContain('password');
  });

  test('may not be reset while it is used', async () => {
    const { projectDir } = server;
    await expect(resetLocalPostgres(testContext(), { projectDir, major: 17 })).rejects.toMatchObject({
      code: 'POSTGRES_IN_USE',
      message: expect.stringContaining(`process ${process.pid}`),
    });
  });
});

test('data and port survive a restart; nothing runs in between', async () => {
  const { local, projectDir, cleanUp } = await startTestPostgres({ preferredPort: lastingPort() });
  await ask(local.admin, 'CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)');
  const pid = await postmasterPid(local.dataDir);
  await local.stop();
  await local.stop();
  expect(isPostmaster(pid, local.dataDir)).toBe(false);
  const context = testContext();
  const again = await startTestPostgres({ projectDir, context, preferredPort: local.port });
  expect(again.local.adopted).toBe(false);
  expect(again.local.timings.initdbMs).toBeUndefined();
  expect(again.local.port).toBe(local.port);
  expect(await ask(again.local.admin, 'SELECT id FROM kept')).toEqual([{ id: 7 }]);
  expect(context.events.map((event) => event.type)).toEqual(['postgres-ready']);
  await again.cleanUp();
  await cleanUp();
});

test('the last port is the one preferred, and a busy one is reported', async () => {
  const { local, projectDir, cleanUp } = await startTestPostgres({ preferredPort: lastingPort() });
  await local.stop();
  const squatter = createServer().listen(local.port, '127.0.0.1');
  await once(squatter, 'listening');
  onTestFinished(() => void squatter.close());
  const context = testContext();
  const names = parseProjectName('library');
  const next = await startLocalPostgres(context, { projectDir, names, major: 17 });
  expect(next.port).toBeGreaterThan(local.port);
  expect(context.events).toContainEqual({
    type: 'port-busy',
    message: `port ${local.port} is busy: PostgreSQL listens on ${next.port}`,
    preferred: local.port,
    port: next.port,
  });
  expect(await ask(next.slots.a, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await next.stop();
  await cleanUp();
});

test('a server that does not get all of its addresses is not used: somebody else answers on the others', async () => {
  const { local, projectDir, cleanUp } = await startTestPostgres({ preferredPort: lastingPort() });
  await local.stop();
  // It is not looked at before the launch, as if it were taken in between.
  const squatter = createServer().listen(local.port, '127.0.0.2');
  await once(squatter, 'listening');
  onTestFinished(() => void squatter.close());
  const names = parseProjectName('library');
  const start = () =>
    startLocalPostgres(testContext(), {
      projectDir,
      names,
      major: 17,
      preferredPort: local.port,
      settings: { listen_addresses: '127.0.0.1,127.0.0.2' },
    });
  await expect(start()).rejects.toMatchObject({
    code: 'NO_FREE_PORT',
    message: `another process took port ${local.port} on 127.0.0.2 whenever PostgreSQL wanted it`,
  });
  const launches = async () => (await readFile(local.logFile, 'utf8')).split('could not bind').length;
  const before = await launches();
  const starting = start();
  await vi.waitUntil(async () => (await launches()) > before, { timeout: 30_000 });
  squatter.close();
  const next = await starting;
  expect(next.port).toBe(local.port);
  expect(await ask(next.admin, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await next.stop();
  await cleanUp();
});

test('two users share one server, and the last one out stops it', async () => {
  const first = await startTestPostgres();
  const second = await startTestPostgres({ projectDir: first.projectDir });
  const pid = await postmasterPid(first.local.dataDir);
  expect(second.local).toMatchObject({ adopted: true, port: first.local.port });
  await first.local.stop();
  expect(await ask(second.local.slots.b, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  const usersDir = join(first.projectDir, '.lambdapg', 'postgres', '17', 'users');
  // A user that died without a word, under a number that nobody has.
  await writeFile(join(usersDir, '4194304-1'), '');
  await second.local.stop();
  expect(isPostmaster(pid, first.local.dataDir)).toBe(false);
  expect(await readdir(usersDir)).toEqual([]);
  await first.cleanUp();
});

test('kill ends it at once, and nothing that was committed is lost', async () => {
  const { local, projectDir, cleanUp } = await startTestPostgres();
  await ask(local.admin, 'CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)');
  const exited = new Promise((resolve) => local.onExit(resolve));
  const neverCalled = exited.then(() => 'called');
  const pid = await postmasterPid(local.dataDir);
  local.kill();
  const again = await startTestPostgres({ projectDir });
  expect(again.local.adopted).toBe(false);
  expect(await postmasterPid(local.dataDir)).not.toBe(pid);
  expect(await ask(again.local.admin, 'SELECT id FROM kept')).toEqual([{ id: 7 }]);
  expect(await Promise.race([neverCalled, 'not called'])).toBe('not called');
  await again.cleanUp();
  await cleanUp();
});

test('stops also when the project was removed under it', async () => {
  const { local, projectDir } = await startTestPostgres();
  const pid = await postmasterPid(local.dataDir);
  await rm(projectDir, { recursive: true, maxRetries: 10 });
  await local.stop();
  expect(isPostmaster(pid, local.dataDir)).toBe(false);
  expect(isRunning({ pid })).toBe(false);
});

test('reset removes everything of that major, and the next start is empty', async () => {
  const { local, projectDir, cleanUp } = await startTestPostgres();
  await ask(local.admin, 'CREATE TABLE kept (id int)');
  await local.stop();
  await resetLocalPostgres(testContext(), { projectDir, major: 17 });
  await resetLocalPostgres(testContext(), { projectDir, major: 17 });
  expect(await readdir(join(projectDir, '.lambdapg', 'postgres'))).toEqual([]);
  const again = await startTestPostgres({ projectDir });
  expect(await ask(again.local.admin, `SELECT to_regclass('kept') AS kept`)).toEqual([{ kept: null }]);
  await again.cleanUp();
  await cleanUp();
});

test('Ctrl-C during the first start leaves nothing half-made', async () => {
  const projectDir = await makeTempDir();
  for (const moment of ['postgres-initdb', 'started']) {
    const context = testContext({
      report(event) {
        if (event.type === moment) context.cancel(new Cancelled());
      },
    });
    if (moment === 'started') context.cancel(new Cancelled());
    await expect(startTestPostgres({ projectDir, context, initdb: true })).rejects.toThrow(Cancelled);
    expect(await readdir(join(projectDir, '.lambdapg', 'postgres'))).toEqual([]);
  }
  const { cleanUp } = await startTestPostgres({ projectDir, initdb: true });
  await cleanUp();
});

test('a server that cannot start says its last words', async () => {
  const projectDir = await makeTempDir();
  const starting = startTestPostgres({ projectDir, settings: { max_connections: 'many' } });
  await expect(starting).rejects.toMatchObject({
    code: 'POSTGRES_DIED',
    message: expect.stringMatching(/stopped while starting \(exit code 1\):\n.*"max_connections": "many"/s),
  });
  const { cleanUp } = await startTestPostgres({ projectDir });
  await cleanUp();
});

test('data of another major is not touched', async () => {
  const { local, projectDir, cleanUp } = await startTestPostgres();
  await local.stop();
  await writeFile(join(local.dataDir, 'PG_VERSION'), '16\n');
  await expect(startTestPostgres({ projectDir })).rejects.toMatchObject({
    code: 'BAD_DATA_DIR',
    message: expect.stringContaining('should hold data of PostgreSQL 17 and holds 16'),
  });
  await cleanUp();
});

test('broken or missing credentials are named', async () => {
  const { local, projectDir, cleanUp } = await startTestPostgres();
  await local.stop();
  const file = join(projectDir, '.lambdapg', 'postgres', '17', 'credentials.json');
  await writeFile(file, '{"admin": 1}');
  await expect(startTestPostgres({ projectDir })).rejects.toMatchObject({
    code: 'BAD_LOCAL_CREDENTIALS',
    message: expect.stringContaining(file),
  });
  await rm(file);
  await expect(startTestPostgres({ projectDir })).rejects.toMatchObject({ code: 'BAD_LOCAL_CREDENTIALS' });
  expect(await readPostmasterFile(local.dataDir)).toBeUndefined();
  await cleanUp();
});
