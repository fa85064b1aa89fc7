import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from '../../src/exec.ts';
import { findTool, terraformMirror, terraformProblem } from '../bed/engine-tools.ts';

/** Why Terraform cannot be run here, or undefined when it can: see test/not-available.ts. */
export const terraformMissing = terraformProblem()?.replace('not available: ', '');

const cache = fileURLToPath(new URL('../../.cache/templates', import.meta.url));

/** Settings under which the provider is taken from its folder, without `init` and without a network. */
function settingsFile(): string {
  const file = join(cache, 'terraform.rc');
  const provider = JSON.stringify(providerFolder());
  const text = `provider_installation {\n  dev_overrides {\n    "hashicorp/aws" = ${provider}\n  }\n}\n`;
  mkdirSync(cache, { recursive: true });
  if (!existsSync(file)) writeFileSync(file, text);
  return file;
}

function providerFolder(): string {
  const versions = join(terraformMirror, 'registry.terraform.io/hashicorp/aws');
  const folders = readdirSync(versions).flatMap((version) =>
    readdirSync(join(versions, version)).map((platform) => join(versions, version, platform)),
  );
  const platform = `${process.platform}_${process.arch === 'x64' ? 'amd64' : process.arch}`;
  const found = folders.find((folder) => folder.endsWith(platform));
  if (found === undefined) throw new Error(`${versions} has no provider for ${platform}`);
  return found;
}

/**
 * Runs Terraform in the module of a project.
 *
 * @param dir the project's folder
 */
export async function runTerraform(
  dir: string,
  args: readonly string[],
): Promise<{ readonly exitCode: number | undefined; readonly all: string }> {
  const [program = 'terraform'] = findTool('terraform') ?? [];
  const { exitCode, all } = await execa(program, [...args], {
    cwd: join(dir, 'infra'),
    env: { TF_CLI_CONFIG_FILE: settingsFile(), TF_IN_AUTOMATION: '1', CHECKPOINT_DISABLE: '1' },
    reject: false,
    all: true,
  });
  return { exitCode, all };
}
