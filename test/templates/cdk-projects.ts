import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from '../../src/exec.ts';
import type { Answers } from '../../src/scaffold/answers.ts';
import type { ChoiceFlags } from '../../src/scaffold/resolve-choices.ts';
import { makeTempDir } from '../postgres-server.ts';
import { lint, writeEngineProject } from './cloudformation-projects.ts';
import { answersFor } from './generate.ts';
import type { Template } from './resolve-template.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Where cdk.json puts what is synthesised: git-ignored like all that is built. */
const assembly = '.lambdapg/cdk.out';

export interface CdkProject {
  /** Absolute. */
  readonly directory: string;
  readonly answers: Answers;
  readonly template: Template;
  readonly readme: string;
  /** Of the validator that ships with aws-cdk-lib: `F3004 text`. */
  readonly findings: readonly string[];
}

interface Variant {
  readonly template: string;
  readonly flags: ChoiceFlags;
  /** What a person does to the project before it is synthesised. */
  readonly change?: (directory: string) => Promise<void>;
}

/** Writes projects and synthesises all of them in one process. `context`: on top of that of their cdk.json. */
export async function synthesise(variants: readonly Variant[], context: object = {}): Promise<CdkProject[]> {
  const written: { directory: string; answers: Answers }[] = [];
  for (const { template, flags, change } of variants) {
    const directory = await makeTempDir('lambdapg-cdk-');
    const answers = answersFor(template, flags);
    await writeEngineProject(answers, directory);
    await change?.(directory);
    await writeFile(join(directory, 'cdk.context.json'), JSON.stringify(knownVpc));
    written.push({ directory, answers });
  }
  await runApps(
    written.map(({ directory }) => directory),
    context,
  );
  return Promise.all(
    written.map(async (project) => ({ ...project, ...(await readAssembly(project.directory)) })),
  );
}

export type Edit = (config: { cloud?: Record<string, unknown>; functions: Record<string, object> }) => void;

export async function editConfig(directory: string, edit: Edit): Promise<void> {
  const path = join(directory, 'lambdapg.json');
  const config = JSON.parse(await readFile(path, 'utf8'));
  edit(config);
  await writeFile(path, JSON.stringify(config));
}

/** What CDK has looked up once and keeps: the VPC of the existing subnets. */
export const knownVpc = {
  'cc-api-provider:account=123456789012:exactIdentifier=subnet-0a1:propertiesToReturn.0=VpcId:region=us-east-1:typeName=AWS$:$:EC2$:$:Subnet':
    [{ VpcId: 'vpc-0a0b0c0d' }],
};

/** @throws what an app says, all of it */
export async function runApps(directories: readonly string[], context: object = {}): Promise<string> {
  const script = join(root, 'test/templates/synthesise-cdk.mts');
  const { all, exitCode } = await execa(process.execPath, ['--import', 'tsx', script, ...directories], {
    cwd: root,
    all: true,
    reject: false,
    env: {
      ...{ CDK_DEFAULT_ACCOUNT: '123456789012', CDK_DEFAULT_REGION: 'us-east-1', NODE_NO_WARNINGS: '1' },
      CONTEXT: JSON.stringify(context),
    },
  });
  if (exitCode !== 0) throw new Error(all);
  return all;
}

async function readAssembly(directory: string): Promise<Omit<CdkProject, 'directory' | 'answers'>> {
  const read = async (name: string) => JSON.parse(await readFile(join(directory, assembly, name), 'utf8'));
  const report = (await read('validation-report.json')) as Report;
  return {
    template: (await read('my-library-dev.template.json')) as Template,
    readme: await readFile(join(directory, 'README.md'), 'utf8'),
    findings: report.pluginReports.flatMap(({ violations = [] }) =>
      violations.map(({ ruleName, description }) => `${ruleName} ${description}`),
    ),
  };
}

interface Report {
  readonly pluginReports: readonly {
    readonly violations?: readonly { readonly ruleName: string; readonly description: string }[];
  }[];
}

/** What tsc says of infra/; empty when nothing. */
export async function typecheckInfra(directory: string): Promise<string> {
  const { stdout } = await execa(
    process.execPath,
    [join(directory, 'node_modules/typescript/bin/tsc'), '--noEmit', '-p', 'infra'],
    { cwd: directory, reject: false },
  );
  return stdout;
}

/**
 * Redundant dependencies are CDK's own way of writing. A major version alone takes the newest minor one that RDS offers, which
 * cfn-lint does not know.
 */
const accepted = /^(W3005|W3691) /;

/** cfn-lint's findings in the synthesised template. */
export const lintCdk = async (directory: string): Promise<string[]> =>
  (await lint(join(directory, assembly, 'my-library-dev.template.json'))).filter(
    (one) => !accepted.test(one),
  );
