import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import type { Engine } from './engine.ts';
import type { EngineStage, Tool } from './tool.ts';

const quiet = ['-input=false'];

/** Terraform: the root module in `infra`, one workspace for a stage. */
export const terraform: Engine = {
  title: 'Terraform',
  tool: {
    file: 'terraform',
    folder: 'infra',
    versionArgs: ['version', '-json'],
    readVersion: (printed) => /"terraform_version": "([\d.]+)/.exec(printed)?.[1],
    range: '>=1.10.0 <2',
    install: [
      'brew install hashicorp/tap/terraform, apt install terraform or winget install Hashicorp.Terraform',
      'https://developer.hashicorp.com/terraform/install',
    ],
    // Somebody's own TF_WORKSPACE would forbid to select another.
    environment: ({ region }) => ({ TF_VAR_region: region, TF_WORKSPACE: '', TF_IN_AUTOMATION: '1' }),
  },
  async deploy(tool, stage) {
    await initialise(tool, stage);
    await tool.run(['apply', ...quiet, ...settingsOf(stage), '-auto-approve']);
  },
  async plan(tool, stage) {
    await initialise(tool, stage);
    // 2: there are changes. developer.hashicorp.com/terraform/cli/commands/plan
    const args = ['plan', ...quiet, ...settingsOf(stage), '-lock=false', '-detailed-exitcode'];
    return (await tool.run(args, { accept: [0, 2] })) === 2;
  },
  async destroy(tool, stage) {
    await initialise(tool, stage);
    await tool.run(['destroy', ...quiet, ...settingsOf(stage), '-auto-approve']);
  },
  async readState(tool, { stage }) {
    // Only asking, nobody's selected workspace is changed.
    const env = { TF_WORKSPACE: stage };
    const outputs = await tool.read(['output', '-json'], { env });
    if (outputs.exitCode !== 0) throw unreadable(outputs.all);
    const resources = await tool.read(['state', 'list'], { env });
    return { outputs: parseOutputs(outputs.stdout), resources: parseList(resources) };
  },
};

/** The variables of one stage, where it has a file of them. */
const settingsOf = ({ projectDir, stage }: EngineStage): string[] =>
  existsSync(join(projectDir, 'infra', `${stage}.tfvars`)) ? [`-var-file=${stage}.tfvars`] : [];

/** Quick where everything is there. */
async function initialise(tool: Tool, { stage }: EngineStage): Promise<void> {
  await tool.run(['init', ...quiet]);
  await tool.run(['workspace', 'select', '-or-create', stage]);
}

function unreadable(said: string): UserError {
  return new UserError('ENGINE_FAILED', `terraform output: ${said.trim().split('\n').slice(-5).join('\n')}`, {
    suggestions: ['terraform -chdir=infra init'],
  });
}

function parseOutputs(json: string): Record<string, string> {
  const outputs = JSON.parse(json) as Record<string, { value?: unknown }>;
  const known = Object.entries(outputs).flatMap(([name, { value }]) =>
    value === null || value === undefined ? [] : [[name, String(value)] as const],
  );
  return Object.fromEntries(known);
}

/** Data sources are no resources; an empty state is an error to `state list`. */
const parseList = ({ exitCode, stdout }: { exitCode: number; stdout: string }): string[] =>
  exitCode === 0 ? stdout.split(/\r?\n/).filter((line) => line !== '' && !/(^|\.)data\./.test(line)) : [];
