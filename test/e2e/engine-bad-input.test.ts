import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bed, startBed } from '../bed/bed.ts';
import { built, type CliResult, plainEnvironment, runCli } from './cli.ts';
import { linkPackages } from './engine-project.ts';

let bed: Bed;
let parent: string;
let refusing: Made;

beforeAll(async () => {
  bed = await startBed();
  parent = await mkdtemp(join(tmpdir(), 'lambdapg-e2e-'));
  refusing = await makeProject('refusing', '--engine', 'cdk', '--database', 'rds');
});
afterAll(async () => {
  await rm(parent, { recursive: true, force: true });
  await bed.stop();
});

interface Made {
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  run(...args: string[]): Promise<CliResult>;
}

/** A project whose packages nobody has installed, on a computer without any engine's tool. */
async function makeProject(name: string, ...flags: string[]): Promise<Made> {
  const ca = join(parent, 'rds-ca.pem');
  await writeFile(ca, '-----BEGIN CERTIFICATE-----\n');
  const env = { ...bed.environment, PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, LAMBDAPG_RDS_CA: ca };
  const run = (cwd: string, args: readonly string[]) => runCli(args, { cwd, env });
  const made = await run(parent, ['init', name, '--yes', '--no-install', '--no-git', ...flags]);
  expect(made.exitCode, made.stderr).toBe(0);
  const dir = join(parent, name);
  return { dir, env, run: (...args) => run(dir, args) };
}

/** @param answer in the words of `sh` */
async function putTool({ dir }: Made, file: string, answer: string): Promise<void> {
  const folder = join(dir, 'node_modules/.bin');
  await mkdir(folder, { recursive: true });
  // It may be a link to the real one.
  await rm(join(folder, file), { force: true });
  await writeFile(join(folder, file), `#!/bin/sh\n${answer}\n`, { mode: 0o755 });
}

const errorOf = (done: CliResult): unknown => (done.json() as { error: unknown }).error;

describe('a project whose engine', () => {
  test('is not installed, or of a version that does not work, is not deployed', async () => {
    const project = await makeProject('by-cdk', '--engine', 'cdk', '--database', 'rds');
    expect(errorOf(await project.run('deploy', '--yes', '--json'))).toMatchObject({
      ...{ code: 'ENGINE_TOOL_MISSING', exit: 1 },
      suggestions: expect.arrayContaining(['npm install --save-dev "aws-cdk@>=2.1148.1 <3"']),
    });
    await putTool(project, 'cdk', 'echo "3.0.0 (build 4f3efd4)"');
    expect(errorOf(await project.run('deploy', '--yes', '--json'))).toMatchObject({
      ...{ code: 'ENGINE_TOOL_VERSION', exit: 1 },
      message: expect.stringMatching(/^cdk is 3\.0\.0: .*April 2025.*>=2\.1148\.1 <3 is taken$/),
    });
    const destroyed = await project.run('destroy', '--confirm', 'by-cdk', '--json');
    expect(errorOf(destroyed)).toMatchObject({ code: 'ENGINE_TOOL_VERSION' });
    const changes = (await bed.requests()).filter(({ action }) => /^(Create|Put|Delete)/.test(action));
    expect(changes).toEqual([]);
  });

  test('is not installed still has a status, and permissions', async () => {
    const project = await makeProject('by-terraform', '--engine', 'terraform', '--database', 'aurora');
    const status = await project.run('status', '--no-prices');
    expect(status).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('0 resources by terraform'),
    });
    expect(status.stderr).toContain('terraform, by which this project is deployed, does not run here');
    const policy = await project.run('deploy', '--iam-policy');
    expect(policy.stdout).toContain('secretsmanager:PutSecretValue');
    expect(policy.stderr).toContain("the engine's own permissions are not among them");
  });

  test.each([
    [['provision', '--prune', '--yes'], '--prune'],
    [['provision', '--no-proxy'], '--proxy'],
    [['provision', '--database', 'aurora'], '--database'],
    [['deploy', '--function', 'api'], '--function'],
    [['destroy', '--no-snapshot', '--confirm', 'refusing'], '--snapshot'],
    [['migrate', '--stage', 'dev', '--remove-runner'], 'the runner'],
  ])('decides, not %j', async (args, named) => {
    const error = errorOf(await refusing.run(...args, '--json'));
    expect(error).toMatchObject({ code: 'ENGINE_DECIDES', exit: 2, message: expect.stringContaining(named) });
  });

  test('is at work is interrupted with lambdapg, which waits for it', async () => {
    const project = await makeProject('stopped', '--template', 'serverless-heroku', '--database', 'url');
    await linkPackages(project.dir);
    const [begun, tidied] = [join(project.dir, 'begun'), join(project.dir, 'tidied')];
    const work = `sleep 60 & trap 'kill $!; sleep 0.3; : > ${tidied}; exit 1' INT; : > ${begun}; wait`;
    await putTool(project, 'osls', `[ "$1" = --version ] && echo "osls version: 4.3.1" && exit 0\n${work}`);
    const env = {
      ...plainEnvironment(),
      ...project.env,
      DATABASE_URL: 'postgres://ada:x@db.example.com/books',
    };
    const options = { cwd: project.dir, env, extendEnv: false, reject: false, stdin: 'ignore' } as const;
    const running = execa(process.execPath, [built, 'deploy', '--yes', '--json'], options);
    await expect.poll(() => existsSync(begun), { timeout: 60_000 }).toBe(true);
    running.kill('SIGINT');
    expect((await running).exitCode).toBe(130);
    expect(existsSync(tidied)).toBe(true);
  }, 120_000);
});
