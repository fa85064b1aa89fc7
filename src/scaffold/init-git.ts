import type { Context } from '../context.ts';
import { execa } from '../exec.ts';

/** `git init`, unless `directory` lies in a repository already or there is no git. Says which it was. */
export async function initGit(
  context: Context,
  directory: string,
): Promise<'initialised' | 'inside a repository' | 'no git'> {
  const options = { cwd: directory, reject: false, stdin: 'ignore', cancelSignal: context.signal } as const;
  const inside = await execa('git', ['rev-parse', '--is-inside-work-tree'], options);
  if (!inside.failed) return 'inside a repository';
  const made = await execa('git', ['init', '--quiet'], options);
  context.signal.throwIfAborted();
  return made.failed ? 'no git' : 'initialised';
}
