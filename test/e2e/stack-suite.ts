import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { CliResult } from './cli.ts';
import { type EngineProject, startEngineProject } from './engine-project.ts';
import { expectRotated, rotateTo } from './engine-rotation.ts';

/** What the CloudFormation stack of a stage holds: `AWS::RDS::DBInstance`. Fails when there is no such stack. */
async function stackTypes({ engines, dir }: EngineProject): Promise<string[]> {
  const list = ['cloudformation', 'list-stack-resources', '--stack-name', 'shop-dev', '--output', 'json'];
  const { stdout } = await engines.run('aws', list, { cwd: dir });
  const { StackResourceSummaries } = JSON.parse(stdout) as {
    StackResourceSummaries: { ResourceType: string; ResourceStatus: string }[];
  };
  expect(
    StackResourceSummaries.filter(({ ResourceStatus }) => !/^(CREATE|UPDATE)_COMPLETE$/.test(ResourceStatus)),
  ).toEqual([]);
  return StackResourceSummaries.map(({ ResourceType }) => ResourceType);
}

interface EngineFacts {
  /** By the engine's own tool, without lambdapg. */
  readonly deployByHand: (project: EngineProject) => Promise<unknown>;
  /** What `deploy --plan` says of a stage that is as it is to be; null: its engine cannot tell. */
  readonly hasChanges: false | null;
}

/**
 * A project of one of the engines that write CloudFormation: deployed, served, rotated, deployed again, destroyed.
 *
 * @param flags of `lambdapg init`
 * @param expected types that the stack must hold
 */
export async function verifyStackEngine(
  flags: readonly string[],
  expected: readonly string[],
  { deployByHand, hasChanges }: EngineFacts,
): Promise<void> {
  const project = await startEngineProject(flags, { pace: { default: 0, 'lambda.interface': 0 } });
  await allowDeletion(project);

  const { url, health } = deployedBy(await project.run('deploy', '--yes', '--json'));
  expect(health.status).toBe(200);
  expect(await stackTypes(project)).toEqual(expect.arrayContaining([...expected]));
  await succeed(project.run('migrate', '--stage', 'dev'));
  await succeed(project.run('seed', '--stage', 'dev'));
  expect(await booksAt(url)).toHaveLength(2);

  const status = (await succeed(project.run('status', '--no-prices', '--json'))).json();
  expect(status).toMatchObject({ outputs: { url, stage: 'dev', runnerName: 'shop-dev-runner' } });

  const plan = await project.run('deploy', '--plan', '--json');
  expect(plan.json()).toMatchObject({ hasChanges });

  const rotated = await rotateTo(project, 'shop_b', 'proxy');
  await changeCode(project);
  await succeed(project.run('package'));
  await deployByHand(project);
  await expectRotated(project, rotated, url);
  await succeed(project.run('deploy', '--yes', '--json'));
  await expectRotated(project, rotated, url);
  await expectRotated(project, await rotateTo(project, 'shop_a', 'proxy'), url);

  const shifted = await shiftTraffic(project);
  await editConfig(project, (config) => {
    config.cloud = { ...config.cloud, logRetentionDays: 30 };
  });
  await succeed(project.run('deploy', '--yes', '--json'));
  expect(await liveAlias(project)).toEqual(shifted);

  await succeed(project.run('destroy', '--confirm', 'shop', '--json'));
  await expect(stackTypes(project)).rejects.toThrow(/does not exist/);
}

export async function succeed(running: Promise<CliResult>): Promise<CliResult> {
  const done = await running;
  expect(done.exitCode, done.stdout + done.stderr).toBe(0);
  return done;
}

function deployedBy(done: CliResult): { url: string; health: { status: number } } {
  expect(done.exitCode, done.stdout + done.stderr).toBe(0);
  return done.json() as { url: string; health: { status: number } };
}

async function booksAt(url: string): Promise<unknown[]> {
  const response = await fetch(`${url}/books?limit=2`);
  const body = (await response.json()) as { books: unknown[] };
  expect(response.status, JSON.stringify(body)).toBe(200);
  return body.books;
}

async function editConfig({ dir }: EngineProject, edit: (config: Config) => void): Promise<void> {
  const file = join(dir, 'lambdapg.json');
  const config = JSON.parse(await readFile(file, 'utf8')) as Config;
  edit(config);
  await writeFile(file, JSON.stringify(config, null, 2));
}

interface Config {
  cloud?: { database?: Record<string, unknown>; logRetentionDays?: number };
}

const allowDeletion = (project: EngineProject): Promise<void> =>
  editConfig(project, (config) => {
    config.cloud = { ...config.cloud, database: { ...config.cloud?.database, deletionProtection: false } };
  });

async function changeCode({ dir }: EngineProject): Promise<void> {
  const file = join(dir, 'src/health.ts');
  await writeFile(file, `${await readFile(file, 'utf8')}\nexport const changed = true;\n`);
}

const live = { FunctionName: 'shop-dev-api', Name: 'live' };

const liveAlias = async ({ engines }: EngineProject): Promise<unknown> => {
  const input = { service: 'lambda', action: 'GetAlias', input: live };
  const { FunctionVersion, RoutingConfig } = await engines.bed.aws<Record<string, unknown>>(input);
  return { FunctionVersion, RoutingConfig };
};

/** A quarter of the calls go to the former version, as somebody who shifts traffic would have it. */
async function shiftTraffic(project: EngineProject): Promise<unknown> {
  await project.engines.bed.aws({
    ...{ service: 'lambda', action: 'UpdateAlias' },
    input: { ...live, RoutingConfig: { AdditionalVersionWeights: { 1: 0.25 } } },
  });
  return liveAlias(project);
}
