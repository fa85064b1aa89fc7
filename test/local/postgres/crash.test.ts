import { once } from 'node:events';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { ConnectionTarget } from '../../../src/database/target.ts';
import { withClient } from '../../../src/database/with-client.ts';
import { spawnProcess } from '../../../src/exec.ts';
import { findServer } from '../../../src/local/postgres/find-server.ts';
import { isPostmaster, readPostmasterFile } from '../../../src/local/postgres/postmaster-file.ts';
import { placeBinaries } from '../../../src/local/postgres/reachable-place.ts';
import { chooseRunAs, commandAs, serverEnvironment } from '../../../src/local/postgres/run-as.ts';
import type { PostmasterExit } from '../../../src/local/postgres/watch-postmaster.ts';
import { parseProjectName } from '../../../src/project/names.ts';
import { copyFreshCluster, makeTempDir, startTestPostgres, testContext } from '../../postgres-server.ts';
import { type Started, startServerProcess } from './server-process.ts';

const options = { applicationName: 'crash test' };
const names = parseProjectName('library');
const kept = 'CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)';
const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function start(
  projectDir: string,
  initdb = false,
): Promise<Awaited<ReturnType<typeof startTestPostgres>>['local']> {
  const { local, cleanUp } = await startTestPostgres({ projectDir, initdb });
  cleanUps.push(cleanUp);
  return local;
}

async function ask(target: ConnectionTarget, text: string): Promise<Record<string, unknown>[]> {
  return withClient(target, options, async (client) => (await client.query(text)).rows);
}

async function postmasterPid(dataDir: string): Promise<number> {
  return (await readPostmasterFile(dataDir))?.pid ?? 0;
}

function up(started: Started): Exclude<Started, { fault: string }> {
  if ('fault' in started) throw new Error(started.fault);
  return started;
}

test('kill -9 of the parent: the server lives on, and the next start adopts it and stops it', async () => {
  const projectDir = await makeTempDir();
  await copyFreshCluster(projectDir, 17);
  const parent = startServerProcess({ projectDir, names });
  const orphan = up(await parent.started);
  expect(orphan.adopted).toBe(false);
  await parent.murder();
  const local = await start(projectDir);
  expect(local).toMatchObject({ adopted: true, port: orphan.port });
  expect(await postmasterPid(local.dataDir)).toBe(orphan.pid);
  expect(await ask(local.slots.a, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await local.stop();
  expect(isPostmaster(orphan.pid, local.dataDir)).toBe(false);
});

test('kill -9 of the postmaster: it is noticed, and the next start recovers the data', async () => {
  const projectDir = await makeTempDir();
  const first = await start(projectDir);
  await ask(first.admin, kept);
  const pid = await postmasterPid(first.dataDir);
  const exited = new Promise<PostmasterExit>((resolve) => first.onExit(resolve));
  process.kill(pid, 'SIGKILL');
  expect(await exited).toMatchObject({ pid, how: 'SIGKILL' });
  const again = await start(projectDir);
  expect(again).toMatchObject({ adopted: false });
  expect(await ask(again.admin, 'SELECT id FROM kept')).toEqual([{ id: 7 }]);
  expect(await readFile(again.logFile, 'utf8')).toContain('automatic recovery in progress');
});

test('the user of an adopted server notices its end too', async () => {
  const projectDir = await makeTempDir();
  await copyFreshCluster(projectDir, 17);
  const parent = startServerProcess({ projectDir, names });
  const { pid } = up(await parent.started);
  const local = await start(projectDir);
  const exited = new Promise<PostmasterExit>((resolve) => local.onExit(resolve));
  process.kill(pid, 'SIGKILL');
  expect(await exited).toMatchObject({ pid, how: 'gone' });
  await parent.stop();
});

test('kill -9 of the postmaster under a busy session: the session is ended, and the next start recovers', async () => {
  const projectDir = await makeTempDir();
  const first = await start(projectDir);
  await ask(first.admin, kept);
  const busy = ask(first.admin, 'SELECT count(*) FROM generate_series(1, 1e12::bigint)').catch(() => 'ended');
  let sessions: unknown[] = [];
  while (sessions.length === 0) {
    sessions = await ask(
      first.admin,
      `SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%1e12%' AND pid <> pg_backend_pid()`,
    );
  }
  process.kill(await postmasterPid(first.dataDir), 'SIGKILL');
  const again = await start(projectDir);
  expect(await busy).toBe('ended');
  expect(await ask(again.admin, 'SELECT id FROM kept')).toEqual([{ id: 7 }]);
});

// Only Linux shows a zombie as such, and only there do containers run without an init.
if (process.platform === 'linux') {
  test('a postmaster that stays a zombie, because its parent never reaps, is dead', async () => {
    const projectDir = await makeTempDir();
    const first = await start(projectDir);
    await ask(first.admin, kept);
    await first.stop();
    const pid = await startUnreaped(projectDir, first.dataDir);
    process.kill(pid, 'SIGKILL');
    while (!(await readFile(`/proc/${pid}/stat`, 'utf8')).includes(') Z '))
      await ask(first.admin, '').catch(() => {});
    expect(await postmasterPid(first.dataDir)).toBe(pid);
    process.kill(pid, 0);
    const again = await start(projectDir);
    expect(again.adopted).toBe(false);
    expect(await ask(again.admin, 'SELECT id FROM kept')).toEqual([{ id: 7 }]);
    expect(await readFile(`/proc/${pid}/stat`, 'utf8')).toContain(') Z ');
  });

  test("a lock file that names another program's process does not stop a start", async () => {
    const projectDir = await makeTempDir();
    const first = await start(projectDir);
    await first.stop();
    const bystander = spawnProcess('sleep', ['600'], { stdio: 'ignore' });
    cleanUps.push(() => bystander.kill());
    const lockFile = join(first.dataDir, 'postmaster.pid');
    await writeFile(lockFile, `${bystander.pid}\n${first.dataDir}\n1\n5432\n\nlocalhost\n  1 1\nready   \n`, {
      mode: 0o600,
    });
    const again = await start(projectDir);
    expect(again.adopted).toBe(false);
    expect(bystander.exitCode).toBeNull();
  });
}

/** Starts the postmaster under a parent that never asks for its end: a shell that became `sleep`. */
async function startUnreaped(projectDir: string, dataDir: string): Promise<number> {
  const context = testContext();
  const runAs = await chooseRunAs(context);
  const binaries = await placeBinaries(await findServer(context, projectDir, 17), runAs);
  const { file, args, user } = commandAs(runAs, join(binaries.binDir, 'postgres'), ['-D', dataDir]);
  const parent = spawnProcess('sh', ['-c', '"$@" & exec sleep 600', 'sh', file, ...args], {
    ...user,
    env: serverEnvironment(context.env),
    stdio: 'ignore',
  });
  cleanUps.push(async () => {
    parent.kill('SIGKILL');
    await once(parent, 'exit');
  });
  for (;;) {
    const found = await readPostmasterFile(dataDir);
    if (found?.status === 'ready') return found.pid;
  }
}

test('two starts at once, with nothing there yet, end with one server', async () => {
  const projectDir = await makeTempDir();
  cleanUps.push(() => rm(projectDir, { recursive: true, force: true }));
  const processes = [startServerProcess({ projectDir, names }), startServerProcess({ projectDir, names })];
  const [one, two] = (await Promise.all(processes.map(({ started }) => started))).map(up);
  expect(one?.pid).toBe(two?.pid);
  expect(one?.port).toBe(two?.port);
  expect([one?.adopted, two?.adopted].sort()).toEqual([false, true]);
  await Promise.all(processes.map((each) => each.stop()));
  const dataDir = join(projectDir, '.lambdapg', 'postgres', '17', 'data');
  expect(isPostmaster(one?.pid ?? 0, dataDir)).toBe(false);
});

test('kill -9 during the first start leaves nothing that the next one trips over', async () => {
  const projectDir = await makeTempDir();
  const parent = startServerProcess({ projectDir, names });
  const list = () => readdir(join(projectDir, '.lambdapg', 'postgres')).catch(() => [] as string[]);
  while (!(await list()).some((name) => name.startsWith('17.new-'))) await new Promise(setImmediate);
  await parent.murder();
  expect(await list()).toContain('17.lock');
  const local = await start(projectDir, true);
  expect(await ask(local.slots.a, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  expect(await list()).toEqual(['17']);
});
