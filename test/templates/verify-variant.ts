import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ChoiceFlags } from '../../src/scaffold/resolve-choices.ts';
import { makeTempDir } from '../postgres-server.ts';
import { verifyStack } from './cloudformation-facts.ts';
import { lint, packageServerless, translateSam, writeEngineProject } from './cloudformation-projects.ts';
import { answersFor } from './generate.ts';
import { resolveTemplate, type Template } from './resolve-template.ts';
import { fromCloudFormation, verifySecurity } from './security-assertions.ts';
import { validateCloudFormation } from './validate-cloudformation.ts';

const stack = 'my-library-dev';

/**
 * osls writes dependencies that are there already, and versions that stay when they are replaced. A major version alone takes the newest
 * minor one that RDS offers, which cfn-lint does not know.
 */
const accepted = /^(W3005|W3011|W3691) /;

/** Renders a project, lets its engine's own tool compile it, and looks at the stack. @returns it, as it was compiled */
export async function verifyServerless(
  template: string,
  flags: ChoiceFlags,
  env: Readonly<Record<string, string>> = {},
): Promise<Template> {
  const directory = await makeTempDir();
  try {
    const answers = answersFor(template, flags);
    await writeEngineProject(answers, directory);
    const compiled = await packageServerless(directory, env);
    await verifyCompiled(compiled, answers.choices);
    return compiled;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export async function verifySam(template: string, flags: ChoiceFlags): Promise<Template> {
  const directory = await makeTempDir();
  try {
    const answers = answersFor(template, flags);
    await writeEngineProject(answers, directory);
    expect((await lint(join(directory, 'template.yaml'))).filter((one) => !accepted.test(one))).toEqual([]);
    const translated = await translateSam(directory);
    await verifyCompiled(translated, answers.choices);
    return translated;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function verifyCompiled(compiled: Template, choices: Parameters<typeof verifyStack>[1]): Promise<void> {
  const found = await validateCloudFormation(compiled);
  expect(found.filter((one) => !accepted.test(one))).toEqual([]);
  const template = resolveTemplate(compiled, stack, { HerokuAddon: 'postgresql-round-12345' });
  verifyStack(template, choices);
  verifySecurity(fromCloudFormation(template), choices);
}
