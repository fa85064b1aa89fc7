import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { spawnProcess } from '../../../src/exec.ts';
import { findServer } from '../../../src/local/postgres/find-server.ts';
import { readPostmasterFile } from '../../../src/local/postgres/postmaster-file.ts';
import { placeBinaries } from '../../../src/local/postgres/reachable-place.ts';
import { chooseRunAs, commandAs, serverEnvironment } from '../../../src/local/postgres/run-as.ts';
import type { PostmasterExit } from '../../../src/local/postgres/watch-postmaster.ts';
import { copyFreshCluster, makeTempDir, testContext } from '../../postgres-server.ts';
import { ask, cleanUps, kept, names, postmasterPid, start, up } from './crash-bed.ts';
import { startServerProcess } from './server-process.ts';

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
