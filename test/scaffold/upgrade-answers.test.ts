import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { templates } from '../../src/scaffold/catalog.ts';
import { createProject, planProject } from '../../src/scaffold/init-project.ts';
import { resolveAnswers } from '../../src/scaffold/resolve-answers.ts';
import { applyUpgrade, stepsOf } from '../../src/scaffold/upgrade/apply-upgrade.ts';
import { prepareUpgrade } from '../../src/scaffold/upgrade/prepare-upgrade.ts';
import { makeTempDir, type TestContext, testContext } from '../postgres-server.ts';

/** A lambdapg as from a registry: projects name it by its number. */
let packageDir = '';
let workDir = '';
beforeAll(async () => {
  [packageDir, workDir] = await Promise.all([makeTempDir(), makeTempDir()]);
  await mkdir(join(packageDir, 'dist'));
  await writeFile(join(packageDir, 'dist/release.json'), '{}\n');
  await symlink(fileURLToPath(new URL('../../templates', import.meta.url)), join(packageDir, 'templates'));
});
afterAll(async () => {
  for (const folder of [packageDir, workDir]) await rm(folder, { recursive: true, force: true });
});

const contextIn = (cwd: string): TestContext => testContext({ cwd, packageDir, version: '1.0.0' });

async function makeProject(
  directory: string,
  given: Readonly<Record<string, string | boolean>>,
): Promise<string> {
  const context = contextIn(workDir);
  const defaults = { yes: true, name: 'my-api', architecture: 'arm64', 'pg-version': '17' };
  const answers = await resolveAnswers(context, { ...defaults, ...given, directory });
  await createProject(context, await planProject(context, answers.directory, answers));
  return answers.directory;
}

const choices = { conflicts: 'new', replaceRuntime: false, readOnly: false } as const;

test.each([
  ...templates.map(({ id }) => ({ template: id })),
  { template: 'api', language: 'python', framework: 'fastapi' },
  { template: 'cdk-nat', proxy: true, auth: 'iam' },
  { template: 'cdk-isolated-proxy', language: 'node', database: 'aurora', reader: true },
])('the answers in lambdapg.json make the same project again: %o', async (given) => {
  const directory = await makeProject(Object.values(given).join('-'), given);
  const { plan } = await prepareUpgrade(contextIn(directory), choices);
  expect(stepsOf(plan).map(({ path }) => path)).toEqual([]);
});

test('another engine in lambdapg.json: its files come, those of the former go, what the person wrote stays', async () => {
  const directory = await makeProject('engines', { template: 'cdk-nat' });
  const before = (await prepareUpgrade(contextIn(directory), choices)).plan.changes.map(({ path }) => path);
  const file = join(directory, 'lambdapg.json');
  await writeFile(file, (await readFile(file, 'utf8')).replace('"engine": "cdk"', '"engine": "terraform"'));
  await writeFile(join(directory, 'cdk.json'), '{"app": "ours"}\n');
  const { plan } = await prepareUpgrade(contextIn(directory), choices);
  await applyUpgrade(contextIn(directory), plan);
  const actions = new Map(plan.changes.map(({ path, action }) => [path, action]));
  expect(
    [...actions].filter(([path, action]) => path.endsWith('.tf') && action === 'new').length,
  ).toBeGreaterThan(3);
  expect(before.filter((path) => actions.get(path) === 'removed').length).toBeGreaterThan(3);
  expect(await readFile(join(directory, 'cdk.json'), 'utf8')).toBe('{"app": "ours"}\n');
  expect(actions.get('cdk.json')).toBe('kept');
});
