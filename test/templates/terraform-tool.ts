import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from '../../src/exec.ts';

/**
 * Where an operator of this machine has put providers (`terraform providers mirror` makes such a folder); no package registry has
 * them, and HashiCorp's own is not reachable everywhere.
 */
const mirror = process.env.LAMBDAPG_TEST_TERRAFORM_MIRROR ?? '/opt/tf-plugins';
const versions = join(mirror, 'registry.terraform.io/hashicorp/aws');

/** Why Terraform cannot be run here, or undefined when it can. */
export const terraformMissing: string | undefined = findMissing();

function findMissing(): string | undefined {
  try {
    execFileSync('terraform', ['version'], { stdio: 'ignore' });
  } catch {
    return 'terraform is not on this machine, and no package registry has it';
  }
  return providerFolder() === undefined ? `terraform's provider for AWS is not in ${mirror}` : undefined;
}

function providerFolder(): string | undefined {
  if (!existsSync(versions)) return undefined;
  const folders = readdirSync(versions).flatMap((version) =>
    readdirSync(join(versions, version)).map((platform) => join(versions, version, platform)),
  );
  const platform = `${process.platform}_${process.arch === 'x64' ? 'amd64' : process.arch}`;
  return folders.find((folder) => folder.endsWith(platform));
}

const cache = fileURLToPath(new URL('../../.cache/templates', import.meta.url));

/** Settings under which the provider is taken from its folder, without `init` and without a network. */
function settingsFile(): string {
  const file = join(cache, 'terraform.rc');
  mkdirSync(cache, { recursive: true });
  const folder = JSON.stringify(providerFolder());
  writeFileSync(
    file,
    `provider_installation {\n  dev_overrides {\n    "hashicorp/aws" = ${folder}\n  }\n}\n`,
  );
  return file;
}

/**
 * Runs Terraform in the module of a project.
 *
 * @param dir the project's folder
 */
export async function runTerraform(
  dir: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly exitCode: number | undefined; readonly stdout: string; readonly all: string }> {
  const { exitCode, stdout, all } = await execa('terraform', [...args], {
    cwd: join(dir, 'infra'),
    env: { TF_CLI_CONFIG_FILE: settingsFile(), TF_IN_AUTOMATION: '1', CHECKPOINT_DISABLE: '1', ...env },
    reject: false,
    all: true,
  });
  return { exitCode, stdout, all: all ?? '' };
}
