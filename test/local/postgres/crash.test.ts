import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isPostmaster } from '../../../src/local/postgres/postmaster-file.ts';
import type { PostmasterExit } from '../../../src/local/postgres/watch-postmaster.ts';
import { copyFreshCluster, makeTempDir } from '../../postgres-server.ts';
import { ask, cleanUps, kept, names, postmasterPid, start, up } from './crash-bed.ts';
import { startServerProcess } from './server-process.ts';

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
