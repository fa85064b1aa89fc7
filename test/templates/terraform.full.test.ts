import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { ChoiceFlags } from '../../src/scaffold/resolve-choices.ts';
import { testWithTool } from '../not-available.ts';
import { writeFiles } from './generate.ts';
import { everyStack, renderTerraform } from './terraform-projects.ts';
import { runTerraform, terraformMissing } from './terraform-tool.ts';

const withTerraform = testWithTool(terraformMissing);

// The provider that is here is 5.100, and the proxy's IAM authentication came with 6.15: terraform.test.ts checks it by its types.
const stacks = [...everyStack()].filter(([layers]) => !layers.includes('proxy-iam'));

for (const [layers, flags] of stacks) {
  withTerraform(`${layers}: valid`, { timeout: 600_000 }, async () => {
    const { all } = await runTerraform(await newProject(flags), ['validate', '-no-color']);
    expect(all).toContain('The configuration is valid');
  });
}

for (const [layers, flags] of coverOf(stacks)) {
  withTerraform(`${layers}: passes the tests that come with it`, { timeout: 900_000 }, async () => {
    const { all } = await runTerraform(await newProject(flags), ['test', '-no-color']);
    expect(all).toMatch(/^Success! \d+ passed, 0 failed\.$/m);
  });
}

/** Few stacks that have every layer among them: each of their runs takes Terraform seconds. */
function coverOf<T>(all: readonly (readonly [string, T])[]): (readonly [string, T])[] {
  const open = new Set(all.flatMap(([layers]) => layers.split(' ')));
  const chosen: (readonly [string, T])[] = [];
  const gain = (layers: string): number => layers.split(' ').filter((layer) => open.has(layer)).length;
  while (open.size > 0) {
    const best = all.reduce((first, second) => (gain(second[0]) > gain(first[0]) ? second : first));
    chosen.push(best);
    for (const layer of best[0].split(' ')) open.delete(layer);
  }
  return chosen;
}

async function newProject(flags: ChoiceFlags): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'lambdapg-terraform-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const files = new Map(await renderTerraform(flags));
  // What a person has to add.
  const answers = String(files.get('lambdapg.json'));
  files.set(
    'lambdapg.json',
    answers.replace('"kind": "heroku"', '"kind": "heroku", "herokuAddon": "round-1"'),
  );
  await writeFiles(files, directory);
  // What `npx lambdapg package` makes, as far as Terraform looks at it.
  const packages = join(directory, '.lambdapg/package');
  await mkdir(packages, { recursive: true });
  for (const name of ['api', 'overdue', 'runner', 'layer'])
    await writeFile(join(packages, `${name}.zip`), name);
  return directory;
}
