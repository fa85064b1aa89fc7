import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { describe, expect, onTestFinished, test } from 'vitest';
import { configSchema, type ProjectConfig } from '../../src/project/config-schema.ts';
import type { Project } from '../../src/project/find-project.ts';
import { parseProjectName } from '../../src/project/names.ts';
import { packageFunctions } from '../../src/project/package/package-functions.ts';
import { verifySize } from '../../src/project/package/verify-size.ts';
import { zipFiles } from '../../src/project/package/zip-files.ts';
import { makeTempDir, testCacheDir, testContext } from '../postgres-server.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const python = join(repository, '.venv/bin/python');

async function makeProject(
  files: Readonly<Record<string, string>>,
  config: Partial<ProjectConfig> & Pick<ProjectConfig, 'language' | 'runtime'>,
  handler: string,
): Promise<Project> {
  const dir = await makeTempDir();
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  await symlink(join(repository, 'node_modules'), join(dir, 'node_modules'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), text);
  }
  const parsed = configSchema.parse({
    name: 'my-api',
    template: 'api',
    functions: { api: { handler } },
    ...config,
  });
  return { dir, config: parsed, names: parseProjectName('my-api') };
}

const nodeProject = (text: string) =>
  makeProject({ 'src/api.ts': text }, { language: 'node', runtime: 'nodejs24.x' }, 'src/api.handler');

const options = (cacheDir: string, extras: Record<string, string> = {}) => ({
  names: ['api'],
  extras: new Map(Object.entries(extras).map(([name, text]) => [name, Buffer.from(text)])),
  cacheDir,
});

const context = () => testContext({ env: { LAMBDAPG_PYTHON_BIN: python } });

/** Names and contents, by a judge that is not ours. */
async function unzip(zip: Buffer): Promise<Map<string, { mode: string; text: string }>> {
  const script = `import io, json, sys, zipfile
z = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read()))
assert z.testzip() is None
print(json.dumps([[i.filename, oct(i.external_attr >> 16), z.read(i).decode('latin1')] for i in z.infolist()]))`;
  const { stdout } = await execa(python, ['-c', script], { input: zip });
  const entries = JSON.parse(stdout) as [string, string, string][];
  return new Map(entries.map(([name, mode, text]) => [name, { mode, text }]));
}

describe('a zip', () => {
  test('is the same whatever the order, and readable by all', async () => {
    const a = await zipFiles(
      new Map([
        ['b/c.py', Buffer.from('c')],
        ['a.mjs', Buffer.from('a')],
      ]),
    );
    const b = await zipFiles(
      new Map([
        ['a.mjs', Buffer.from('a')],
        ['b/c.py', Buffer.from('c')],
      ]),
    );
    expect(a.equals(b)).toBe(true);
    expect([...(await unzip(a))]).toEqual([
      ['a.mjs', { mode: '0o100644', text: 'a' }],
      ['b/c.py', { mode: '0o100644', text: 'c' }],
    ]);
  });

  test('is the same in every time zone', async () => {
    const script = `import { zipFiles } from './src/project/package/zip-files.ts';
process.stdout.write((await zipFiles(new Map([['a', Buffer.from('a')]]))).toString('hex'));`;
    const zip = async (TZ: string) =>
      (
        await execa(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
          cwd: repository,
          env: { TZ },
        })
      ).stdout;
    expect(await zip('Asia/Kolkata')).toBe(await zip('America/Los_Angeles'));
  });

  test('that Lambda would not take is refused with its largest parts', () => {
    const large = new Map([
      ['numpy/a.so', Buffer.alloc(200 * 1024 * 1024)],
      ['pandas/a.so', Buffer.alloc(60 * 1024 * 1024)],
    ]);
    expect(() => verifySize('api', large, 1)).toThrow(
      'api is too large: it has 260.0 MB unzipped, Lambda takes 250.0 MB\n  numpy 200.0 MB\n  pandas 60.0 MB',
    );
    expect(() => verifySize('api', new Map(), 51 * 1024 * 1024)).toThrow('its zip has 51.0 MB');
    // From S3 only what it unpacks to counts.
    expect(() => verifySize('api', new Map(), 51 * 1024 * 1024, true)).not.toThrow();
    expect(() => verifySize('api', large, 1, true)).toThrow('260.0 MB unzipped');
  });
});

describe('a Node function', () => {
  test('is one file, and the same sources make the same CodeSha256', async () => {
    const source = 'export const handler = async (): Promise<string> => "hello";';
    const project = await nodeProject(source);
    const cache = await makeTempDir();
    onTestFinished(() => rm(cache, { recursive: true }));
    const first = (await packageFunctions(context(), project, options(cache))).get('api')!;
    expect([...(await unzip(first.zip)).keys()]).toEqual(['index.mjs']);
    expect(first.sha256).toBe(createHash('sha256').update(first.zip).digest('base64'));
    await utimes(join(project.dir, 'src/api.ts'), new Date(0), new Date(0));
    await chmod(join(project.dir, 'src/api.ts'), 0o600);
    const elsewhere = await nodeProject(source);
    for (const one of [project, elsewhere])
      expect((await packageFunctions(context(), one, options(cache))).get('api')?.sha256).toBe(first.sha256);
    const changed = await nodeProject(source.replace('hello', 'bye'));
    expect((await packageFunctions(context(), changed, options(cache))).get('api')?.sha256).not.toBe(
      first.sha256,
    );
  });

  test('carries what is put beside its code', async () => {
    const project = await nodeProject('export const handler = async () => 1;');
    const packages = await packageFunctions(context(), project, options('/nowhere', { 'rds-ca.pem': 'PEM' }));
    expect((await unzip(packages.get('api')!.zip)).get('rds-ca.pem')?.text).toBe('PEM');
  });
});

/** pip asks PyPI, and asks again where an answer is lost. */
const overTheNetwork = { timeout: 300_000 };

describe('a Python function', () => {
  const files = {
    'app/__init__.py': '',
    'app/api.py': 'import psycopg\n',
    'app/__pycache__/api.cpython-311.pyc': 'compiled',
    'lambdapg_runtime/__init__.py': '# runtime',
    'tests/test_api.py': 'not deployed',
    '.env': 'PGPASSWORD=not-deployed',
  };
  const pythonProject = (requirements: string, architecture: 'arm64' | 'x86_64' = 'arm64') =>
    makeProject(
      { ...files, 'requirements.txt': requirements },
      { language: 'python', runtime: 'python3.13', architecture },
      'app/api.handler',
    );

  test.each([
    ['arm64', 'aarch64'],
    ['x86_64', 'x86_64'],
  ] as const)(
    'has the wheels of %s, its own package and the runtime, no more',
    overTheNetwork,
    async (architecture, machine) => {
      const project = await pythonProject('psycopg[binary]==3.3.6\n', architecture);
      const { zip } = (await packageFunctions(context(), project, options(testCacheDir))).get('api')!;
      const names = [...(await unzip(zip)).keys()];
      const libraries = names.filter((name) => name.includes('.cpython-'));
      expect(libraries.length).toBeGreaterThan(1);
      expect(libraries.filter((name) => !name.includes(`.cpython-313-${machine}-linux-gnu.so`))).toEqual([]);
      expect(names).toEqual(
        expect.arrayContaining(['app/api.py', 'lambdapg_runtime/__init__.py', 'psycopg/__init__.py']),
      );
      expect(names.some((name) => /dist-info\/METADATA$/.test(name))).toBe(true);
      expect(
        names.filter((name) => /__pycache__|\.pyc$|^bin\/|^tests\/|\.env|RECORD$|INSTALLER$/.test(name)),
      ).toEqual([]);
    },
  );

  test('asks for the wheels once, until the requirements change', overTheNetwork, async () => {
    const cache = await makeTempDir();
    onTestFinished(() => rm(cache, { recursive: true }));
    const project = await pythonProject('-r more.txt\n');
    const more = join(project.dir, 'more.txt');
    const installs = async (): Promise<number> => {
      const asked = context();
      await packageFunctions(asked, project, options(cache));
      return asked.events.filter(({ type }) => type === 'wheels-started').length;
    };
    await writeFile(more, 'iniconfig==2.1.0\n');
    expect(await installs()).toBe(1);
    expect(await installs()).toBe(0);
    await writeFile(more, 'iniconfig==2.0.0\n');
    expect(await installs()).toBe(1);
  });

  test(
    'names the package that has no wheel for Lambda, and leaves nothing behind',
    overTheNetwork,
    async () => {
      const cache = await makeTempDir();
      onTestFinished(() => rm(cache, { recursive: true }));
      // The last psycopg2 without any Linux wheel for this Python.
      const project = await pythonProject('psycopg2==2.9.9\n');
      await expect(packageFunctions(context(), project, options(cache))).rejects.toMatchObject({
        code: 'WHEEL_MISSING',
        message: expect.stringMatching(/^psycopg2(==2\.9\.9)? has no wheel for python3\.13 on Linux arm64/),
      });
      expect(await readdir(join(cache, 'wheels'))).toEqual([]);
    },
  );

  test('says how to get pip where there is none', async () => {
    const project = await pythonProject('iniconfig==2.1.0\n');
    const bare = await makeTempDir();
    onTestFinished(() => rm(bare, { recursive: true }));
    const env = { PATH: bare, LAMBDAPG_PYTHON_BIN: await pythonWithoutPip(bare) };
    await expect(packageFunctions(testContext({ env }), project, options(bare))).rejects.toMatchObject({
      code: 'PIP_MISSING',
    });
  });

  test('needs its handler', async () => {
    const project = await makeProject({}, { language: 'python', runtime: 'python3.13' }, 'app/api.handler');
    await expect(packageFunctions(context(), project, options('/nowhere'))).rejects.toMatchObject({
      code: 'HANDLER_FILE_MISSING',
      message: `app of handler app/api.handler is not in ${project.dir}`,
    });
  });
});

/** A virtual environment without pip. */
async function pythonWithoutPip(dir: string): Promise<string> {
  await execa(python, ['-m', 'venv', '--without-pip', join(dir, 'venv')]);
  return join(dir, 'venv/bin/python');
}
