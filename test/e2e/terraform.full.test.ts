import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { testWithTool } from '../not-available.ts';
import { terraformMissing } from '../templates/terraform-tool.ts';
import type { CliResult } from './cli.ts';
import { type EngineProject, startEngineProject } from './engine-project.ts';
import { expectRotated, rotateTo } from './engine-rotation.ts';

const withTerraform = testWithTool(terraformMissing);
const preset = ['--template', 'terraform-aurora-fastapi'];
// The runtime is the newest that provider 5.100 knows.
const node = ['--language', 'node', '--framework', 'none', '--packaging', 'zip', '--runtime', 'nodejs22.x'];

/** Terraform deletes the interfaces that a function leaves behind as soon as it sees them; the gate's stay until they go. */
const pace = { default: 0, 'lambda.interface': 0 };

withTerraform(
  'serves rows; a second plan is empty; what rotation changes outside Terraform stays; nothing is left',
  { timeout: 1_800_000 },
  async () => {
    const project = await startEngineProject([...preset, ...node], { pace });
    await changeAnswers(project, ({ cloud }) => {
      cloud.database.deletionProtection = false;
    });

    await writeFile(join(project.dir, 'infra/dev.tfvars'), 'log_retention_days = 30\n');

    const deployed = deployedBy(await project.run('deploy', '--yes', '--json'));
    expect(deployed.health.status).toBe(200);
    expect(await changesOfPlan(project)).toEqual([]);
    expect(await logRetention(project)).toEqual([30, 30, 30]);
    await succeed(project.run('migrate', '--stage', 'dev'));
    await succeed(project.run('seed', '--stage', 'dev'));
    expect(await titlesAt(deployed.url)).toBe(2);

    const rotated = await rotateTo(project, 'shop_b', 'proxy');
    await changeCode(project);
    await succeed(project.run('package'));
    await terraform(project, ['apply', '-input=false', '-auto-approve', '-var-file=dev.tfvars'], workspace);
    await expectRotated(project, rotated, deployed.url);
    const shifted = await shiftTraffic(project);
    await succeed(project.run('deploy', '--yes', '--json'));
    expect(await liveAlias(project)).toEqual(shifted);
    await expectRotated(project, rotated, deployed.url);
    const back = await rotateTo(project, 'shop_a', 'proxy');
    await expectRotated(project, back, deployed.url);

    const state = await readFile(
      join(project.dir, 'infra/terraform.tfstate.d/dev/terraform.tfstate'),
      'utf8',
    );
    for (const { password } of [rotated, back]) expect(state).not.toContain(password);

    await succeed(project.run('destroy', '--confirm', 'shop', '--json'));
    const { stdout } = await terraform(project, ['state', 'list'], workspace);
    expect(stdout.replaceAll(/^data\..*\n?/gm, '')).toBe('');
  },
);

withTerraform(
  'the preset serves rows and the documents of its API, with its packages in a layer',
  { timeout: 1_800_000 },
  async () => {
    const project = await startEngineProject(preset, { pace });
    // The layer's binaries are for Lambda's system: those of this one come first.
    const [packages = ''] = await readdir(join(project.dir, '.venv/lib'));
    const PYTHONPATH = join(project.dir, '.venv/lib', packages, 'site-packages');
    await changeAnswers(project, ({ functions }) => {
      for (const one of Object.values(functions)) one.environment = { PYTHONPATH };
    });
    const { url } = deployedBy(await project.run('deploy', '--yes', '--json'));
    await succeed(project.run('migrate', '--stage', 'dev'));
    await succeed(project.run('seed', '--stage', 'dev'));
    expect(await titlesAt(url)).toBe(2);
    const openapi = (await (await fetch(`${url}/openapi.json`)).json()) as { paths: object };
    expect(Object.keys(openapi.paths)).toContain('/books/available');
    expect((await fetch(`${url}/docs`)).status).toBe(200);
    const status = (await succeed(project.run('status', '--json', '--no-prices'))).json();
    expect(status).toMatchObject({
      engine: 'terraform',
      outputs: { url, databaseName: 'shop', stage: 'dev' },
    });
  },
);

withTerraform(
  'an instance without a proxy, by IAM, beside a NAT gateway',
  { timeout: 1_800_000 },
  async () => {
    const answers = ['--database', 'rds', '--no-proxy', '--auth', 'iam', '--network', 'nat'];
    const project = await startEngineProject([...preset, ...node, ...answers], { pace });
    await changeAnswers(project, ({ cloud }) => {
      cloud.database.deletionProtection = false;
    });
    const { url } = deployedBy(await project.run('deploy', '--yes', '--json'));
    await succeed(project.run('migrate', '--stage', 'dev'));
    await succeed(project.run('seed', '--stage', 'dev'));
    expect(await titlesAt(url)).toBe(2);
    await writeFile(join(project.dir, 'infra/dev.tfvars'), '');
    expect(await changesOfPlan(project)).toEqual([]);
    const { environment } = await project.engines.bed.functionCode('shop-dev-api', 'live');
    expect(environment).toMatchObject({ LAMBDAPG_DB_AUTH: 'iam', PGUSER: 'shop_a' });

    await editHcl(project);
    expect((await project.run('deploy', '--plan')).exitCode).toBe(3);
    expect(await changesOfPlan(project)).toEqual([
      'aws_lambda_function.runner.memory_size',
      'aws_ssm_parameter.own create',
    ]);
    await succeed(project.run('deploy', '--yes', '--json'));
    expect(await changesOfPlan(project)).toEqual([]);
    const { resources } = (await succeed(project.run('status', '--json', '--no-prices'))).json() as {
      resources: { id: string }[];
    };
    expect(JSON.stringify(resources)).toContain('aws_ssm_parameter.own');
    expect(await titlesAt(url)).toBe(2);

    await succeed(project.run('destroy', '--confirm', 'shop', '--json'));
  },
);

/** What people do with a module that is theirs: another value, and a resource of their own. */
async function editHcl({ dir }: EngineProject): Promise<void> {
  const runner = join(dir, 'infra/runner.tf');
  const text = await readFile(runner, 'utf8');
  await writeFile(runner, text.replace('memory_size = 1024', 'memory_size = 1536'));
  const own =
    'resource "aws_ssm_parameter" "own" {\n  name  = "/shop/own"\n  type  = "String"\n  value = "mine"\n}\n';
  await writeFile(join(dir, 'infra/own.tf'), own);
}

async function succeed(running: Promise<CliResult>): Promise<CliResult> {
  const done = await running;
  expect(done.exitCode, done.stdout + done.stderr).toBe(0);
  return done;
}

function deployedBy(done: CliResult): { url: string; health: { status: number } } {
  expect(done.exitCode, done.stdout + done.stderr).toBe(0);
  return done.json() as { url: string; health: { status: number } };
}

async function titlesAt(url: string): Promise<number> {
  const response = await fetch(`${url}/books?limit=2`);
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return text.split('"title"').length - 1;
}

interface Answers {
  readonly cloud: { readonly database: Record<string, unknown> };
  readonly functions: Readonly<Record<string, { environment?: Record<string, string> }>>;
}

async function changeAnswers({ dir }: EngineProject, change: (answers: Answers) => void): Promise<void> {
  const file = join(dir, 'lambdapg.json');
  const answers = JSON.parse(await readFile(file, 'utf8')) as Answers;
  change(answers);
  await writeFile(file, JSON.stringify(answers, null, 2));
}

const workspace = { TF_WORKSPACE: 'dev' };

const terraform = ({ engines, dir, env }: EngineProject, args: readonly string[], more = {}) =>
  engines.run('terraform', args, { cwd: join(dir, 'infra'), environment: { ...env, ...more } });

async function logRetention({ engines }: EngineProject): Promise<(number | undefined)[]> {
  const { logGroups } = await engines.bed.aws<{ logGroups: { retentionInDays?: number }[] }>({
    ...{ service: 'logs', action: 'DescribeLogGroups', input: {} },
  });
  return logGroups.map(({ retentionInDays }) => retentionInDays);
}

interface PlannedChange {
  readonly address: string;
  readonly change: {
    readonly actions: readonly string[];
    readonly before: Record<string, unknown>;
    readonly after: Record<string, unknown>;
  };
}

/** Which attributes of which resources Terraform would change now; all but what moto answers wrongly. */
async function changesOfPlan(project: EngineProject): Promise<string[]> {
  await terraform(project, ['plan', '-input=false', '-var-file=dev.tfvars', '-out=test.tfplan'], workspace);
  const { stdout } = await terraform(project, ['show', '-json', 'test.tfplan'], workspace);
  const { resource_changes = [] } = JSON.parse(stdout) as { resource_changes?: PlannedChange[] };
  return resource_changes
    .filter(({ change }) => change.actions.join() !== 'no-op')
    .flatMap(({ address, change: { actions, before, after } }) =>
      actions.join() === 'update'
        ? Object.keys(after)
            .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
            .map((key) => `${address}.${key}`)
        : [`${address} ${actions.join()}`],
    )
    .filter((change) => !phantoms.some((phantom) => phantom.test(change)));
}

/**
 * Differences that moto makes: it tells an Aurora Serverless v1 scaling configuration of a v2 cluster, and forgets the description of a
 * security group's rule.
 */
const phantoms = [
  /^aws_rds_cluster\.database\.scaling_configuration$/,
  /^aws_vpc_security_group_\w+_rule\.\w+\.description$/,
];

async function changeCode({ dir }: EngineProject): Promise<void> {
  const file = join(dir, 'src/health.ts');
  await writeFile(file, `${await readFile(file, 'utf8')}\nexport const changed = true;\n`);
}

const live = { FunctionName: 'shop-dev-api', Name: 'live' };

async function liveAlias({ engines: { bed } }: EngineProject): Promise<unknown> {
  const input = { service: 'lambda', action: 'GetAlias', input: live };
  const { FunctionVersion, RoutingConfig } = await bed.aws<Record<string, unknown>>(input);
  return { FunctionVersion, RoutingConfig };
}

/** A quarter of the calls go to the former version, as somebody who shifts traffic would have it. */
async function shiftTraffic(project: EngineProject): Promise<unknown> {
  await project.engines.bed.aws({
    ...{ service: 'lambda', action: 'UpdateAlias' },
    input: { ...live, RoutingConfig: { AdditionalVersionWeights: { 1: 0.25 } } },
  });
  return liveAlias(project);
}
