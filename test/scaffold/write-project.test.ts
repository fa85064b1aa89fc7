import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findObstacles, writeProject } from '../../src/scaffold/write-project.ts';

const files = new Map([
  ['package.json', '{}'],
  ['src/api.ts', 'export {};'],
  ['src/deep/er/x.ts', 'x'],
]);
const never = new AbortController().signal;
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lambdapg-write-'));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

const tree = async (dir = root): Promise<string[]> =>
  (await readdir(dir, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort();

describe('writeProject', () => {
  test('a new folder, parents included', async () => {
    await writeProject(join(root, 'a/b/my-api'), files, never);
    expect(await tree(join(root, 'a/b/my-api'))).toEqual([...files.keys()].sort());
    expect(await readdir(join(root, 'a/b'))).toEqual(['my-api']);
  });

  test('an empty folder, and one that holds only a repository', async () => {
    await mkdir(join(root, 'empty'));
    await writeProject(join(root, 'empty'), files, never);
    await mkdir(join(root, 'repository/.git'), { recursive: true });
    await writeFile(join(root, 'repository/.git/HEAD'), 'ref');
    expect((await findObstacles(join(root, 'repository'), files)).entries).toEqual([]);
    await writeProject(join(root, 'repository'), files, never);
    expect(await readFile(join(root, 'repository/.git/HEAD'), 'utf8')).toBe('ref');
    expect(await readFile(join(root, 'repository/src/api.ts'), 'utf8')).toBe('export {};');
  });

  test('what stands in the way is listed, and what would be lost', async () => {
    await mkdir(join(root, 'p/src'), { recursive: true });
    await writeFile(join(root, 'p/notes.txt'), 'mine');
    await writeFile(join(root, 'p/package.json'), '{}');
    await writeFile(join(root, 'p/src/api.ts'), 'mine');
    expect(await findObstacles(join(root, 'p'), files)).toEqual({
      entries: ['notes.txt', 'package.json', 'src'],
      overwritten: ['src/api.ts'],
    });
  });

  test('a failure half-way puts everything back', async () => {
    await mkdir(join(root, 'p/src/deep/er/x.ts'), { recursive: true });
    await writeFile(join(root, 'p/package.json'), 'mine');
    await expect(writeProject(join(root, 'p'), files, never)).rejects.toMatchObject({ code: 'IN_THE_WAY' });
    expect(await tree(join(root, 'p'))).toEqual(['package.json']);
    expect(await readFile(join(root, 'p/package.json'), 'utf8')).toBe('mine');
    expect(await readdir(root)).toEqual(['p']);
  });

  test('an abort leaves nothing, not even the parents it made', async () => {
    const abort = new AbortController();
    abort.abort(new Error('stop'));
    await expect(writeProject(join(root, 'x/y/p'), files, abort.signal)).rejects.toThrow('stop');
    expect(await readdir(root)).toEqual([]);
  });

  test('a file where the folder must go is named', async () => {
    await writeFile(join(root, 'p'), '');
    await expect(findObstacles(join(root, 'p'), files)).rejects.toMatchObject({ code: 'NOT_A_DIRECTORY' });
    await expect(writeProject(join(root, 'p/q'), files, never)).rejects.toMatchObject({ code: 'IN_THE_WAY' });
  });

  test('a link in the way is replaced, not written through', async () => {
    await writeFile(join(root, 'outside'), 'mine');
    await mkdir(join(root, 'p'));
    await symlink(join(root, 'outside'), join(root, 'p/package.json'));
    await writeProject(join(root, 'p'), files, never);
    expect(await readFile(join(root, 'outside'), 'utf8')).toBe('mine');
  });

  test.runIf(process.platform === 'linux' && process.getuid?.() === 0)(
    'a full disk leaves nothing half-written',
    async () => {
      await mkdir(join(root, 'small'));
      expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', join(root, 'small')]).status).toBe(
        0,
      );
      try {
        const large = new Map([...files, ['z.bin', 'x'.repeat(200_000)]]);
        await expect(writeProject(join(root, 'small/p'), large, never)).rejects.toMatchObject({
          code: 'DISK_FULL',
        });
        expect(await readdir(join(root, 'small'))).toEqual([]);
      } finally {
        spawnSync('umount', [join(root, 'small')]);
      }
    },
  );
});
