import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { execa } from '../../src/exec.ts';
import { type Bed, type BedOptions, startBed } from './bed.ts';
import { type DataPlane, type DataPlaneOptions, startDataPlane } from './data-plane/data-plane.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = (folder: string, name: string): string =>
  process.platform === 'win32'
    ? join(root, folder === '.venv' ? '.venv/Scripts' : folder, `${name}.exe`)
    : join(root, folder === '.venv' ? '.venv/bin' : folder, name);

export type EngineTool = 'cdk' | 'osls' | 'aws' | 'terraform';

/** Program and first arguments of a tool that `npm run setup` installs, or of the Terraform that may be there. */
export function findTool(tool: Exclude<EngineTool, 'terraform'>): readonly [string, ...string[]];
export function findTool(tool: EngineTool): readonly [string, ...string[]] | undefined;
export function findTool(tool: EngineTool): readonly [string, ...string[]] | undefined {
  if (tool === 'cdk') return [process.execPath, join(root, 'node_modules/aws-cdk/bin/cdk')];
  if (tool === 'osls') return [process.execPath, join(root, 'node_modules/osls/bin/serverless.js')];
  if (tool === 'aws') return [bin('.venv', 'python'), bin('.venv', 'aws')];
  return terraformProblem() === undefined ? [terraform] : undefined;
}

/** Neither Terraform nor its provider comes from npm, the Python index or Debian. */
const terraform = '/usr/local/bin/terraform';
export const terraformMirror = '/opt/tf-plugins';

/** Why tests of Terraform are not available on this computer; undefined where they are. */
export function terraformProblem(): string | undefined {
  if (!existsSync(terraform)) return `no ${terraform}`;
  const provider = join(terraformMirror, 'registry.terraform.io/hashicorp/aws');
  return existsSync(provider) ? undefined : `no provider in ${provider}`;
}

export interface ToolResult {
  readonly exitCode: number;
  readonly stdout: string;
  /** Both streams, in the order in which they came. */
  readonly all: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** A failure is a result; it throws with the whole output otherwise. */
  readonly mayFail?: boolean;
}

/** A bed with its data plane, and what the engines' own tools need to deploy to it. */
export interface EngineBed {
  readonly bed: Bed;
  readonly plane: DataPlane;
  /** For a tool, or for lambdapg that runs one, as a child process: the tools are on its PATH. */
  readonly environment: Readonly<Record<string, string>>;
  run(tool: EngineTool, args: readonly string[], options: RunOptions): Promise<ToolResult>;
  /** Any program with the same environment. */
  execute(command: readonly [string, ...string[]], options: RunOptions): Promise<ToolResult>;
  stop(): Promise<void>;
}

export interface EngineBedOptions extends BedOptions, DataPlaneOptions {}

/** Resources are ready at once (`pace` 0) unless the options say otherwise. */
export async function startEngineBed(options: EngineBedOptions = {}): Promise<EngineBed> {
  const bed = await startBed({ pace: { default: 0 }, ...options });
  const plane = await startDataPlane(bed, options);
  const dir = await mkdtemp(join(tmpdir(), 'lambdapg-engines-'));
  const environment = { ...bed.environment, ...plane.environment, ...(await toolEnvironment(dir)) };
  const execute: EngineBed['execute'] = async ([file, ...first], { cwd, mayFail, ...more }) => {
    const result = await execa(file, first, {
      ...{ cwd, all: true, reject: false, stdin: 'ignore' },
      env: { ...environment, ...more.environment },
    });
    const exitCode = result.exitCode ?? 1;
    if (exitCode !== 0 && mayFail !== true) {
      const failures = await bed.control<readonly string[]>('stack-failures', { region: bed.region });
      const said = [`${[file, ...first].join(' ')}: exit ${exitCode}`, result.all, ...failures];
      throw new Error(said.join('\n'));
    }
    return { exitCode, stdout: result.stdout, all: result.all };
  };
  return {
    ...{ bed, plane, environment, execute },
    run(tool, args, runOptions) {
      const found = findTool(tool);
      if (found === undefined) throw new Error(`${tool}: ${terraformProblem()}`);
      return execute([...found, ...args], runOptions);
    },
    async stop() {
      await plane.stop();
      await rm(dir, { recursive: true, force: true });
      await bed.stop();
    },
  };
}

/** No caches, telemetry or configuration of the person's own. */
async function toolEnvironment(dir: string): Promise<Record<string, string>> {
  const terraformConfig = join(dir, 'terraformrc');
  await writeFile(
    terraformConfig,
    `disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n    path    = "${terraformMirror}"\n    include = ["registry.terraform.io/hashicorp/*"]\n  }\n}\n`,
  );
  return {
    PATH: [join(root, 'node_modules/.bin'), join(bin('.venv', 'aws'), '..'), process.env.PATH].join(
      delimiter,
    ),
    CI: 'true',
    // The SDK's note that Node 20 ends.
    NODE_NO_WARNINGS: '1',
    CDK_HOME: join(dir, 'cdk'),
    CDK_DISABLE_CLI_TELEMETRY: 'true',
    CDK_DISABLE_VERSION_CHECK: 'true',
    SLS_TELEMETRY_DISABLED: '1',
    SLS_NOTIFICATIONS_MODE: 'off',
    AWS_PAGER: '',
    SAM_CLI_TELEMETRY: '0',
    TF_CLI_CONFIG_FILE: terraformConfig,
    TF_IN_AUTOMATION: '1',
  };
}

/** The stack's resources are those of its template whose condition holds, and each of them stands. */
export async function expectStackMatches(bed: Bed, stackName: string): Promise<void> {
  const ask = <Output>(action: string, input: Record<string, unknown>) =>
    bed.aws<Output>({ service: 'cloudformation', action, input, plain: false });
  const { StackResourceSummaries } = await ask<{ StackResourceSummaries: Summary[] }>('ListStackResources', {
    StackName: stackName,
  });
  const wanted = await bed.control<Record<string, string>>('stack-template', {
    ...{ stack: stackName, region: bed.region },
  });
  const standing = StackResourceSummaries.filter(
    ({ ResourceStatus, PhysicalResourceId }) =>
      /^(CREATE|UPDATE)_COMPLETE$/.test(ResourceStatus) && PhysicalResourceId !== undefined,
  );
  const listed = Object.fromEntries(standing.map((one) => [one.LogicalResourceId, one.ResourceType]));
  expect(listed).toEqual(wanted);
}

interface Summary {
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceType: string;
  readonly ResourceStatus: string;
}
