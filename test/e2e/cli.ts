import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { onTestFailed, onTestFinished } from 'vitest';

export const repository = fileURLToPath(new URL('../..', import.meta.url));
export const built = join(repository, 'bin/run.js');

export interface CliResult {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as JSON; throws when it is none. */
  readonly json: () => unknown;
}

/** Runs the built command line as a child process, off a terminal, with an environment of its own. */
export async function runCli(
  args: readonly string[],
  options: { cwd: string; env?: Record<string, string>; input?: string },
): Promise<CliResult> {
  const result = await execa(process.execPath, [built, ...args], {
    cwd: options.cwd,
    env: { ...plainEnvironment(), ...options.env },
    extendEnv: false,
    reject: false,
    ...(options.input === undefined ? { stdin: 'ignore' as const } : { input: options.input }),
  });
  const { exitCode, stdout, stderr } = result;
  if (exitCode !== 0)
    tellWhenTestFails(`lambdapg ${args.join(' ')} ended with ${exitCode}: ${stdout}\n${stderr}`);
  return { exitCode, stdout, stderr, json: () => JSON.parse(stdout) as unknown };
}

/** A test that fails on the output of a command shows why the command failed. */
function tellWhenTestFails(text: string): void {
  try {
    onTestFailed(() => console.error(text));
  } catch {
    // Outside of a test (a hook) there is nothing to hang it on.
  }
}

/** What a shell has, without what vitest and CI add. */
export function plainEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '', LANG = 'C.UTF-8' } = process.env;
  return { PATH, HOME, LANG, LAMBDAPG_CACHE_DIR: join(repository, '.cache/lambdapg') };
}

/** An empty folder, gone when the test is. */
export async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lambdapg-e2e-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
