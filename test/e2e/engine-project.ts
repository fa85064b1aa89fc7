import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type EngineBed, type EngineBedOptions, startEngineBed } from '../bed/engine-tools.ts';
import { built, type CliResult, repository, runCli } from './cli.ts';

/** A generated project with an engine, in front of a bed that the engine's own tool deploys to. */
export interface EngineProject {
  readonly engines: EngineBed;
  readonly dir: string;
  readonly env: Record<string, string>;
  /** The built command line in the project's folder; an object adds to its environment. */
  run(...args: (string | { readonly env: Record<string, string> })[]): Promise<CliResult>;
}

/**
 * For the present test.
 *
 * @param flags of `lambdapg init`
 */
export async function startEngineProject(
  flags: readonly string[],
  options: EngineBedOptions = {},
): Promise<EngineProject> {
  const engines = await startEngineBed(options);
  onTestFinished(() => engines.stop());
  const cwd = await mkdtemp(join(tmpdir(), 'lambdapg-e2e-'));
  onTestFinished(() => rm(cwd, { recursive: true, force: true }));
  const env = { ...engines.environment, ...engines.plane.environment };
  const made = await runCli(['init', 'shop', '--yes', '--no-install', '--no-git', ...flags], { cwd, env });
  if (made.exitCode !== 0) throw new Error(made.stderr);
  const dir = join(cwd, 'shop');
  await linkPackages(dir);
  return {
    ...{ engines, dir, env },
    run: (...args) => {
      const words = args.filter((arg) => typeof arg === 'string');
      const more = args.filter((arg) => typeof arg !== 'string').map((arg) => arg.env);
      return runCli(words, { cwd: dir, env: Object.assign({}, env, ...more) });
    },
  };
}

/** The repository's packages in place of installed ones, with lambdapg among them: cdk.json runs `npx lambdapg package`. */
export async function linkPackages(dir: string): Promise<void> {
  const [from, to] = [join(repository, 'node_modules'), join(dir, 'node_modules')];
  await mkdir(join(to, '.bin'), { recursive: true });
  for (const name of await readdir(from)) {
    if (!name.startsWith('.')) await symlink(join(from, name), join(to, name), 'junction');
  }
  for (const name of await readdir(join(from, '.bin')))
    await symlink(join(from, '.bin', name), join(to, '.bin', name));
  const shim = `#!/bin/sh\nexec '${process.execPath}' '${built}' "$@"\n`;
  await writeFile(join(to, '.bin/lambdapg'), shim, { mode: 0o755 });
  await symlink(join(repository, '.venv'), join(dir, '.venv'), 'junction');
}
