import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { execa } from '../../src/exec.ts';
import type { Framework, Language } from '../../src/project/choices.ts';
import { makeTempDir } from '../postgres-server.ts';
import { generateApi, renderApi } from './generate.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const asText = (content: Uint8Array | string): string => Buffer.from(content).toString('utf8');

const shared = [
  '.editorconfig',
  '.env.example',
  '.gitignore',
  'README.md',
  'lambdapg.json',
  'migrations/0001_library.sql',
  'package.json',
  'seeds/10_authors.csv',
  'seeds/20_books.ndjson',
  'seeds/30_book_authors.csv',
  'seeds/40_borrowers.json',
  'seeds/50_loans.sql',
  'seeds/60_reviews.ndjson',
];
const modules = ['api', 'authors', 'books', 'db', 'fields', 'health', 'loans', 'overdue', 'reviews', 'web'];
const expected = {
  node: [
    ...shared,
    ...[
      ...[
        'application-name.ts',
        'aws-call.ts',
        'aws-signature.ts',
        'choose-credentials.ts',
        'connect-error.ts',
      ],
      ...['connection.ts', 'credential-store.ts', 'credential-text.ts', 'credentials.ts', 'database.ts'],
      ...['heroku-config.ts', 'http-request.ts', 'iam-token.ts', 'index.ts', 'log-in.ts', 'manifest.json'],
      ...['metrics.ts', 'open-client.ts', 'parameter-store.ts', 'patience.ts', 'plain-credentials.ts'],
      ...['probe.ts', 'refusal.ts', 'renew-client.ts', 'secrets-manager.ts', 'settings.ts', 'silence.ts'],
      ...['tls.ts', 'transaction.ts', 'turns.ts', 'types.ts', 'vain-reads.ts'],
    ].map((name) => `lambdapg-runtime/${name}`),
    ...modules.map((name) => `src/${name}.ts`),
    ...['test/api.test.ts', 'tsconfig.json'],
  ],
  python: [
    ...shared,
    ...[
      ...['__init__.py', 'application_name.py', 'aws_call.py', 'aws_signature.py', 'choose_credentials.py'],
      ...['connection.py', 'credential_store.py', 'credential_text.py', 'credentials.py', 'database.py'],
      ...['heroku_config.py', 'http_request.py', 'iam_token.py', 'log_in.py', 'manifest.json'],
      ...['metrics.py', 'open_session.py', 'parameter_store.py', 'patience.py', 'plain_credentials.py'],
      ...['probe.py', 'refusal.py', 'renew_session.py', 'secrets_manager.py', 'settings.py'],
      ...['sqlalchemy_engine.py', 'tls.py', 'transaction.py', 'vain_reads.py'],
    ].map((name) => `lambdapg_runtime/${name}`),
    ...['__init__', ...modules].map((name) => `app/${name}.py`),
    ...[
      'pyproject.toml',
      'pyrightconfig.json',
      'requirements-dev.txt',
      'requirements.txt',
      'tests/test_api.py',
    ],
  ],
};

const stacks: readonly (readonly [Language, Framework])[] = [
  ['node', 'none'],
  ['node', 'hono'],
  ['python', 'none'],
  ['python', 'fastapi'],
];
const filesOf = (language: Language, framework: Framework): string[] => [
  ...expected[language],
  ...(framework === 'fastapi' ? ['app/errors.py', 'app/models.py', 'app/schemas.py'] : []),
];

describe.each(stacks)('the api template in %s, framework %s', (language, framework) => {
  let directory: string;
  beforeAll(async () => {
    directory = await makeTempDir();
    await generateApi(language, directory, 'a-name-of-three', framework);
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test('consists of these files', async () => {
    const files = await renderApi(language, 'my-library', framework);
    expect([...files.keys()]).toEqual(filesOf(language, framework).sort());
  });

  test('typechecks as it is generated', async () => {
    const program =
      language === 'node' ? ['typescript/bin/tsc', '--noEmit'] : ['pyright/index.js', '--warnings'];
    const [file = '', ...args] = program;
    const { all, exitCode } = await execa(process.execPath, [join(root, 'node_modules', file), ...args], {
      cwd: directory,
      all: true,
      reject: false,
    });
    expect(exitCode, all).toBe(0);
    // pyright reads all of SQLAlchemy.
  }, 120_000);

  test('has no placeholder left, no carriage return, no trailing blank', async () => {
    for (const [path, content] of await renderApi(language, 'my-library', framework)) {
      expect(asText(content), path).not.toMatch(/__PROJECT|\r|[ \t]$/m);
    }
  });

  test('db is short enough to read in a minute', async () => {
    const path = language === 'node' ? 'src/db.ts' : 'app/db.py';
    const files = await renderApi(language, 'my-library', framework);
    const lines = asText(files.get(path) ?? '').split('\n');
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.length).toBeLessThanOrEqual(60);
  });

  test('the README names only files that exist, and fits a screen or two', async () => {
    const files = await renderApi(language, 'my-library', framework);
    const readme = asText(files.get('README.md') ?? '');
    const named = [...readme.matchAll(/`([\w.-]+\/[\w./-]*|[\w-]+\.(?:json|txt))`/g)].map(
      ([, path = '']) => path,
    );
    const made = ['.lambdapg/'];
    const missing = named.filter(
      (path) =>
        !made.includes(path) && ![...files.keys()].some((file) => file === path || file.startsWith(path)),
    );
    expect(named.length).toBeGreaterThan(8);
    expect(missing.filter((path) => path !== 'manifest.json')).toEqual([]);
    expect(readme.split('\n').length).toBeLessThan(70);
  });
});

test('no layer carries what must never be packed', async () => {
  const entries = await readdir(join(root, 'templates'), { recursive: true });
  const forbidden =
    /(^|[/\\])(\.env|\.npmrc|\.gitignore|node_modules|cdk\.out|\.serverless|.*\.(tfstate|key|pem|orig))$/;
  const { stdout } = await execa('git', ['ls-files', 'templates'], { cwd: root });
  expect(stdout.split('\n').filter((path) => forbidden.test(path) || path.includes('__pycache__'))).toEqual(
    [],
  );
  expect(entries.filter((path) => forbidden.test(path))).toEqual([]);
});

test('the languages share migrations and seeds to the byte', async () => {
  const [node, python] = await Promise.all([renderApi('node'), renderApi('python')]);
  for (const path of shared.filter((name) => /^(migrations|seeds)\//.test(name))) {
    expect(python.get(path), path).toEqual(node.get(path));
  }
});

test.each([
  ['none', ['psycopg[binary]>=3.3,<4']],
  ['fastapi', ['fastapi>=0.165,<1', 'mangum>=0.22,<1', 'psycopg[binary]>=3.3,<4', 'sqlalchemy>=2.1,<2.2']],
] as const)(
  'the Python function with framework %s deploys no more than its requirements',
  async (framework, requirements) => {
    const files = await renderApi('python', 'my-library', framework);
    expect(asText(files.get('requirements.txt') ?? '')).toBe(`${requirements.join('\n')}\n`);
  },
);

test.each(['none', 'hono'] as const)(
  'what a Node project imports at run time is in its dependencies: framework %s',
  async (framework) => {
    const files = await renderApi('node', 'my-library', framework);
    const { dependencies } = JSON.parse(asText(files.get('package.json') ?? ''));
    const imported = [...files]
      .filter(([path]) => /^(src|lambdapg-runtime)\/.*\.ts$/.test(path))
      .flatMap(([, content]) => [...asText(content).matchAll(/^import (?!type ).*? from '([^.'][^']*)'/gms)])
      .map(([, name = '']) => name.split('/')[0] ?? '')
      .filter((name) => !name.startsWith('node:'));
    expect([...new Set(imported)].sort()).toEqual(Object.keys(dependencies).sort());
  },
);

test('the locked TypeScript is the one that projects ask for', async () => {
  const read = async (path: string) => JSON.parse(await readFile(join(root, path), 'utf8'));
  const [own, node] = [await read('package.json'), await read('templates/node/package.json')];
  expect(node.devDependencies.typescript).toBe(own.devDependencies.typescript);
});
