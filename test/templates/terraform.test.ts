import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Files } from '../../src/scaffold/files.ts';
import { testWithTool } from '../not-available.ts';
import { writeFiles } from './generate.ts';
import { findUndeclared, findUnused, readHclModule } from './hcl-module.ts';
import { checkedProvider, findSchemaFaults } from './hcl-provider-types.ts';
import { verifyModule } from './terraform-facts.ts';
import { choicesOf, everyStack, renderTerraform } from './terraform-projects.ts';
import { runTerraform, terraformMissing } from './terraform-tool.ts';

describe.each([...everyStack()])('%s', (_layers, flags) => {
  const rendered: Promise<Files> = renderTerraform(flags);

  test('is a module that names only what it declares, and uses all of it', async () => {
    const module = await readHclModule(await rendered);
    expect(findUndeclared(module)).toEqual([]);
    expect(findUnused(module)).toEqual([]);
  });

  test('is what the answers ask for', async () => {
    await verifyModule(await readHclModule(await rendered), choicesOf(flags));
  });

  test(`uses what provider ${checkedProvider} knows`, { timeout: 180_000 }, async () => {
    expect(await findSchemaFaults(await readHclModule(await rendered))).toEqual([]);
  });
});

const withTerraform = testWithTool(terraformMissing);

describe('the preset, by Terraform itself', () => {
  withTerraform('is formatted as Terraform formats', { timeout: 60_000 }, async () => {
    const directory = await newProject();
    const { exitCode, all } = await runTerraform(directory, ['fmt', '-check', '-diff', '-recursive']);
    expect(all).toBe('');
    expect(exitCode).toBe(0);
  });

  withTerraform('is valid', { timeout: 120_000 }, async () => {
    const { all } = await runTerraform(await newProject(), ['validate', '-no-color']);
    expect(all).toContain('The configuration is valid');
  });
});

async function newProject(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'lambdapg-terraform-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  await writeFiles(await renderTerraform(), directory);
  return directory;
}
