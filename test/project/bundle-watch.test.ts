import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import type { ReportEvent } from '../../src/context.ts';
import { startBundler } from '../../src/project/bundle.ts';
import { watchProject } from '../../src/project/watch.ts';
import { saveFile } from '../e2e/dev.ts';
import { invoke, nodeFunction, payloadOf, serve, Told, testContext } from '../local/lambda/lambda-bed.ts';

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

async function emptyProject(): Promise<string> {
  const projectDir = await mkdtemp(join(tmpdir(), 'lambdapg-watch-'));
  folders.push(projectDir);
  for (const folder of ['src', 'app', 'node_modules/x', '.venv'])
    await mkdir(join(projectDir, folder), { recursive: true });
  return projectDir;
}

/** A project with one function per source file, watched; `changed` collects the functions whose code is new. */
async function watched(files: Record<string, string>) {
  const projectDir = await emptyProject();
  for (const [name, text] of Object.entries(files)) await writeFile(join(projectDir, name), text);
  const functions = [];
  for (const functionName of Object.keys(files).flatMap(
    (name) => name.match(/^src\/(\w+)\.ts$/)?.[1] ?? [],
  )) {
    if (functionName === 'shared') continue;
    const bundler = await startBundler({
      projectDir,
      functionName,
      handler: `src/${functionName}.handler`,
      runtime: 'nodejs24.x',
    });
    functions.push({ functionName, bundled: { bundler, bundle: await bundler.build() } });
  }
  const told = new Told();
  const changed: string[] = [];
  const watch = await watchProject(
    testContext(told),
    projectDir,
    [...functions, { functionName: 'python' }],
    (name) => {
      changed.push(name);
      told.report({ type: 'changed', message: name, function: name });
    },
  );
  onTestFinished(() => watch.close());
  return {
    write: (name: string, text: string) => writeFile(join(projectDir, name), text),
    save: (name: string, text: string) => saveFile(projectDir, name, text),
    projectDir,
    changed,
    told,
  };
}

describe('a saved file', () => {
  test('rebuilds the functions that it is part of, and no others', async () => {
    const { write, changed, told } = await watched({
      'src/a.ts': 'import { n } from "./shared.ts"; export const handler = async () => n;',
      'src/b.ts': 'export const handler = async () => 1;',
      'src/shared.ts': 'export const n = 1;',
    });
    await write('node_modules/x/index.js', 'changed');
    await write('.venv/x.py', 'changed');
    await write('src/unused.ts', 'changed');
    await write('src/shared.ts', 'export const n = 2;');
    await told.first('changed');
    expect(changed).toEqual(['a']);
    await write('src/b.ts', 'export const handler = async () => 2;');
    await told.first('changed', (event) => event.function === 'b');
    expect(changed).toEqual(['a', 'b']);
    expect(told.ofType('build')[0]).toMatchObject({
      function: 'a',
      bytes: expect.any(Number),
      durationMs: expect.any(Number),
    });
  });

  test('is seen when an editor puts a new file in its place', async () => {
    const { projectDir, write, told } = await watched({
      'src/a.ts': 'export const handler = async () => 1;',
    });
    await write('src/a.ts~', 'export const handler = async () => 2;');
    await rename(join(projectDir, 'src/a.ts~'), join(projectDir, 'src/a.ts'));
    await told.first('changed');
  });

  test('is not missed when it is saved again at once', async () => {
    const { write, told } = await watched({ 'src/a.ts': 'export const handler = async () => 0;' });
    for (let round = 1; round <= 5; round += 1) {
      const from = told.events.length;
      const isNew = (event: ReportEvent) => told.events.indexOf(event) >= from;
      await write('src/a.ts', 'export const handler = ');
      const failed = await told.first('build-failed', isNew);
      await write('src/a.ts', 'export const handler = async () => 1;');
      await told.first('changed', (event) => told.events.indexOf(event) > told.events.indexOf(failed));
    }
  });

  test('of Python needs no build', async () => {
    const { write, changed, told } = await watched({ 'src/a.ts': 'export const handler = async () => 1;' });
    await write('app/api.py', 'x = 1');
    await told.first('changed');
    expect(changed).toEqual(['python']);
  });

  test('that does not build is reported, and the cure may be a file that was missing', async () => {
    const { save, changed, told } = await watched({ 'src/a.ts': 'export const handler = async () => 1;' });
    await save('src/a.ts', 'export { handler } from "./new.ts";');
    const failed = await told.first('build-failed');
    expect(failed.message).toContain('src/a.ts:1:25: Could not resolve "./new.ts"');
    expect(changed).toEqual([]);
    await save('src/new.ts', 'export const handler = async () => 2;');
    await told.first('changed');
  });
});

test('from the saved file to the new answer; a build error keeps the old one', async () => {
  const projectDir = await emptyProject();
  const saveHandler = (text: string) => saveFile(projectDir, 'src/api.ts', text);
  await saveHandler('export const handler = async () => "old";');
  const bundler = await startBundler({
    projectDir,
    functionName: 'fn',
    handler: 'src/api.handler',
    runtime: 'nodejs24.x',
  });
  const bundle = await bundler.build();
  const fn = { ...(await nodeFunction('')), codeDir: bundle.codeDir, handler: bundle.handler };
  const { lambda, told } = await serve([fn]);
  const watch = await watchProject(
    testContext(told),
    projectDir,
    [{ functionName: 'fn', bundled: { bundler, bundle } }],
    () => lambda.replace({ ...fn }),
  );
  onTestFinished(() => watch.close());
  expect(payloadOf(await invoke(lambda))).toBe('old');
  await saveHandler('export const handler = async () => ');
  await told.first('build-failed');
  expect(payloadOf(await invoke(lambda))).toBe('old');
  await saveHandler('export const handler = async () => "new";');
  await told.first('reload');
  expect(payloadOf(await invoke(lambda))).toBe('new');
});
