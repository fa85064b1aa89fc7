import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { UserError } from '../errors.ts';
import { execa } from '../exec.ts';

/** The Node or Python that runs the functions of a project here. */
export interface Interpreter {
  /** Absolute. */
  readonly executable: string;
  /** `20.20.2` */
  readonly version: string;
  /** One sentence, when the project's Lambda runtime is another version; to be shown. */
  readonly difference?: string;
}

type Version = readonly [major: number, minor: number];

const nodeFloor: Version = [20, 19];
const pythonFloor: Version = [3, 10];

/**
 * `LAMBDAPG_NODE_BIN`, otherwise the Node that runs lambdapg.
 *
 * @param runtime Lambda's name of the project's runtime: `nodejs24.x`
 * @throws UserError NODE_NOT_FOUND, NODE_TOO_OLD
 */
export async function findNode(context: Context, runtime: string): Promise<Interpreter> {
  const chosen = context.env.LAMBDAPG_NODE_BIN;
  if (!chosen) return checked('Node', process.execPath, process.versions.node, runtime, nodeFloor);
  const found = await ask(context, [chosen, '-p', askNode]);
  if (found === undefined) {
    throw new UserError('NODE_NOT_FOUND', `LAMBDAPG_NODE_BIN is no Node that runs: ${chosen}`, {
      suggestions: ['set LAMBDAPG_NODE_BIN to the path of a node executable, or unset it'],
    });
  }
  return checked('Node', found.executable, found.version, runtime, nodeFloor);
}

/**
 * `LAMBDAPG_PYTHON_BIN`, otherwise the project's `.venv`, otherwise the newest Python on the path that is not newer
 * than the project's runtime, otherwise whatever `python3` is.
 *
 * @param runtime Lambda's name of the project's runtime: `python3.13`
 * @param projectDir absolute
 * @throws UserError PYTHON_NOT_FOUND, PYTHON_TOO_OLD
 */
export async function findPython(
  context: Context,
  runtime: string,
  projectDir: string,
): Promise<Interpreter> {
  const chosen = context.env.LAMBDAPG_PYTHON_BIN;
  const candidates = chosen ? [[chosen]] : pythonCandidates(projectDir);
  let tooOld: UserError | undefined;
  for (const candidate of candidates) {
    const found = await ask(context, [...candidate, '-c', askPython]);
    if (found === undefined) continue;
    try {
      return checked('Python', found.executable, found.version, runtime, pythonFloor);
    } catch (error) {
      if (chosen || !(error instanceof UserError)) throw error;
      tooOld ??= error;
    }
  }
  if (tooOld !== undefined) throw tooOld;
  throw noPython(runtime, chosen);
}

const askNode = '[process.execPath, process.versions.node].join("\\n")';
const askPython = 'import sys; print(sys.executable); print("%d.%d.%d" % sys.version_info[:3])';

function pythonCandidates(projectDir: string): string[][] {
  const venv = [
    join(projectDir, '.venv', 'bin', 'python'),
    join(projectDir, '.venv', 'Scripts', 'python.exe'),
  ];
  const names = ['python3.13', 'python3.14', 'python3.12', 'python3.11', 'python3.10', 'python3'];
  return [
    ...venv.filter((file) => existsSync(file)).map((file) => [file]),
    ...(process.platform === 'win32' ? [['py', '-3'], ['python']] : names.map((name) => [name])),
  ];
}

/** undefined: it is not there, or it does not run (a pyenv shim of a version that is not installed). */
async function ask(
  context: Context,
  command: readonly string[],
): Promise<{ readonly executable: string; readonly version: string } | undefined> {
  const [file = '', ...args] = command;
  const { stdout, failed } = await execa(file, args, {
    reject: false,
    timeout: 10_000,
    stdin: 'ignore',
    env: { ...context.env },
    extendEnv: false,
  });
  const [executable, version] = stdout?.split(/\r?\n/) ?? [];
  return failed || !executable || !version ? undefined : { executable, version };
}

function checked(
  name: 'Node' | 'Python',
  executable: string,
  version: string,
  runtime: string,
  floor: Version,
): Interpreter {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < floor[0] || (major === floor[0] && minor < floor[1])) {
    throw new UserError(
      `${name.toUpperCase()}_TOO_OLD`,
      `${executable} is ${name} ${version}, and ${floor.join('.')} is the oldest that works`,
      {
        suggestions: [`install a newer ${name}, or set LAMBDAPG_${name.toUpperCase()}_BIN to one`],
      },
    );
  }
  const wanted = runtime.match(/(\d+(?:\.\d+)?)(?:\.x)?$/)?.[1] ?? '';
  const here = name === 'Node' ? String(major) : `${major}.${minor}`;
  if (wanted === here) return { executable, version };
  const difference = `functions run on ${name} ${version} here and on ${wanted} (${runtime}) on Lambda`;
  return { executable, version, difference };
}

function noPython(runtime: string, chosen: string | undefined): UserError {
  const wanted = runtime.replace(/^python/, '');
  const message = chosen
    ? `LAMBDAPG_PYTHON_BIN is no Python that runs: ${chosen}`
    : `no Python ${pythonFloor.join('.')} or newer found for the runtime ${runtime}`;
  return new UserError('PYTHON_NOT_FOUND', message, {
    suggestions: [
      `install Python ${wanted} (https://www.python.org/downloads, "brew install python@${wanted}" or your package manager)`,
      'or set LAMBDAPG_PYTHON_BIN to the path of one',
    ],
  });
}
