import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { CliResult } from './cli.ts';
import { type EngineProject, startEngineProject } from './engine-project.ts';

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

/**
 * A project of one of the engines that write CloudFormation: deployed, served, rotated by hand, deployed again, destroyed.
 *
 * @param flags of `lambdapg init`
 * @param expected types that the stack must hold
 */
export async function verifyStackEngine(
  flags: readonly string[],
  expected: readonly string[],
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

  const rotated = await rotateByHand(project);
  await change(project, 'memoryMb', 512);
  await succeed(project.run('deploy', '--yes', '--json'));
  expect(await secretsOf(project)).toEqual(rotated);
  expect(await booksAt(url)).toHaveLength(2);

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
  cloud?: { database?: Record<string, unknown> };
  functions: Record<string, Record<string, unknown>>;
}

const allowDeletion = (project: EngineProject): Promise<void> =>
  editConfig(project, (config) => {
    config.cloud = { ...config.cloud, database: { ...config.cloud?.database, deletionProtection: false } };
  });

const change = (project: EngineProject, key: string, value: unknown): Promise<void> =>
  editConfig(project, ({ functions }) => {
    Object.assign(functions.api ?? {}, { [key]: value });
  });

async function secretOf({ engines }: EngineProject, name: string): Promise<string | undefined> {
  const { SecretString } = await engines.bed.aws<{ SecretString?: string }>({
    ...{ service: 'secretsmanager', action: 'GetSecretValue' },
    input: { SecretId: `shop-dev/${name}` },
  });
  return SecretString;
}

const secretsOf = (project: EngineProject): Promise<(string | undefined)[]> =>
  Promise.all(['active', 'slot-a', 'slot-b'].map((name) => secretOf(project, name)));

/** The active login is the other slot's, as a rotation leaves it. */
async function rotateByHand(project: EngineProject): Promise<(string | undefined)[]> {
  await project.engines.bed.aws({
    ...{ service: 'secretsmanager', action: 'PutSecretValue' },
    input: { SecretId: 'shop-dev/active', SecretString: await secretOf(project, 'slot-b') },
  });
  return secretsOf(project);
}
