import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import {
  appendFile,
  chmod,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hashRuntime } from '../../scripts/hash-runtime.ts';
import { hashOf } from '../../src/scaffold/upgrade/content.ts';
import { built, emptyFolder, plainEnvironment, repository, runCli } from './cli.ts';
import { devEnvironment } from './dev.ts';

interface Upgraded {
  readonly from?: string;
  readonly to: string;
  readonly written?: boolean;
  readonly nextSteps?: readonly string[];
  readonly changes: readonly {
    readonly path: string;
    readonly action: string;
    readonly reason?: string;
    readonly lacking?: readonly string[];
    readonly beside?: string;
    readonly diff?: string;
    readonly conflicts?: readonly { readonly place: string }[];
  }[];
}

/** What is upgraded with: as built, which projects carry as a tarball; later as from a registry. */
let current = built;

async function copyPackage(prefix: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), prefix));
  for (const part of ['bin', 'dist', 'templates', 'schema', 'LICENSE', 'package.json', 'oclif.manifest.json'])
    await cp(join(repository, part), join(folder, part), { recursive: true });
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** A lambdapg of an older version, whose templates differ from these in one way of each kind. */
let older = '';
beforeAll(async () => {
  older = await copyPackage('lambdapg-older-');
  for (const file of ['package.json', 'oclif.manifest.json'])
    await editJson(older, file, { version: '0.0.9' });
  const templates = join(older, 'templates');
  await rm(join(templates, 'base/_editorconfig'));
  await writeFile(join(templates, 'api-node/src/legacy.ts'), 'export const legacy = true;\n');
  await appendFile(join(templates, 'api-node/src/db.ts'), '// a line of 0.0.9\n');
  await appendFile(join(templates, 'api-node/src/health.ts'), '// another line of 0.0.9\n');
  const readme = join(templates, 'api-node/README.md');
  await writeFile(readme, `A line of 0.0.9\n\n${await readFile(readme, 'utf8')}`);
  await editJson(templates, 'node/package.json', { devDependencies: { tsx: '^4.0.0' } });
  await edit(templates, 'api-node/src/overdue.ts', ', withProbe', '');
  await edit(templates, 'api-node/src/overdue.ts', 'withProbe(listOverdue, database)', 'listOverdue');
  await edit(templates, 'api-node/src/overdue.ts', 'database, query', 'query');
  for (const runtime of ['runtime-node/lambdapg-runtime', 'runtime-python/lambdapg_runtime']) {
    await writeFile(join(templates, runtime, 'old.txt'), 'of 0.0.9\n');
    await editJson(templates, `${runtime}/manifest.json`, {
      version: '0.0.9',
      sha256: hashRuntime(join(templates, runtime)),
    });
  }
});
afterAll(() => rm(older, { recursive: true, force: true }));

describe('lambdapg upgrade, with the command line in the project', { timeout: 120_000 }, () => {
  test('keeps what the person changed, brings what is new, and the project passes its own tests', async () => {
    const project = await makeOld('node');
    await appendFile(join(project, 'README.md'), '\nOur own notes.\n');
    await edit(project, 'src/health.ts', '// another line of 0.0.9', '// our line');
    await edit(project, 'src/api.ts', /^/, '// our first line\n');
    await editJson(project, 'package.json', { devDependencies: { 'our-package': 'file:./ours' } });
    await editJson(project, 'lambdapg.json', { functions: { api: { memoryMb: 512 } } });
    await writeFile(join(project, 'src/ours.ts'), 'export const ours = 1;\n');
    await rm(join(project, '.env.example'));

    const { exitCode, json } = await upgrade(project, '--yes');
    const { changes, nextSteps, ...rest } = json();
    expect([exitCode, rest]).toEqual([
      3,
      { directory: project, from: '0.0.9', to: '0.1.0', written: true, edited: [] },
    ]);
    expect(actionsOf(changes)).toMatchObject({
      '.editorconfig': 'new',
      'README.md': 'merged',
      'lambdapg-runtime/manifest.json': 'updated',
      'lambdapg-runtime/old.txt': 'removed',
      'package.json': 'merged',
      'src/db.ts': 'updated',
      'src/health.ts': 'conflict',
      'src/legacy.ts': 'removed',
      'vendor/lambdapg-0.0.9.tgz': 'removed',
      'vendor/lambdapg-0.1.0.tgz': 'new',
    });
    expect(nextSteps).toEqual([
      expect.stringMatching(/^compare src\/health\.ts with src\/health\.ts\.new/),
      'npm install',
      'npm test',
    ]);
    const manifest = JSON.parse(await textOf(project, 'package.json')) as { devDependencies: object };
    expect(manifest.devDependencies).toMatchObject({
      'our-package': 'file:./ours',
      lambdapg: 'file:./vendor/lambdapg-0.1.0.tgz',
    });
    expect(await textOf(project, 'README.md')).toMatch(/^(?!A line)[\s\S]*Our own notes\.\n$/);
    expect(await textOf(project, 'src/api.ts')).toMatch(/^\/\/ our first line\n/);
    expect(await textOf(project, 'src/health.ts')).toContain('// our line');
    expect(await textOf(project, 'src/health.ts.new')).not.toMatch(/our line|0\.0\.9/);
    expect(JSON.parse(await textOf(project, 'lambdapg.json'))).toMatchObject({
      functions: { api: { memoryMb: 512 } },
    });
    expect(
      (await listed(project)).filter((path) => /legacy|\.env\.example|0\.0\.9|old\.txt/.test(path)),
    ).toEqual([]);

    await rm(join(project, 'src/health.ts.new'));
    const again = await upgrade(project, '--yes');
    expect([again.exitCode, again.json().written]).toEqual([0, undefined]);

    await symlink(join(repository, 'node_modules'), join(project, 'node_modules'));
    const tests = await runCli(['dev', '--', 'node', '--import', 'tsx', '--test', 'test/api.test.ts'], {
      cwd: project,
      env: devEnvironment(),
    });
    expect([tests.exitCode, tests.stdout + tests.stderr]).toEqual([0, expect.stringContaining('fail 0')]);
  });

  test('from the copy that npm installed, whose program it made executable, there is nothing to do', async () => {
    const project = await makeOld('node');
    await chmod(join(older, 'bin/run.js'), 0o755);
    const { exitCode, stdout } = await runOlder(['upgrade'], project);
    expect([exitCode, stdout]).toEqual([0, 'nothing to do: the project is as lambdapg 0.0.9 writes it']);
  });
});

describe('lambdapg upgrade, from a registry', { timeout: 120_000 }, () => {
  let newer = '';
  beforeAll(async () => {
    newer = await copyPackage('lambdapg-newer-');
    for (const folder of [older, newer]) await writeFile(join(folder, 'dist/release.json'), '{}\n');
    made.clear();
    current = join(newer, 'bin/run.js');
  });
  afterAll(() => rm(newer, { recursive: true, force: true }));

  test('a project that nobody touched ends as this version would have made it', async () => {
    const project = await makeOld('python');
    const fresh = await copyOf('new', 'python');
    expect((await upgrade(project, '--yes')).exitCode).toBe(0);
    expect(await contentsOf(project)).toEqual(await contentsOf(fresh));
  });

  test('killed in the middle, the same command brings the project to the same end', async () => {
    const [project, twin] = await Promise.all([makeOld('node'), makeOld('node')]);
    await Promise.all([project, twin].map((each) => appendFile(join(each, 'README.md'), 'ours\n')));
    await mkdir(join(project, '.lambdapg'));
    const child = spawn(process.execPath, [current, 'upgrade', '--yes'], {
      cwd: project,
      env: plainEnvironment(),
      stdio: 'ignore',
    });
    const watcher = watch(join(project, '.lambdapg'), (_event, name) => {
      if (name === 'upgrade') child.kill('SIGKILL');
    });
    await once(child, 'exit');
    watcher.close();
    const again = await upgrade(project, '--yes');
    expect(again.exitCode).toBe(0);
    await upgrade(twin, '--yes');
    expect(await contentsOf(project)).toEqual(await contentsOf(twin));
    expect(await textOf(project, 'README.md')).toMatch(/ours\n$/);
  });

  test('a changed runtime stays until it is asked for, then its changes are in a patch', async () => {
    const project = await makeOld('node');
    await appendFile(join(project, 'lambdapg-runtime/index.ts'), '// ours\n');
    const kept = await upgrade(project, '--yes');
    expect(kept.json().changes.find(({ path }) => path === 'lambdapg-runtime')).toMatchObject({
      action: 'kept',
      reason: expect.stringContaining('stays at 0.0.9; --replace-runtime'),
    });
    expect(await textOf(project, 'lambdapg-runtime/manifest.json')).toContain('0.0.9');
    expect(kept.exitCode).toBe(0);
    const again = await runCurrent(['upgrade', '--yes'], project);
    expect(again.stdout).toMatch(/ kept .*--replace-runtime.*\nnothing else to do/);
    expect((await upgrade(project, '--yes', '--replace-runtime')).exitCode).toBe(0);
    expect(await textOf(project, 'lambdapg-runtime/manifest.json')).not.toContain('0.0.9');
    expect(await textOf(project, 'lambdapg-runtime-0.0.9.patch')).toContain('+// ours');
  });

  test('a changed runtime stays, and what it could not run is not written', async () => {
    const project = await makeOld('node');
    await edit(project, 'lambdapg-runtime/index.ts', /^.*withProbe.*\n/m, '');
    await edit(project, 'src/api.ts', /^.*withProbe.*from.*\n/m, '');
    await edit(project, 'src/api.ts', 'withProbe(serve, database)', 'serve');
    const before = await textOf(project, 'src/overdue.ts');
    const kept = await upgrade(project, '--yes');
    const { changes, nextSteps } = kept.json();
    expect([kept.exitCode, actionsOf(changes)]).toMatchObject([
      3,
      { 'lambdapg-runtime': 'kept', 'src/overdue.ts': 'conflict' },
    ]);
    expect(changes.find(({ path }) => path === 'src/overdue.ts')).toMatchObject({
      reason: expect.stringMatching(/^imports withProbe, .*--replace-runtime/),
      lacking: ['withProbe'],
      beside: 'src/overdue.ts.new',
    });
    expect(nextSteps?.slice(0, 2)).toEqual([
      expect.stringMatching(/^lambdapg upgrade --replace-runtime, before .* imports withProbe$/),
      expect.stringMatching(/^compare src\/overdue\.ts with src\/overdue\.ts\.new/),
    ]);
    expect(await textOf(project, 'src/overdue.ts')).toBe(before);
    expect((await upgrade(project, '--yes', '--replace-runtime')).exitCode).toBe(0);
    expect(await textOf(project, 'lambdapg-runtime/index.ts')).toContain('withProbe');
  });

  test('an answer that was changed in lambdapg.json is carried into the other files', async () => {
    const project = await copyOf('new', 'node');
    await editJson(project, 'lambdapg.json', { postgres: { version: 16 } });
    const { json } = await upgrade(project, '--yes');
    expect(json()).toMatchObject({ from: '0.1.0', to: '0.1.0', written: true });
    const { optionalDependencies } = JSON.parse(await textOf(project, 'package.json')) as {
      optionalDependencies: Record<string, string>;
    };
    expect(new Set(Object.values(optionalDependencies).map((version) => version.split('.')[0]))).toEqual(
      new Set(['16']),
    );
  });

  test('--dry-run shows the diff, writes nothing and exits 3; nobody to ask: exit 2; uncommitted work is told', async () => {
    const project = await makeOld('node');
    await execa('git', ['init', '--quiet'], { cwd: project });
    const before = await contentsOf(project);
    const shown = await runCurrent(['upgrade', '--dry-run'], project);
    expect([shown.exitCode, shown.stderr]).toEqual([
      3,
      expect.stringMatching(/\d+ uncommitted changes here/),
    ]);
    expect(shown.stdout).toMatch(/^--- a\/src\/db\.ts\n\+\+\+ b\/src\/db\.ts\n@@/m);
    expect(shown.stdout).toContain('-// a line of 0.0.9');
    expect(shown.stdout).toMatch(/^ {2}updated {3}src\/db\.ts$/m);
    const terse = await runCurrent(['upgrade', '--plan', '--no-diff'], project);
    expect([terse.exitCode, terse.stdout.includes('@@')]).toEqual([3, false]);
    const unasked = await runCurrent(['upgrade'], project);
    expect([unasked.exitCode, unasked.stderr]).toEqual([2, expect.stringContaining('--yes')]);
    expect(await contentsOf(project)).toEqual(before);
  });

  test.skipIf(process.platform === 'win32')('on a terminal it asks, and Enter changes nothing', async () => {
    const project = await makeOld('node');
    const before = await contentsOf(project);
    const steps = [['Upgrade from 0.0.9 to 0.1.0', '\r']];
    const plan = JSON.stringify({ steps, command: [process.execPath, current, 'upgrade', '--no-diff'] });
    const { exitCode, stdout } = await execa('python3', [join(repository, 'test/e2e/terminal.py'), plan], {
      ...{ cwd: project, env: { ...plainEnvironment(), TERM: 'xterm' } },
      ...{ extendEnv: false, reject: false },
    });
    expect([exitCode, stdout]).toEqual([1, expect.stringContaining('nothing was changed')]);
    expect(await contentsOf(project)).toEqual(before);
  });

  test('markers, in the person’s file, where they are asked for', async () => {
    const project = await makeOld('node');
    await edit(project, 'src/health.ts', '// another line of 0.0.9', '// our line');
    const { exitCode, json } = await upgrade(project, '--yes', '--conflicts', 'markers');
    expect([exitCode, json().nextSteps?.[0]]).toEqual([
      3,
      expect.stringContaining('markers in src/health.ts'),
    ]);
    expect(await textOf(project, 'src/health.ts')).toMatch(
      /<<<<<<< yours\n\/\/ our line\n[\s\S]*\|\|\|\|\|\|\| lambdapg 0\.0\.9\n[\s\S]*>>>>>>> lambdapg 0\.1\.0\n/,
    );
  });

  test('an older lambdapg refuses a newer project', async () => {
    const project = await copyOf('new', 'node');
    const before = await contentsOf(project);
    const refused = await runOlder(['upgrade', '--yes', '--json'], project);
    expect([refused.exitCode, JSON.parse(refused.stdout)]).toMatchObject([
      1,
      { error: { code: 'DOWNGRADE' } },
    ]);
    expect(await contentsOf(project)).toEqual(before);
  });
});

const run = async (program: string, args: readonly string[], cwd: string) => {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [program, ...args], {
    ...{ cwd, env: plainEnvironment(), extendEnv: false, reject: false, stdin: 'ignore' },
  });
  return { exitCode, stdout: `${stdout}`, stderr: `${stderr}` };
};

const runOlder = (args: readonly string[], cwd: string) => run(join(older, 'bin/run.js'), args, cwd);
const runCurrent = (args: readonly string[], cwd: string) => run(current, args, cwd);

/** Copies of what is made once: a project of the older version, and one of this. */
const made = new Map<string, Promise<string>>();

async function copyOf(version: 'old' | 'new', language: 'node' | 'python'): Promise<string> {
  const key = `${version}-${language}`;
  const origin = made.get(key) ?? make(version, language, join(await mkdtemp(join(older, 'projects-')), key));
  made.set(key, origin);
  const project = join(await emptyFolder(), 'my-api');
  await cp(await origin, project, { recursive: true });
  return project;
}

async function make(version: 'old' | 'new', language: string, directory: string): Promise<string> {
  const args = [
    'init',
    directory,
    '--name',
    'my-api',
    '--language',
    language,
    '--yes',
    '--no-install',
    '--no-git',
  ];
  const { exitCode, stderr } = await (version === 'old' ? runOlder : runCurrent)(args, older);
  if (exitCode !== 0) throw new Error(stderr);
  return directory;
}

const makeOld = (language: 'node' | 'python'): Promise<string> => copyOf('old', language);

async function upgrade(cwd: string, ...flags: readonly string[]) {
  const { exitCode, stdout, stderr } = await runCurrent(['upgrade', '--json', ...flags], cwd);
  expect(stderr).toBe('');
  return { exitCode, json: () => JSON.parse(stdout) as Upgraded };
}

const actionsOf = (changes: Upgraded['changes']): Record<string, string> =>
  Object.fromEntries(changes.map(({ path, action }) => [path, action]));

const textOf = (folder: string, path: string): Promise<string> => readFile(join(folder, path), 'utf8');

async function edit(folder: string, path: string, from: string | RegExp, to: string): Promise<void> {
  await writeFile(join(folder, path), (await textOf(folder, path)).replace(from, to));
}

/** Sets values, objects inside objects included. */
async function editJson(folder: string, path: string, values: object): Promise<void> {
  const set = (into: Record<string, unknown>, from: object): void => {
    for (const [key, value] of Object.entries(from)) {
      if (typeof value === 'object' && value !== null) {
        into[key] ??= {};
        set(into[key] as Record<string, unknown>, value);
      } else into[key] = value;
    }
  };
  const content = JSON.parse(await textOf(folder, path)) as Record<string, unknown>;
  set(content, values);
  await writeFile(join(folder, path), `${JSON.stringify(content, null, 2)}\n`);
}

async function listed(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !/^\.(lambdapg|git)\//.test(path))
    .sort();
}

/** Each file with a hash: a failed comparison names files. */
const contentsOf = async (folder: string): Promise<[string, string][]> =>
  Promise.all((await listed(folder)).map(async (path) => [path, hashOf(await readFile(join(folder, path)))]));
