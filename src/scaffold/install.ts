import { access, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { errorCode, UserError } from '../errors.ts';
import { execa } from '../exec.ts';
import type { PackageManager } from '../project/config-schema.ts';

interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/** How each package manager installs what a manifest names. */
export const installCommands: Readonly<Record<PackageManager, Command>> = {
  npm: { file: 'npm', args: ['install', '--no-audit', '--no-fund', '--loglevel=error'] },
  pnpm: { file: 'pnpm', args: ['install'] },
  yarn: { file: 'yarn', args: ['install'] },
  bun: { file: 'bun', args: ['install'] },
};

/**
 * Installs a project's Node packages. When that fails or is interrupted, what it had half-installed is removed, and the
 * project's own files stay.
 *
 * @throws UserError INSTALL_FAILED with the package manager's last words, NO_PACKAGE_MANAGER; the signal's reason
 */
export async function installPackages(
  context: Context,
  directory: string,
  manager: PackageManager,
): Promise<void> {
  const before = await exists(join(directory, 'node_modules'));
  try {
    await runInstall(context, directory, installCommands[manager]);
  } catch (error) {
    if (!before) await rm(join(directory, 'node_modules'), { recursive: true, force: true });
    throw error;
  }
}

/** Makes `.venv` with `python` (absolute) and installs `requirements-dev.txt` into it. */
export async function installPythonPackages(
  context: Context,
  directory: string,
  python: string,
): Promise<void> {
  const venv = join(directory, '.venv');
  const before = await exists(venv);
  const inVenv =
    process.platform === 'win32' ? join(venv, 'Scripts', 'python.exe') : join(venv, 'bin', 'python');
  try {
    if (!before) await makeVenv(context, directory, python);
    const args = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '-r',
      'requirements-dev.txt',
    ];
    await runInstall(context, directory, { file: inVenv, args });
  } catch (error) {
    if (!before) await rm(venv, { recursive: true, force: true });
    throw error;
  }
}

async function makeVenv(context: Context, directory: string, python: string): Promise<void> {
  try {
    await runInstall(context, directory, { file: python, args: ['-m', 'venv', '.venv'] });
  } catch (error) {
    if (!(error instanceof UserError) || !/ensurepip|No module named/.test(error.message)) throw error;
    throw new UserError(
      'NO_VENV',
      `${python} cannot make a virtual environment: its venv module is not installed`,
      {
        suggestions: [
          'apt install python3-venv (Debian, Ubuntu)',
          'or set LAMBDAPG_PYTHON_BIN to another Python',
        ],
        cause: error,
      },
    );
  }
}

async function runInstall(context: Context, directory: string, command: Command): Promise<void> {
  const words = [command.file, ...command.args].join(' ');
  const result = await execa(command.file, command.args, {
    cwd: directory,
    all: true,
    stdin: 'ignore',
    reject: false,
    cancelSignal: context.signal,
  });
  context.signal.throwIfAborted();
  if (!result.failed) return;
  if (errorCode(result) === 'ENOENT' || errorCode(result.cause) === 'ENOENT') {
    throw new UserError('NO_PACKAGE_MANAGER', `${command.file} is not on the PATH`, {
      suggestions: [
        `install ${command.file}`,
        'or choose another with --package-manager',
        'or install later with --no-install',
      ],
      cause: result,
    });
  }
  const lastWords = result.all.split('\n').slice(-15).join('\n').trim();
  throw new UserError('INSTALL_FAILED', `"${words}" failed in ${directory}\n${lastWords}`, {
    suggestions: [`the project's files are complete: run "${words}" there again`],
    cause: result,
  });
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
