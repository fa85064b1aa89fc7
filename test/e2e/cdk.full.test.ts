import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectStackMatches } from '../bed/engine-tools.ts';
import { answersFor, renderProject, writeFiles } from '../templates/generate.ts';
import { type EngineProject, startEngineProject } from './engine-project.ts';
import { expectRotated, rotateTo } from './engine-rotation.ts';

const stack = 'shop-dev';

/** `cdk deploy` as a person types it: it packages, deploys, migrates and seeds by itself. */
async function deploy({ engines, dir, env }: EngineProject, mayFail = false) {
  const outputs = join(dir, '.lambdapg/outputs.json');
  const args = [
    'deploy',
    '-c',
    'stage=dev',
    '--require-approval',
    'never',
    '--no-notices',
    '--outputs-file',
    outputs,
  ];
  const result = await engines.run('cdk', args, { cwd: dir, environment: env, mayFail });
  if (result.exitCode !== 0) return { ...result, outputs: {} };
  const all = JSON.parse(await readFile(outputs, 'utf8')) as Record<string, Record<string, string>>;
  return { ...result, outputs: all[stack] ?? {} };
}

interface Config {
  cloud: { database?: Record<string, unknown>; proxy?: object };
  functions: Record<string, Record<string, unknown>>;
}

async function edit(dir: string, change: (config: Config) => void): Promise<void> {
  const path = join(dir, 'lambdapg.json');
  const config = JSON.parse(await readFile(path, 'utf8')) as Config;
  change(config);
  await writeFile(path, JSON.stringify(config));
}

/** So that a deployment has a new version of each function to make, and runs the function of the schema. */
async function changeStage(dir: string): Promise<void> {
  await writeFile(join(dir, 'migrations/0002_shelves.sql'), 'CREATE TABLE shelves (id int PRIMARY KEY);\n');
  await edit(dir, ({ functions }) => {
    for (const one of Object.values(functions)) one.memoryMb = 512;
  });
}

async function secretOf({ engines: { bed } }: EngineProject, name: string): Promise<unknown> {
  const { SecretString } = await bed.aws<{ SecretString: string }>({
    ...{ service: 'secretsmanager', action: 'GetSecretValue', input: { SecretId: `${stack}/${name}` } },
  });
  return JSON.parse(SecretString);
}

/** From the project's folder: the stage's answers are there. */
async function lambdapg({ run }: EngineProject, ...args: string[]): Promise<void> {
  const done = await run(...args, '--json');
  expect(done.exitCode, done.stdout + done.stderr).toBe(0);
}

const alias = ({ engines: { bed } }: EngineProject, action: 'GetAlias' | 'UpdateAlias', change: object) =>
  bed.aws<{ RoutingConfig?: unknown }>({
    ...{ service: 'lambda', action },
    input: { FunctionName: `${stack}-overdue`, Name: 'live', ...change },
  });

const books = async (url = '') => {
  const response = await fetch(`${url}/books?limit=2`);
  return { status: response.status, body: (await response.json()) as unknown };
};

async function startProject(flags: readonly string[]): Promise<EngineProject> {
  const project = await startEngineProject(flags);
  const { bed } = project.engines;
  await project.engines.run('cdk', ['bootstrap', `aws://${bed.account}/${bed.region}`], { cwd: project.dir });
  await edit(project.dir, ({ cloud }) => {
    cloud.database = { ...cloud.database, deletionProtection: false };
  });
  return project;
}

test('cdk deploy alone makes an isolated stack that answers; a rotation stays; a failing migration changes nothing', async () => {
  const project = await startProject(['--template', 'cdk-isolated-proxy', '--language', 'node']);
  const { engines, dir } = project;
  const { outputs } = await deploy(project);
  await expectStackMatches(engines.bed, stack);
  expect(await books(outputs.url)).toMatchObject({ status: 200, body: { books: { length: 2 } } });
  expect(Object.keys(outputs).sort()).toEqual([
    ...['adminSecretArn', 'databaseHost', 'databaseName', 'databasePort', 'proxyHost', 'region'],
    ...['runnerName', 'secretArn', 'stage', 'url'],
  ]);

  const rotated = await rotateTo(project, 'shop_b', 'proxy');
  await changeStage(dir);
  const second = await deploy(project);
  expect(second.outputs.url).toBe(outputs.url);
  await expectRotated(project, rotated, second.outputs.url ?? '');
  await lambdapg(project, 'deploy', '--yes');
  await expectRotated(project, rotated, second.outputs.url ?? '');
  const back = await rotateTo(project, 'shop_a', 'proxy');
  await alias(project, 'UpdateAlias', { RoutingConfig: { AdditionalVersionWeights: { 1: 0.1 } } });

  await writeFile(join(dir, 'migrations/0003_broken.sql'), 'CREATE TABLE x (id int);\nSELECT nonsense;\n');
  const failed = await deploy(project, true);
  expect(failed.exitCode).not.toBe(0);
  expect(failed.all).toContain('migrations/0003_broken.sql:2:8: column "nonsense" does not exist (42703)');
  expect(failed.all).not.toContain(back.password);
  await expectRotated(project, back, outputs.url ?? '');
  const { RoutingConfig } = await alias(project, 'GetAlias', {});
  expect(RoutingConfig).toEqual({ AdditionalVersionWeights: { 1: 0.1 } });

  await engines.run('cdk', ['destroy', '-c', 'stage=dev', '--force'], { cwd: dir, environment: project.env });
}, 1_200_000);

test('without a secret anywhere: IAM from end to end', async () => {
  const project = await startProject([
    '--template',
    'cdk-isolated-proxy',
    '--auth',
    'iam',
    '--language',
    'node',
  ]);
  const { outputs } = await deploy(project);
  await expectStackMatches(project.engines.bed, stack);
  expect(await books(outputs.url)).toMatchObject({ status: 200, body: { books: { length: 2 } } });
  const { SecretList } = await project.engines.bed.aws<{ SecretList: unknown[] }>({
    ...{ service: 'secretsmanager', action: 'ListSecrets', input: {} },
  });
  expect(SecretList).toEqual([]);
  const rotation = await project.run('rotate-creds', '--yes', '--json');
  expect(rotation.json()).toMatchObject({ error: { code: 'NOTHING_TO_ROTATE' } });
}, 1_200_000);

test('NAT, direct, in Python; then the same with a proxy, which changes the address alone', async () => {
  const project = await startProject(['--template', 'cdk-nat', '--language', 'python']);
  const { outputs } = await deploy(project);
  await expectStackMatches(project.engines.bed, stack);
  expect(await books(outputs.url)).toMatchObject({ status: 200, body: { books: { length: 2 } } });
  const direct = await rotateTo(project, 'shop_b', 'direct');
  await changeStage(project.dir);
  await deploy(project);
  await expectRotated(project, direct, outputs.url ?? '');
  await rotateTo(project, 'shop_a', 'direct');
  const active = await secretOf(project, 'active');

  const proxied = await renderProject(answersFor('cdk-nat', { proxy: true, language: 'python' }, 'shop'));
  await writeFiles(new Map([...proxied].filter(([path]) => path.startsWith('infra/'))), project.dir);
  await edit(project.dir, ({ cloud }) => {
    cloud.proxy = {};
  });
  const switched = await deploy(project);
  await expectStackMatches(project.engines.bed, stack);
  const { proxyHost, ...others } = switched.outputs;
  expect(others).toEqual(outputs);
  expect(proxyHost).toMatch(/proxy/);
  expect(await books(outputs.url)).toMatchObject({ status: 200, body: { books: { length: 2 } } });
  expect(await secretOf(project, 'slot-a')).toEqual(active);
  await expectRotated(project, await rotateTo(project, 'shop_b', 'proxy'), outputs.url ?? '');
}, 1_200_000);
