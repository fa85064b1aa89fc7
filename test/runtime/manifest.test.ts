import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { hashRuntime, runtimeFolders } from '../../scripts/hash-runtime.ts';
import { makeTempDir } from '../postgres-server.ts';

const folders: string[] = [];
afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

const copy = async (): Promise<string> => {
  const folder = await makeTempDir();
  folders.push(folder);
  await cp(runtimeFolders.node, folder, { recursive: true });
  return folder;
};

test.each(Object.entries(runtimeFolders))(
  'the %s runtime matches its manifest (scripts/hash-runtime.ts)',
  async (_language, folder) => {
    const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
    expect(manifest).toEqual({
      version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      sha256: hashRuntime(folder),
    });
  },
);

test.each([
  ['node', 'probe.ts'],
  ['python', 'probe.py'],
] as const)('a probe of %s tells the version of the manifest', async (language, file) => {
  const folder = runtimeFolders[language];
  const { version } = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
  expect(await readFile(join(folder, file), 'utf8')).toMatch(new RegExp(`RUNTIME = ["']${version}["']`, 'i'));
});

test('an edit, a new file and a renamed one each change the hash; line ends and caches do not', async () => {
  const original = hashRuntime(runtimeFolders.node);
  const folder = await copy();
  const file = join(folder, 'index.ts');
  const text = await readFile(file, 'utf8');

  await writeFile(file, text.replaceAll('\n', '\r\n'));
  await cp(runtimeFolders.node, join(folder, '__pycache__'), { recursive: true });
  expect(hashRuntime(folder)).toBe(original);

  await writeFile(file, `${text}\n`);
  expect(hashRuntime(folder)).not.toBe(original);
  await writeFile(file, text);
  await writeFile(join(folder, 'new.ts'), '');
  expect(hashRuntime(folder)).not.toBe(original);
});

test('every file says that it is not to be edited', async () => {
  for (const [language, folder] of Object.entries(runtimeFolders)) {
    const first = language === 'node' ? 'index.ts' : '__init__.py';
    expect(await readFile(join(folder, first), 'utf8')).toContain('do not edit');
  }
});
