import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect } from 'vitest';
import { createAuthority } from '../../src/local/postgres/certificates.ts';
import type { Choices } from '../../src/project/choices.ts';
import type { ProjectConfig } from '../../src/project/config-schema.ts';
import { answersOf } from '../../src/scaffold/answers-of.ts';
import { startBed } from '../bed/bed.ts';
import { schemaPassages, verifyCdkStack } from './cdk-facts.ts';
import { knownVpc, lintCdk } from './cdk-projects.ts';
import { verifyStack } from './cloudformation-facts.ts';
import { lint, translateSam } from './cloudformation-projects.ts';
import { resolveTemplate, type Template } from './resolve-template.ts';
import { fromCloudFormation, verifySecurity } from './security-assertions.ts';
import { runTerraform, terraformMissing } from './terraform-tool.ts';

interface Generated {
  /** Absolute; its packages are installed. */
  readonly directory: string;
  readonly choices: Choices;
  /** For child processes. */
  readonly env: Record<string, string>;
}

const stack = 'my-library-dev';

/**
 * Packages the functions of a generated project with its own lambdapg, and lets its engine's tools, and those of others, say what
 * they think of it: synthesis, compilation, validation, lint; then the facts of decision 011 and the assertions of safety.
 */
export async function checkEngine(
  directory: string,
  config: ProjectConfig,
  env: Record<string, string>,
): Promise<void> {
  const authorities = join(directory, '.lambdapg/test-rds-ca.pem');
  await writeFile(authorities, (await createAuthority()).certificate);
  const generated = {
    directory,
    choices: answersOf(config).choices,
    env: { ...env, AWS_REGION: 'us-east-1', LAMBDAPG_RDS_CA: authorities },
  };
  await inProject(generated, ['lambdapg', 'package']);
  await checks[generated.choices.engine](generated);
}

const checks: Readonly<Record<Choices['engine'], (generated: Generated) => Promise<void>>> = {
  none: async () => {},
  cdk: checkCdk,
  terraform: checkTerraform,
  serverless: checkServerless,
  sam: checkSam,
};

async function checkCdk(generated: Generated): Promise<void> {
  await writeFile(join(generated.directory, 'cdk.context.json'), JSON.stringify(knownVpc));
  const account = { CDK_DEFAULT_ACCOUNT: '123456789012', CDK_DEFAULT_REGION: 'us-east-1' };
  await inProject(generated, ['cdk', 'synth', '--quiet', '--no-notices'], account);
  const read = async (name: string): Promise<unknown> =>
    JSON.parse(await readFile(join(generated.directory, '.lambdapg/cdk.out', name), 'utf8'));
  const report = (await read('validation-report.json')) as {
    pluginReports: { violations?: unknown[] }[];
  };
  expect(report.pluginReports.flatMap(({ violations = [] }) => violations)).toEqual([]);
  expect(await lintCdk(generated.directory)).toEqual([]);
  const { choices } = generated;
  const template = resolveTemplate((await read(`${stack}.template.json`)) as Template, stack);
  verifySecurity(fromCloudFormation(template), choices, schemaPassages(choices));
  verifyCdkStack(template, choices);
}

/** Terraform is not everywhere; that a module is what the answers ask for is tested without it (terraform.test.ts). */
async function checkTerraform({ directory, choices }: Generated): Promise<void> {
  // The provider that is here, 5.100, knows neither the proxy's IAM authentication nor runtimes of 2025 and later.
  if (terraformMissing !== undefined || (choices.proxy && choices.auth === 'iam')) return;
  const file = join(directory, 'lambdapg.json');
  const answers = (await readFile(file, 'utf8'))
    .replace('"nodejs24.x"', '"nodejs22.x"')
    .replace('"python3.14"', '"python3.13"');
  // Which add-on it is, a person has to say.
  const addon = '"kind": "heroku", "herokuAddon": "postgresql-round-12345"';
  await writeFile(file, /herokuAddon/.test(answers) ? answers : answers.replace('"kind": "heroku"', addon));
  expect((await runTerraform(directory, ['fmt', '-check', '-recursive', '-diff'])).all).toBe('');
  expect((await runTerraform(directory, ['validate', '-no-color'])).all).toContain(
    'The configuration is valid',
  );
  expect((await runTerraform(directory, ['test', '-no-color'])).all).toMatch(
    /^Success! \d+ passed, 0 failed\.$/m,
  );
}

async function checkServerless(generated: Generated): Promise<void> {
  // With a layer osls asks AWS for the stack that is deployed.
  const bed = await startBed();
  await inProject(generated, ['osls', 'package'], { SLS_TELEMETRY_DISABLED: '1', ...bed.environment });
  await bed.stop();
  const file = join(generated.directory, '.serverless/cloudformation-template-update-stack.json');
  const template = JSON.parse(await readFile(file, 'utf8')) as Template;
  verifyStack(resolveTemplate(template, stack), generated.choices);
}

async function checkSam({ directory, choices }: Generated): Promise<void> {
  expect(await lint(join(directory, 'template.yaml'))).toEqual([]);
  const given = { HerokuAddon: 'postgresql-round-12345' };
  verifyStack(resolveTemplate(await translateSam(directory), stack, given), choices);
}

/** Runs a program of the project's own packages. @throws with all that it said */
async function inProject(
  { directory, env }: Generated,
  [file = '', ...args]: readonly string[],
  more: Record<string, string> = {},
): Promise<void> {
  await execa(file, args, {
    ...{ cwd: directory, preferLocal: true, extendEnv: false, all: true },
    env: { ...env, ...more },
  });
}
