import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { type BundleSource, bundleFunction, startBundler } from '../../src/project/bundle.ts';

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

/** A project in the repository, so that its packages (pg) are found. */
async function project(files: Record<string, string>): Promise<BundleSource> {
  const cache = fileURLToPath(new URL('../../.cache/', import.meta.url));
  await mkdir(cache, { recursive: true });
  const projectDir = await mkdtemp(join(cache, 'bundle-'));
  folders.push(projectDir);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(projectDir, name)), { recursive: true });
    await writeFile(join(projectDir, name), text);
  }
  return { projectDir, functionName: 'api', handler: 'src/api.handler', runtime: 'nodejs24.x' };
}

const load = async (file: string) =>
  (await import(`${pathToFileURL(file).href}?${(await stat(file)).mtimeMs}`)) as {
    handler(event: unknown): Promise<unknown>;
  };

describe('a bundle', () => {
  test('is one ES module that runs, with TypeScript and JSON in it', async () => {
    const source = await project({
      'src/api.ts':
        'import { greet } from "./greet.ts"; import data from "./data.json"; export const handler = async (event: { a: number }): Promise<string> => greet(event.a) + data.b;',
      'src/greet.ts': 'export const greet = (n: number): string => "hello " + n + " ";',
      'src/data.json': '{"b":"json"}',
    });
    const bundle = await bundleFunction(source);
    expect(bundle.handler).toBe('index.handler');
    expect(await readdir(bundle.codeDir)).toEqual(['index.mjs', 'index.mjs.map']);
    expect(bundle.codeDir).toBe(join(source.projectDir, '.lambdapg/build/api'));
    expect(bundle.bytes).toBe((await stat(join(bundle.codeDir, 'index.mjs'))).size);
    expect([...bundle.inputs].sort()).toEqual(
      ['api.ts', 'data.json', 'greet.ts'].map((name) => join(source.projectDir, 'src', name)),
    );
    const { handler } = await load(join(bundle.codeDir, 'index.mjs'));
    expect(await handler({ a: 1 })).toBe('hello 1 json');
  });

  test('holds CommonJS packages such as pg, beside code that makes its own require', async () => {
    const source = await project({
      'src/api.js': `import pg from 'pg'; import { createRequire } from 'node:module';
        const require = createRequire(import.meta.url);
        export const handler = async () => [typeof pg.Client, typeof require('node:fs').readFileSync, new pg.Client().host];`,
    });
    const { codeDir, bytes } = await bundleFunction(source);
    expect(await (await load(join(codeDir, 'index.mjs'))).handler({})).toEqual([
      'function',
      'function',
      'localhost',
    ]);
    const minified = await bundleFunction({ ...source, minify: true });
    expect(minified.bytes).toBeLessThan(bytes);
    expect(await (await load(join(codeDir, 'index.mjs'))).handler({})).toEqual([
      'function',
      'function',
      'localhost',
    ]);
  });

  test("leaves the SDK, which is Lambda's own, outside", async () => {
    const source = await project({
      'src/api.ts':
        'export const handler = async () => (await import("@aws-sdk/client-lambda")).LambdaClient;',
    });
    const { codeDir } = await bundleFunction(source);
    expect(await readFile(join(codeDir, 'index.mjs'), 'utf8')).toContain('import("@aws-sdk/client-lambda")');
  });

  test('points back at the source', async () => {
    const source = await project({
      'src/api.ts': 'export const handler = async () => {\n  throw new Error("here");\n};',
    });
    const { codeDir } = await bundleFunction(source);
    const map = JSON.parse(await readFile(join(codeDir, 'index.mjs.map'), 'utf8')) as { sources: string[] };
    expect(map.sources).toEqual(['../../../src/api.ts']);
  });
});

describe('a build error', () => {
  const failure = async (source: BundleSource): Promise<UserError> => {
    const error: unknown = await bundleFunction(source).catch((thrown: unknown) => thrown);
    if (error instanceof UserError) return error;
    throw new Error('it did build', { cause: error });
  };

  test('says file, line and column, and stands under the fault', async () => {
    const source = await project({ 'src/api.ts': 'import "./there.ts";\n\tconst a = ;\n' });
    const { code, message } = await failure(source);
    expect(code).toBe('BUILD_FAILED');
    expect(message).toBe(
      'api does not build\nsrc/api.ts:2:12: Unexpected ";"\n  \tconst a = ;\n  \t          ^',
    );
  });

  test('says all that is wrong', async () => {
    const source = await project({
      'src/api.ts': 'import "./there.ts";\nimport "nowhere";\nexport const handler = 1;',
    });
    const { message } = await failure(source);
    expect(message).toContain(
      'src/api.ts:1:8: Could not resolve "./there.ts"\n  import "./there.ts";\n         ^^^^^^^^^^^^',
    );
    expect(message).toContain('src/api.ts:2:8: Could not resolve "nowhere"');
  });

  test('names a handler file that is not there', async () => {
    expect((await failure(await project({}))).message).toContain('Could not resolve "./src/api"');
  });

  test('leaves the last good bundle in its place', async () => {
    const source = await project({ 'src/api.ts': 'export const handler = async () => "good";' });
    const bundler = await startBundler(source);
    const { codeDir } = await bundler.build();
    await writeFile(join(source.projectDir, 'src/api.ts'), 'export const handler = ');
    await expect(bundler.build()).rejects.toBeInstanceOf(UserError);
    expect(await (await load(join(codeDir, 'index.mjs'))).handler({})).toBe('good');
    await writeFile(join(source.projectDir, 'src/api.ts'), 'export const handler = async () => "better";');
    await bundler.build();
    expect(await (await load(join(codeDir, 'index.mjs'))).handler({})).toBe('better');
    await bundler.dispose();
  });
});
