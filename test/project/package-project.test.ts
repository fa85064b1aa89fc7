import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, onTestFinished, test } from 'vitest';
import { configSchema, type ProjectConfig } from '../../src/project/config-schema.ts';
import type { Project } from '../../src/project/find-project.ts';
import { parseProjectName } from '../../src/project/names.ts';
import { type ProjectPackageOptions, packageProject } from '../../src/project/package/package-project.ts';
import { verifyBinaries } from '../../src/project/package/verify-binaries.ts';
import { makeTempDir, testCacheDir, testContext } from '../postgres-server.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const python = join(repository, '.venv/bin/python');
const handler = 'export const handler = async () => 1;';

type Answers = Partial<Record<keyof ProjectConfig, unknown>>;

async function makeProject(answers: Answers, files: Readonly<Record<string, string>>): Promise<Project> {
  const dir = await makeTempDir();
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await symlink(join(repository, 'node_modules'), join(dir, 'node_modules'));
  const config = configSchema.parse({ name: 'my-api', template: 'api', ...answers });
  const all = { ...files, 'lambdapg.json': JSON.stringify(config) };
  for (const [name, text] of Object.entries(all)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), text);
  }
  return { dir, config, names: parseProjectName('my-api') };
}

const nodeProject = (answers: Answers = {}) =>
  makeProject(
    {
      ...{ language: 'node', runtime: 'nodejs24.x', engine: 'cdk' },
      functions: { api: { handler: 'src/api.handler' }, other: { handler: 'src/other.handler' } },
      ...answers,
    },
    {
      ...{ 'src/api.ts': handler, 'src/other.ts': `${handler}// 2` },
      'migrations/0001_books.sql': 'CREATE TABLE books ();',
      'seeds/10_books.csv': 'id\n',
    },
  );

async function packageIn(project: Project, more: Partial<ProjectPackageOptions> = {}) {
  const code = join(project.dir, '.code');
  for (const [name, text] of [
    ['runner', 'runner'],
    ['schema', 'schema'],
  ] as const) {
    await mkdir(join(code, name), { recursive: true });
    await writeFile(join(code, name, 'index.mjs'), `// ${text}`);
  }
  const context = testContext({ env: { LAMBDAPG_PYTHON_BIN: python } });
  return packageProject(context, project, {
    ...{ out: join(project.dir, 'out'), cacheDir: testCacheDir },
    certificates: new Map([['rds-ca.pem', Buffer.from('PEM')]]),
    ...{ runnerDir: join(code, 'runner'), schemaDir: join(code, 'schema') },
    ...more,
  });
}

/** Names inside a zip, by a judge that is not ours. */
async function namesIn(...path: string[]): Promise<string[]> {
  const list = 'import sys, zipfile; print("\\n".join(zipfile.ZipFile(sys.argv[1]).namelist()))';
  return (await execa(python, ['-c', list, join(...path)])).stdout.split('\n').sort();
}

const filesIn = async (dir: string): Promise<string[]> => (await readdir(dir)).sort();

describe('a project with an engine', () => {
  test('has a zip for each function, the runner and the schema, with authorities where one logs in directly', async () => {
    const project = await nodeProject();
    const { dir, zips } = await packageIn(project);
    expect(zips.map(({ file }) => file)).toEqual(['api.zip', 'other.zip', 'runner.zip', 'schema.zip']);
    expect(await namesIn(dir, 'api.zip')).toEqual(['index.mjs', 'rds-ca.pem']);
    expect(await namesIn(dir, 'runner.zip')).toEqual(['index.mjs']);
    expect(await namesIn(dir, 'schema.zip')).toEqual([
      ...['index.mjs', 'lambdapg.json', 'migrations/0001_books.sql', 'rds-ca.pem', 'seeds/10_books.csv'],
    ]);
    expect(JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8'))).toEqual({ zips });
  });

  test('behind a proxy has the authorities for the schema alone', async () => {
    const { dir } = await packageIn(await nodeProject({ cloud: { proxy: {} } }));
    expect(await namesIn(dir, 'api.zip')).toEqual(['index.mjs']);
    expect(await namesIn(dir, 'schema.zip')).toContain('rds-ca.pem');
  });

  test.each([
    ['terraform', 'rds', ['api.zip', 'other.zip', 'runner.zip']],
    ['serverless', 'url', ['api.zip', 'other.zip']],
  ])('%s with %s has what it needs', async (engine, kind, expected) => {
    const { zips } = await packageIn(await nodeProject({ engine, cloud: { database: { kind } } }));
    expect(zips.map(({ file }) => file)).toEqual(expected);
  });

  test('makes the same bytes again, touches nothing, and takes away a function that is no more', async () => {
    const project = await nodeProject();
    const first = await packageIn(project);
    const touched = async () => (await stat(join(first.dir, 'api.zip'))).mtimeMs;
    const before = await touched();
    await writeFile(join(first.dir, 'mine.zip'), 'not lambdapg’s');
    expect(await packageIn(project)).toEqual(first);
    expect(await touched()).toBe(before);
    const { other: _, ...functions } = project.config.functions;
    await packageIn({ ...project, config: { ...project.config, functions } });
    expect(await filesIn(first.dir)).toEqual([
      ...['api.zip', 'manifest.json', 'mine.zip', 'runner.zip', 'schema.zip'],
    ]);
  });

  test('of which one function is wanted has that one and no more', async () => {
    const { dir } = await packageIn(await nodeProject(), { only: ['other'] });
    expect(await filesIn(dir)).toEqual(['other.zip']);
  });

  test('knows its functions, and those that it may not have', async () => {
    const project = await nodeProject();
    await expect(packageIn(project, { only: ['oter'] })).rejects.toMatchObject({
      code: 'FUNCTION_NOT_FOUND',
      suggestions: ['choose one of: api, other'],
    });
    const functions = { runner: { handler: 'src/api.handler' } };
    await expect(packageIn(await nodeProject({ functions }))).rejects.toMatchObject({
      ...{ code: 'RESERVED_NAME', exit: 2 },
    });
  });
});

/** pip asks PyPI, and asks again where an answer is lost. */
const overTheNetwork = { timeout: 300_000 };

test(
  'a Python layer has the packages below python/, for the function’s system; zips have their own code',
  overTheNetwork,
  async () => {
    const project = await makeProject(
      {
        ...{ language: 'python', runtime: 'python3.13', architecture: 'arm64', engine: 'terraform' },
        ...{ packaging: 'layer', functions: { api: { handler: 'app/api.handler' } } },
      },
      { 'app/api.py': 'import psycopg\n', 'requirements.txt': 'psycopg[binary]==3.3.6\n' },
    );
    const { dir, zips } = await packageIn(project);
    expect(zips.map(({ file }) => file)).toEqual(['api.zip', 'layer.zip', 'runner.zip']);
    expect(await namesIn(dir, 'api.zip')).toEqual(['app/api.py', 'rds-ca.pem']);
    const layer = await namesIn(dir, 'layer.zip');
    expect(layer.filter((name) => !name.startsWith('python/'))).toEqual([]);
    const compiled = layer.filter((name) => /\.cpython-\w+-[\w-]+\.so$/.test(name));
    expect(compiled.length).toBeGreaterThan(1);
    expect(compiled.filter((name) => !name.endsWith('.cpython-313-aarch64-linux-gnu.so'))).toEqual([]);
  },
);

describe('a compiled file', () => {
  const elf = (machine: number): Buffer => {
    const header = Buffer.alloc(64);
    header.write('\x7fELF', 'latin1');
    header.writeUInt16LE(machine, 18);
    return header;
  };
  const arm = elf(0xb7);
  const intel = elf(0x3e);
  const target = { runtime: 'python3.13', architecture: 'arm64' } as const;

  test.each([
    ['p/x.cpython-313-aarch64-linux-gnu.so', arm],
    ['p/x.abi3.so', arm],
    ['p.libs/libpq-1a2b.so.5.17', arm],
    ['p/native/windows/x.dll', Buffer.from('MZ')],
    ['p/native/linux-x64/x.so', intel],
    ['p/x.so.txt.py', Buffer.from('')],
  ])('%s is taken', (path, content) => {
    expect(() => verifyBinaries(new Map([[path, content]]), target)).not.toThrow();
  });

  test.each([
    ['p/x.cpython-312-aarch64-linux-gnu.so', arm, 'for Python 3.12'],
    ['p/x.cpython-313-x86_64-linux-gnu.so', intel, 'for x86_64'],
    ['p/x.cpython-313-aarch64-linux-musl.so', arm, 'for musl'],
    ['p/x.abi3.so', intel, 'for another processor (ELF machine 62)'],
    ['p.libs/libpq-1a2b.so.5.17', intel, 'for another processor'],
    ['p/x.cpython-313-darwin.so', Buffer.from('cffaedfe', 'hex'), 'no library of Linux'],
    ['p/x.cp313-win_amd64.pyd', arm, 'for Windows'],
  ])('%s is refused', (path, content, why) => {
    expect(() => verifyBinaries(new Map([[path, content]]), target)).toThrow(
      expect.objectContaining({
        code: 'WRONG_BINARY',
        message: expect.stringContaining(`${path} is ${why}`),
      }),
    );
  });
});
