import { once } from 'node:events';
import { delimiter, join } from 'node:path';
import type { Context } from '../context.ts';
import { exitCodes, UserError } from '../errors.ts';
import { spawnProcess } from '../exec.ts';
import type { Dev } from './dev.ts';
import { functionEnvironment } from './function-environment.ts';

/**
 * Runs a command beside a served project, with the project's own programs first on its PATH, and waits for its end.
 * It gets `API_URL` and the database settings that the functions have. Its terminal is the caller's.
 *
 * @returns its exit code; 128 + the signal's number when a signal ended it, as a shell has it
 * @throws UserError COMMAND_NOT_FOUND; the context's reason when aborted
 */
export async function runBeside(
  context: Context,
  dev: Dev,
  projectDir: string,
  [file, ...args]: readonly [string, ...string[]],
): Promise<number> {
  const { database } = dev;
  const bins = [
    join(projectDir, '.venv', 'bin'),
    join(projectDir, '.venv', 'Scripts'),
    join(projectDir, 'node_modules', '.bin'),
  ];
  const child = spawnProcess(file, args, {
    cwd: projectDir,
    stdio: 'inherit',
    shell: process.platform === 'win32',
    env: {
      ...context.env,
      ...(await functionEnvironment(database.app, database.caFile)),
      API_URL: dev.url,
      PATH: [...bins, context.env.PATH ?? ''].join(delimiter),
    },
  });
  const abort = (): void => void child.kill('SIGTERM');
  context.signal.addEventListener('abort', abort);
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    context.signal.throwIfAborted();
    return code ?? (signal === 'SIGKILL' ? 137 : 143);
  } catch (error) {
    context.signal.throwIfAborted();
    throw new UserError('COMMAND_NOT_FOUND', `cannot run "${file}"`, {
      exit: exitCodes.usage,
      suggestions: ['the project’s packages may not be installed yet: npm install'],
      cause: error,
    });
  } finally {
    context.signal.removeEventListener('abort', abort);
  }
}
