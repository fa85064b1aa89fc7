import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from '../../src/exec.ts';
import { zipFiles } from '../../src/project/package/zip-files.ts';
import type { Answers } from '../../src/scaffold/answers.ts';
import { installedFor } from './engine-packages.ts';
import { renderProject, writeFiles } from './generate.ts';
import type { Template } from './resolve-template.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const python = join(root, '.venv/bin/python');

/** Writes a project and, in place of what `lambdapg package` makes, small zips of the same names. */
export async function writeEngineProject(answers: Answers, directory: string): Promise<void> {
  const { engine } = answers.choices;
  await writeFiles(await renderProject(answers), directory);
  await addOn(directory);
  await symlink(await installedFor(engine), join(directory, 'node_modules'), 'junction');
  const folder = join(directory, '.lambdapg/package');
  await mkdir(folder, { recursive: true });
  for (const name of ['api', 'overdue', 'runner', 'schema', 'layer'])
    await writeFile(
      join(folder, `${name}.zip`),
      await zipFiles(new Map([['index.mjs', Buffer.from(`// ${name}`)]])),
    );
}

/** What a person writes into lambdapg.json: the name of an add-on of Heroku. */
async function addOn(directory: string): Promise<void> {
  const path = join(directory, 'lambdapg.json');
  const config = JSON.parse(await readFile(path, 'utf8'));
  if (config.cloud?.database?.kind !== 'heroku') return;
  config.cloud.database.herokuAddon = 'postgresql-round-12345';
  await writeFile(path, JSON.stringify(config));
}

/** What `osls package` compiles. `env`: an endpoint, where a layer makes it ask for the deployed stack. */
export async function packageServerless(
  directory: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Template> {
  await execa(process.execPath, [join(directory, 'node_modules/osls/bin/serverless.js'), 'package'], {
    cwd: directory,
    env: { AWS_REGION: 'us-east-1', SLS_TELEMETRY_DISABLED: '1', ...env },
    all: true,
  });
  const compiled = join(directory, '.serverless/cloudformation-template-update-stack.json');
  return JSON.parse(await readFile(compiled, 'utf8')) as Template;
}

/** What CloudFormation's transform makes of `template.yaml`, by AWS's own translator. */
export async function translateSam(directory: string): Promise<Template> {
  const script = join(root, 'test/templates/translate-sam.py');
  const { stdout } = await execa(python, [script, join(directory, 'template.yaml')]);
  return JSON.parse(stdout) as Template;
}

/** cfn-lint's findings, `W3005 text` each. */
export async function lint(file: string): Promise<string[]> {
  const { stdout } = await execa(join(root, '.venv/bin/cfn-lint'), ['--format', 'json', file], {
    reject: false,
  });
  const found = JSON.parse(stdout) as { Rule: { Id: string }; Message: string }[];
  return found.map(({ Rule, Message }) => `${Rule.Id} ${Message}`);
}
