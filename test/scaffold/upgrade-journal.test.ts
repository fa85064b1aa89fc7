import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { finishPending, isPending, writeAll } from '../../src/scaffold/upgrade/journal.ts';
import { makeTempDir } from '../postgres-server.ts';
import { after, before, steps } from './upgrade-steps.ts';

async function projectOf(files: Readonly<Record<string, string>>): Promise<string> {
  const directory = await makeTempDir();
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
  return directory;
}

/** Every file but those of `.lambdapg/`. */
async function contentsOf(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .filter((path) => !path.startsWith('.lambdapg/'));
  const texts = await Promise.all(paths.map((path) => readFile(join(directory, path), 'utf8')));
  return Object.fromEntries(paths.map((path, index) => [path, texts[index] ?? '']));
}

const leftovers = async (directory: string): Promise<string[]> =>
  (await readdir(join(directory, '.lambdapg')).catch(() => [])).sort();

/** The child bundled once: it is started some fifty times. */
let bundle = '';
beforeAll(async () => {
  const folder = await makeTempDir();
  bundle = join(folder, 'child.mjs');
  const child = fileURLToPath(new URL('upgrade-child.ts', import.meta.url));
  await build({ entryPoints: [child], outfile: bundle, bundle: true, platform: 'node', format: 'esm' });
});
afterAll(() => rm(dirname(bundle), { recursive: true, force: true }));

const runChild = (directory: string, at: number) =>
  execa(process.execPath, [bundle, directory, `${at}`], { reject: false });

const never = new AbortController().signal;
const nothing = async (): Promise<void> => {};

describe('an upgrade that is written', () => {
  test('writes, makes and removes, and leaves nothing behind', async () => {
    const directory = await projectOf(before);
    await chmod(join(directory, 'src/api.ts'), 0o755);
    expect(await writeAll(directory, '2.0.0', steps, never, nothing)).toEqual([]);
    expect(await contentsOf(directory)).toEqual(after);
    expect(await leftovers(directory)).toEqual([]);
    expect((await stat(join(directory, 'src/api.ts'))).mode & 0o777).toBe(0o755);
    await expect(stat(join(directory, 'src/gone'))).rejects.toThrow('ENOENT');
  });

  test('killed before any change of the file system: old or new, and the next run makes it one', {
    timeout: 120_000,
  }, async () => {
    const whole = Number((await runChild(await projectOf(before), 0)).stdout);
    expect(whole).toBeGreaterThan(20);
    const outcomes = new Set<string>();
    const kill = async (at: number): Promise<void> => {
      const directory = await projectOf(before);
      const result = await runChild(directory, at);
      expect(result.signal).toBe('SIGKILL');
      const pending = await isPending(directory);
      await finishPending(directory);
      const contents = await contentsOf(directory);
      const isOld = JSON.stringify(sorted(contents)) === JSON.stringify(sorted(before));
      outcomes.add(isOld ? 'old' : 'new');
      if (!isOld) expect(contents).toEqual(after);
      if (pending) expect(isOld).toBe(false);
      expect(await leftovers(directory)).toEqual([]);
    };
    for (let at = 1; at <= whole; at += 2)
      await Promise.all([kill(at), at < whole ? kill(at + 1) : undefined]);
    expect([...outcomes].sort()).toEqual(['new', 'old']);
  });

  test('a file edited after the kill stays, and what was meant for it is beside it', async () => {
    const directory = await killedHalfWay();
    await writeFile(join(directory, 'src/api.ts'), 'edited');
    await writeFile(join(directory, 'vendor/lambdapg-1.tgz'), 'edited');
    await writeFile(join(directory, 'src/api.ts.new'), 'also mine');
    expect(await finishPending(directory)).toEqual({
      version: '2.0.0',
      edited: ['src/api.ts', 'vendor/lambdapg-1.tgz'],
    });
    expect(await contentsOf(directory)).toEqual({
      ...after,
      'src/api.ts': 'edited',
      'src/api.ts.new': 'also mine',
      'src/api.ts.new2': 'new',
      'vendor/lambdapg-1.tgz': 'edited',
    });
  });

  test('a second upgrade does not begin while one is pending', async () => {
    const directory = await killedHalfWay();
    const held = await contentsOf(directory);
    await expect(writeAll(directory, '3.0.0', steps, never, nothing)).rejects.toMatchObject({
      code: 'UPGRADE_RUNNING',
    });
    expect(await contentsOf(directory)).toEqual(held);
    expect(await leftovers(directory)).toEqual(['upgrade']);
  });

  test('a file that cannot be written: what was done is undone', async () => {
    const directory = await projectOf({ ...before, 'src/more': 'a file where a folder must go' });
    await expect(writeAll(directory, '2.0.0', steps, never, nothing)).rejects.toMatchObject({
      code: 'IN_THE_WAY',
    });
    expect(await contentsOf(directory)).toEqual({ ...before, 'src/more': 'a file where a folder must go' });
    expect(await leftovers(directory)).toEqual([]);
  });

  test.each([
    ['the check refuses', async () => Promise.reject(new Error('refused')), never],
    ['Ctrl-C before it is decided', nothing, AbortSignal.abort(new Error('stopped'))],
  ])('%s: nothing happens', async (_name, check, signal) => {
    const directory = await projectOf(before);
    await expect(writeAll(directory, '2.0.0', steps, signal, check)).rejects.toThrow(/refused|stopped/);
    expect(await contentsOf(directory)).toEqual(before);
    expect(await leftovers(directory)).toEqual([]);
  });

  test('Ctrl-C after it is decided: it is done to the end', async () => {
    const directory = await projectOf(before);
    const controller = new AbortController();
    const written = writeAll(directory, '2.0.0', steps, controller.signal, nothing);
    // A look that waits for nothing misses nothing.
    const journal = join(directory, '.lambdapg/upgrade/journal.json');
    while (!existsSync(journal)) await new Promise((resolve) => setImmediate(resolve));
    controller.abort(new Error('stopped'));
    await written;
    expect(await contentsOf(directory)).toEqual(after);
  });
});

/** A project whose upgrade is decided, and not a file of it moved. */
async function killedHalfWay(): Promise<string> {
  for (let at = 10; ; at += 1) {
    const directory = await projectOf(before);
    await runChild(directory, at);
    if (await isPending(directory)) return directory;
  }
}

const sorted = (record: Readonly<Record<string, string>>): [string, string][] =>
  Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
