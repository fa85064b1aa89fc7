import { once } from 'node:events';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Cancelled } from '../../../src/errors.ts';
import { spawnProcess } from '../../../src/exec.ts';
import { withFileLock } from '../../../src/local/postgres/file-lock.ts';
import { identifyProcess } from '../../../src/local/postgres/process-identity.ts';
import { makeTempDir, testContext } from '../../postgres-server.ts';

let dir: string;
let file: string;
beforeEach(async () => {
  dir = await makeTempDir();
  file = join(dir, 'a.lock');
});
afterEach(() => rm(dir, { recursive: true }));

test('only one at a time works under a lock, and nothing is left of it', async () => {
  let inside = 0;
  let most = 0;
  const work = async () => {
    inside += 1;
    most = Math.max(most, inside);
    await new Promise(setImmediate);
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 8 }, () => withFileLock(testContext(), file, work)));
  expect(most).toBe(1);
  expect(await readdir(dir)).toEqual([]);
});

test('a failure gives the lock back', async () => {
  const failing = withFileLock(testContext(), file, () => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  expect(await withFileLock(testContext(), file, async () => 'in')).toBe('in');
});

test('the lock of a dead process is broken, by one of many', async () => {
  const child = spawnProcess(process.execPath, ['-e', '']);
  const dead = identifyProcess(child.pid ?? 0);
  await once(child, 'exit');
  await writeFile(file, JSON.stringify({ ...dead, token: 'dead' }));
  let inside = 0;
  const work = async () => {
    inside += 1;
    expect(inside).toBe(1);
    await new Promise(setImmediate);
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 8 }, () => withFileLock(testContext(), file, work)));
  expect(await readdir(dir)).toEqual([]);
});

test('a lock whose holder died before it wrote its name is broken', async () => {
  await writeFile(file, '');
  expect(await withFileLock(testContext(), file, async () => 'in')).toBe('in');
});

// Only Linux says when a process started.
if (process.platform === 'linux') {
  test('a number that belongs to a later process does not hold the lock', async () => {
    await writeFile(file, JSON.stringify({ pid: process.pid, startTicks: '1', token: 'earlier' }));
    expect(await withFileLock(testContext(), file, async () => 'in')).toBe('in');
  });
}

test('a live holder is waited for and named, and Ctrl-C ends the wait', async () => {
  const holder = JSON.stringify({ ...identifyProcess(process.ppid), token: 'other' });
  await writeFile(file, holder);
  const context = testContext({
    report(event) {
      expect(event).toMatchObject({ type: 'postgres-wait', pid: process.ppid });
      context.cancel(new Cancelled());
    },
  });
  await expect(withFileLock(context, file, async () => 'in')).rejects.toThrow(Cancelled);
  expect(await readFile(file, 'utf8')).toBe(holder);
});
