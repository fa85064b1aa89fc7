import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { list } from 'tar';
import { describe, expect, onTestFinished, test } from 'vitest';
import { packedCli } from '../../src/scaffold/packed-cli.ts';
import { makeTempDir } from '../postgres-server.ts';

const longAgo = new Date('2026-01-01T00:00:00Z');

interface Package {
  readonly dir: string;
  readonly cache: string;
  readonly pack: () => Promise<Buffer>;
  readonly kept: () => Promise<string[]>;
}

async function makePackage(): Promise<Package> {
  const folder = await makeTempDir();
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const [dir, cache] = [join(folder, 'package'), join(folder, 'cache')];
  await mkdir(join(dir, 'templates/base'), { recursive: true });
  await writeFile(join(dir, 'package.json'), JSON.stringify({ name: 'lambdapg', files: ['templates'] }));
  await writeFile(join(dir, 'LICENSE'), 'MIT\n');
  await writeFile(join(dir, 'templates/base/app.ts'), 'one\n');
  await utimes(join(dir, 'templates/base/app.ts'), longAgo, longAgo);
  return {
    ...{ dir, cache },
    pack: async () => Buffer.from(await packedCli(dir, cache)),
    kept: () => readdir(join(cache, 'packed')),
  };
}

async function contentOf(packed: Buffer): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  const reading = list({
    onReadEntry: (entry) => {
      entry.on('data', (chunk: Buffer) => {
        texts[entry.path] = (texts[entry.path] ?? '') + chunk.toString('utf8');
      });
    },
  });
  const ended = new Promise((resolve) => reading.on('end', resolve));
  reading.end(packed);
  await ended;
  return texts;
}

describe('the packed command line', () => {
  test('is packed once, and read where it is kept after that', async () => {
    const { cache, pack, kept } = await makePackage();
    const first = await pack();
    expect(await contentOf(first)).toMatchObject({ 'package/templates/base/app.ts': 'one\n' });
    const [name = ''] = await kept();
    expect(await readFile(join(cache, 'packed', name))).toEqual(first);
    await writeFile(join(cache, 'packed', name), 'what is kept');
    expect((await pack()).toString()).toBe('what is kept');
  });

  test.each<[string, (dir: string) => Promise<unknown>, unknown]>([
    [
      'a changed file',
      (dir) => writeFile(join(dir, 'templates/base/app.ts'), 'two, and longer\n'),
      'two, and longer\n',
    ],
    [
      'as many bytes at the same time',
      (dir) => rewriteUnseen(join(dir, 'templates/base/app.ts'), 'two\n'),
      'two\n',
    ],
    ['a removed file', (dir) => rm(join(dir, 'templates/base/app.ts')), undefined],
  ])('is packed again after %s', async (_what, change, expected) => {
    const { dir, pack } = await makePackage();
    await pack();
    await change(dir);
    const texts = await contentOf(await pack());
    expect(texts['package/templates/base/app.ts']).toBe(expected);
  });

  test('is packed again when a file is new, or package.json names another', async () => {
    const { dir, pack } = await makePackage();
    await pack();
    await writeFile(join(dir, 'templates/base/new.ts'), 'new\n');
    expect(await contentOf(await pack())).toMatchObject({ 'package/templates/base/new.ts': 'new\n' });
    await writeFile(join(dir, 'more.txt'), 'more\n');
    await writeFile(join(dir, 'package.json'), JSON.stringify({ files: ['templates', 'more.txt'] }));
    expect(await contentOf(await pack())).toMatchObject({ 'package/more.txt': 'more\n' });
  });

  test('needs no cache that can be written', async () => {
    const { dir, cache, pack } = await makePackage();
    const packed = await pack();
    await rm(cache, { recursive: true });
    await writeFile(cache, 'a file where a folder must go');
    expect(Buffer.from(await packedCli(dir, cache))).toEqual(packed);
  });

  test('the cache does not grow without end', async () => {
    const { dir, pack, kept } = await makePackage();
    for (let round = 0; round < 10; round += 1) {
      await writeFile(join(dir, 'templates/base/app.ts'), 'x'.repeat(round));
      await pack();
    }
    expect(await kept()).toHaveLength(8);
  });
});

/** Neither its size nor the time it was written at tells the change. */
async function rewriteUnseen(path: string, text: string): Promise<void> {
  const { mtimeMs, size } = await stat(path);
  await writeFile(path, text);
  await utimes(path, longAgo, longAgo);
  expect(await stat(path)).toMatchObject({ mtimeMs, size });
}
