import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import { describe, expect, onTestFinished, test } from 'vitest';
import { hashRuntimeFiles } from '../../src/project/runtime-hash.ts';
import type { Files } from '../../src/scaffold/files.ts';
import { applyUpgrade } from '../../src/scaffold/upgrade/apply-upgrade.ts';
import { basePath, withBase } from '../../src/scaffold/upgrade/base.ts';
import {
  diffOf,
  planUpgrade,
  type UpgradeChoices,
  type UpgradePlan,
} from '../../src/scaffold/upgrade/plan-upgrade.ts';
import { testContext } from '../postgres-server.ts';

type Tree = Readonly<Record<string, string | Uint8Array>>;

const rendered = (tree: Tree, version: string): Files => withBase(new Map(Object.entries(tree)), version);

async function write(
  directory: string,
  files: Iterable<readonly [string, string | Uint8Array]>,
): Promise<void> {
  for (const [path, content] of files) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), content);
  }
}

/** A project as version 1.0.0 made it from `tree`, with the person's `edits` (null: deleted). */
async function projectOf(tree: Tree, edits: Readonly<Record<string, string | null>> = {}): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'lambdapg-upgrade-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await write(directory, rendered(tree, '1.0.0'));
  for (const [path, text] of Object.entries(edits)) {
    if (text === null) await rm(join(directory, path));
    else await write(directory, [[path, text]]);
  }
  return directory;
}

const choices: UpgradeChoices = { conflicts: 'new', replaceRuntime: false };

const plan = (directory: string, tree: Tree, more: Partial<UpgradeChoices> = {}): Promise<UpgradePlan> =>
  planUpgrade(directory, rendered(tree, '2.0.0'), '2.0.0', { ...choices, ...more });

const actions = ({ changes }: UpgradePlan): Record<string, string> =>
  Object.fromEntries(
    changes.filter(({ path }) => path !== basePath).map(({ path, action }) => [path, action]),
  );

const apply = (planned: UpgradePlan) => applyUpgrade(testContext(), planned);
const text = (directory: string, path: string): Promise<string> => readFile(join(directory, path), 'utf8');

/** A runtime's folder that its manifest is true of. */
function runtime(version: string, files: Readonly<Record<string, string>>): Tree {
  const sha256 = hashRuntimeFiles(new Map(Object.entries(files)));
  const manifest = `${JSON.stringify({ version, sha256 }, null, 2)}\n`;
  const all = Object.entries({ ...files, 'manifest.json': manifest });
  return Object.fromEntries(all.map(([path, content]) => [`lambdapg-runtime/${path}`, content]));
}

describe('planUpgrade', () => {
  test('each file has its word, and the project ends as planned', async () => {
    const directory = await projectOf(
      { a: 'a\n', b: 'b\n', c: '1\n2\n3\n', d: 'd\n', e: 'e\n', f: 'f\n', 'deep/g': 'g\n' },
      { c: '1\n2\n3\nmine\n', d: 'mine\n', e: null, own: 'mine\n' },
    );
    const planned = await plan(directory, {
      a: 'a\n',
      b: 'B\n',
      c: 'ONE\n2\n3\n',
      d: 'D\n',
      e: 'E\n',
      h: 'h\n',
    });
    expect(actions(planned)).toEqual({
      ...{ a: 'unchanged', b: 'updated', c: 'merged', d: 'conflict', e: 'kept', f: 'removed' },
      ...{ 'deep/g': 'removed', h: 'new' },
    });
    expect(await apply(planned)).toEqual([]);
    const names = (await readdir(directory)).filter((name) => name !== '.lambdapg').sort();
    expect(names).toEqual(['a', 'b', 'c', 'd', 'd.new', 'h', 'own', 'vendor']);
    expect(await text(directory, 'c')).toBe('ONE\n2\n3\nmine\n');
    expect([await text(directory, 'd'), await text(directory, 'd.new')]).toEqual(['mine\n', 'D\n']);
    // The next upgrade starts from here: nothing is told twice.
    const again = await plan(directory, {
      a: 'a\n',
      b: 'B\n',
      c: 'ONE\n2\n3\n',
      d: 'D\n',
      e: 'E\n',
      h: 'h\n',
    });
    expect(new Set(Object.values(actions(again)))).toEqual(new Set(['unchanged']));
  });

  test('without a base every file that differs is a conflict, and none is overwritten', async () => {
    const directory = await projectOf({ a: 'a\n', b: 'b\n', 'package.json': '{}\n' }, { [basePath]: null });
    const planned = await plan(directory, { a: 'a\n', b: 'B\n', c: 'c\n', 'package.json': '{"x": 1}\n' });
    expect(planned.from).toBeUndefined();
    expect(actions(planned)).toEqual({ a: 'unchanged', b: 'conflict', c: 'new', 'package.json': 'conflict' });
    await apply(planned);
    expect([await text(directory, 'b'), await text(directory, 'package.json')]).toEqual(['b\n', '{}\n']);
    expect((await plan(directory, { a: 'a\n', b: 'B\n', c: 'c\n', 'package.json': '{"x": 1}\n' })).from).toBe(
      '2.0.0',
    );
  });

  test('a newer project is refused', async () => {
    const directory = await projectOf({ a: 'a\n' });
    const older = planUpgrade(directory, rendered({ a: 'a\n' }, '0.9.0'), '0.9.0', choices);
    await expect(older).rejects.toMatchObject({
      code: 'DOWNGRADE',
      message: expect.stringContaining('1.0.0'),
      suggestions: [expect.stringContaining('npx lambdapg@1.0.0')],
    });
  });

  test.each([
    ['a merge conflict', '<<<<<<< HEAD\n'],
    ['another JSON', gzipSync('{"format": 1}')],
    ['a later format', gzipSync('{"format": 2, "version": "1.0.0", "text": {}, "sha256": {}}')],
  ])('a base that is %s is refused, with the way out', async (_name, content) => {
    const directory = await projectOf({ a: 'a\n' });
    await write(directory, [[basePath, content]]);
    await expect(plan(directory, { a: 'A\n' })).rejects.toMatchObject({ code: 'BAD_BASE' });
  });

  test('a link is neither followed nor replaced', async () => {
    const outside = await projectOf({ shared: 'shared\n' });
    const directory = await projectOf({ 'src/a': 'a\n', b: 'b\n' }, { b: null, 'src/a': null });
    await rm(join(directory, 'src'), { recursive: true });
    await symlink(outside, join(directory, 'src'));
    await symlink(join(outside, 'shared'), join(directory, 'b'));
    const planned = await plan(directory, { 'src/a': 'A\n', b: 'B\n' });
    expect(actions(planned)).toEqual({ 'src/a': 'kept', b: 'kept' });
    await apply(planned);
    expect(await text(outside, 'shared')).toBe('shared\n');
    expect(await readdir(outside)).not.toContain('a');
  });

  test('the tarball of this version replaces the last one, which stays where package.json still names it', async () => {
    const of = (version: string): Tree => ({
      'package.json': `{"devDependencies": {"lambdapg": "file:./vendor/lambdapg-${version}.tgz"}}\n`,
      [`vendor/lambdapg-${version}.tgz`]: gzipSync(version),
    });
    const directory = await projectOf(of('1.0.0'));
    expect(actions(await plan(directory, of('2.0.0')))).toEqual({
      'package.json': 'updated',
      'vendor/lambdapg-1.0.0.tgz': 'removed',
      'vendor/lambdapg-2.0.0.tgz': 'new',
    });
    await write(directory, [
      ['package.json', '{"devDependencies": {"lambdapg": "file:./vendor/lambdapg-1.0.0.tgz#"}}'],
    ]);
    const kept = await plan(directory, of('2.0.0'));
    expect(actions(kept)).toMatchObject({ 'package.json': 'conflict', 'vendor/lambdapg-1.0.0.tgz': 'kept' });
  });

  test('bytes that another machine compressed otherwise are the same', async () => {
    const directory = await projectOf({ 'v.tgz': gzipSync('x'.repeat(9999), { level: 9 }) });
    expect(actions(await plan(directory, { 'v.tgz': gzipSync('x'.repeat(9999), { level: 1 }) }))).toEqual({
      'v.tgz': 'unchanged',
    });
  });
});

describe('migrations', () => {
  const first = { 'migrations/0001_a.sql': 'one\n' };

  test('one that may have run is neither changed nor removed', async () => {
    expect(actions(await plan(await projectOf(first), { 'migrations/0001_a.sql': 'two\n' }))).toEqual({
      'migrations/0001_a.sql': 'kept',
    });
    expect(actions(await plan(await projectOf(first), {}))).toEqual({ 'migrations/0001_a.sql': 'kept' });
  });

  test('a new one is added after those that are here, and held back otherwise', async () => {
    const theirs = { ...first, 'migrations/0002_b.sql': 'b\n' };
    expect(actions(await plan(await projectOf(first), theirs))).toMatchObject({
      'migrations/0002_b.sql': 'new',
    });
    const directory = await projectOf(first, { 'migrations/0002_mine.sql': 'mine\n' });
    const planned = await plan(directory, theirs);
    expect(actions(planned)).toMatchObject({ 'migrations/0002_b.sql': 'conflict' });
    await apply(planned);
    expect((await readdir(join(directory, 'migrations'))).sort()).toEqual([
      ...['0001_a.sql', '0002_b.sql.new', '0002_mine.sql'],
    ]);
  });

  test('two new ones come together', async () => {
    const theirs = { ...first, 'migrations/0002_b.sql': 'b\n', 'migrations/0003_c.sql': 'c\n' };
    expect(Object.values(actions(await plan(await projectOf(first), theirs)))).toEqual([
      'unchanged',
      'new',
      'new',
    ]);
  });
});

describe('the connection runtime', () => {
  const old = runtime('1.0.0', { 'index.ts': 'one\n', 'gone.ts': 'gone\n' });
  const now = runtime('1.1.0', { 'index.ts': 'two\n', 'more.ts': 'more\n' });

  test.each([
    ['as it was written', {}],
    ['with CRLF', { 'lambdapg-runtime/index.ts': 'one\r\n' }],
    ['with Python’s caches', { 'lambdapg-runtime/__pycache__/x.pyc': 'x' }],
  ])('unmodified (%s): replaced whole', async (_name, edits) => {
    const directory = await projectOf(old, edits);
    const planned = await plan(directory, now);
    expect(actions(planned)).toEqual({
      'lambdapg-runtime/gone.ts': 'removed',
      'lambdapg-runtime/index.ts': 'updated',
      'lambdapg-runtime/manifest.json': 'updated',
      'lambdapg-runtime/more.ts': 'new',
    });
    await apply(planned);
    expect(actions(await plan(directory, now))['lambdapg-runtime/index.ts']).toBe('unchanged');
  });

  test('unmodified by its own hash, though the base is lost', async () => {
    const directory = await projectOf(old, { [basePath]: null });
    expect(actions(await plan(directory, now))).toMatchObject({ 'lambdapg-runtime/index.ts': 'updated' });
  });

  test.each([
    ['a changed file', { 'lambdapg-runtime/index.ts': 'one, mine\n' }],
    ['a file more', { 'lambdapg-runtime/own.ts': 'mine\n' }],
    ['a file less', { 'lambdapg-runtime/gone.ts': null }],
    ['a broken manifest', { 'lambdapg-runtime/manifest.json': '{}\n' }],
  ])(
    '%s: told, kept whole, and replaced only when asked, with a patch that brings it back',
    async (_name, edits) => {
      const directory = await projectOf(old, edits);
      const planned = await plan(directory, now);
      expect(planned.changes.find(({ path }) => path === 'lambdapg-runtime')).toMatchObject({
        action: 'kept',
        reason: expect.stringContaining('--replace-runtime'),
      });
      expect(Object.keys(actions(planned))).toEqual(['lambdapg-runtime']);

      const replacing = await plan(directory, now, { replaceRuntime: true });
      await apply(replacing);
      const files = (await readdir(join(directory, 'lambdapg-runtime'))).sort();
      expect(files).toEqual(['index.ts', 'manifest.json', 'more.ts']);
      expect(await text(directory, 'lambdapg-runtime/index.ts')).toBe('two\n');

      const patch = (await readdir(directory)).find((name) => name.endsWith('.patch')) ?? '';
      const origin = await projectOf(patch.includes('1.0.0') ? old : now);
      await execa('git', ['apply', '--unsafe-paths', join(directory, patch)], { cwd: origin });
      const expected = await projectOf(old, edits);
      const kept = (await readdir(join(expected, 'lambdapg-runtime'))).sort();
      expect((await readdir(join(origin, 'lambdapg-runtime'))).sort()).toEqual(kept);
      for (const name of kept)
        expect(await text(origin, `lambdapg-runtime/${name}`)).toBe(
          await text(expected, `lambdapg-runtime/${name}`),
        );
    },
  );

  test('changed, with nothing newer to be had: nothing is told', async () => {
    const directory = await projectOf(old, { 'lambdapg-runtime/index.ts': 'mine\n' });
    expect(actions(await plan(directory, old))).toEqual({});
  });
});

describe('applyUpgrade', () => {
  test('a file that was edited after the diff was shown: nothing is written', async () => {
    const directory = await projectOf({ a: 'a\n', b: 'b\n' });
    const planned = await plan(directory, { a: 'A\n', b: 'B\n' });
    await writeFile(join(directory, 'b'), 'mine\n');
    await expect(apply(planned)).rejects.toMatchObject({
      code: 'CHANGED_MEANWHILE',
      message: expect.stringMatching(/: b$/),
    });
    expect(await text(directory, 'a')).toBe('a\n');
  });

  test('a conflict of an earlier upgrade that nobody looked at is not overwritten', async () => {
    const directory = await projectOf({ a: 'a\n' }, { a: 'mine\n', 'a.new': 'earlier\n' });
    await expect(apply(await plan(directory, { a: 'A\n' }))).rejects.toMatchObject({ code: 'CONFLICT_OPEN' });
    expect(await text(directory, 'a.new')).toBe('earlier\n');
  });

  test('a file of which all is new has a diff that applies, in bounded time', async () => {
    const of = (word: string): string => Array.from({ length: 2_000 }, (_, at) => `${word} ${at}`).join('\n');
    const directory = await projectOf({ a: of('old') });
    const planned = await plan(directory, { a: of('new') });
    const input = planned.changes.map(diffOf).join('');
    await execa('git', ['apply', '--unsafe-paths'], { cwd: directory, input });
    expect(await text(directory, 'a')).toBe(of('new'));
  });

  test('the diff that is shown makes the file that is written', async () => {
    const directory = await projectOf(
      { a: '1\n2\n3\n4\n5\n6\n7\n8\n9\n' },
      { a: '1\n2\n3\n4\n5\n6\n7\n8\nmine\n' },
    );
    const planned = await plan(directory, { a: 'ONE\n2\n3\n4\n5\n6\n7\n8\n9\n', b: 'new\n' });
    const copy = await projectOf({ a: await text(directory, 'a') });
    await execa('git', ['apply', '--unsafe-paths'], {
      cwd: copy,
      input: planned.changes.map(diffOf).join(''),
    });
    await apply(planned);
    for (const path of ['a', 'b']) expect(await text(copy, path)).toBe(await text(directory, path));
  });
});
