import type { Context } from '../../context.ts';
import { UserError } from '../../errors.ts';
import { execa } from '../../exec.ts';
import type { ProjectConfig } from '../config-schema.ts';
import { findPython } from '../interpreters.ts';

/** What decides which wheels are wanted. */
export interface WheelTarget {
  /** Absolute. */
  readonly projectDir: string;
  /** `python3.13` */
  readonly runtime: ProjectConfig['runtime'];
  readonly architecture: ProjectConfig['architecture'];
}

const machines = { arm64: 'aarch64', x86_64: 'x86_64' } as const;

/** Newest first. Python 3.12 and later run on Amazon Linux 2023, whose glibc is 2.34. */
const manylinux = ['manylinux_2_34', 'manylinux_2_28', 'manylinux_2_17', 'manylinux2014'];

/**
 * Unpacks the wheels of a requirements file into `dir`: with uv where it is there, which is many times faster and knows the
 * markers of the target system (pip evaluates `sys_platform` here), else with pip.
 *
 * @throws UserError PIP_MISSING, WHEEL_MISSING, INSTALL_FAILED
 */
export async function runInstaller(
  context: Context,
  target: WheelTarget,
  requirements: string,
  dir: string,
): Promise<void> {
  const [file, ...args] = await findInstaller(context, target);
  const result = await run(context, [file, ...args, '--target', dir, '-r', requirements], target.projectDir);
  context.signal.throwIfAborted();
  if (result.failed) throw explainFailure(target, result.stderr);
}

type Command = readonly [file: string, ...args: string[]];

async function findInstaller(context: Context, target: WheelTarget): Promise<Command> {
  const { runtime, architecture, projectDir } = target;
  const machine = machines[architecture];
  const version = runtime.replace('python', '');
  if (!(await run(context, ['uv', '--version'], projectDir)).failed) {
    const platform = ['--python-platform', `${machine}-manylinux_2_28`, '--python-version', version];
    return ['uv', 'pip', 'install', '--quiet', ...platform, '--only-binary', ':all:'];
  }
  const options = [
    ...['install', '--quiet', '--disable-pip-version-check', '--no-input', '--no-compile'],
    ...['--implementation', 'cp', '--python-version', version, '--only-binary=:all:'],
    ...manylinux.flatMap((tag) => ['--platform', `${tag}_${machine}`]),
  ];
  const { executable } = await findPython(context, runtime, projectDir);
  for (const pip of [[executable, '-m', 'pip'], ['python3', '-m', 'pip'], ['pip3']] as [
    string,
    ...string[],
  ][]) {
    if (!(await run(context, [...pip, '--version'], projectDir)).failed) return [...pip, ...options];
  }
  throw new UserError(
    'PIP_MISSING',
    `neither uv nor pip is here to install requirements.txt (${executable})`,
    {
      suggestions: [
        `${executable} -m ensurepip --upgrade`,
        'or install uv: https://docs.astral.sh/uv/getting-started/installation',
      ],
    },
  );
}

function run(context: Context, [file, ...args]: Command, cwd: string) {
  return execa(file, args, {
    cwd,
    reject: false,
    stdin: 'ignore',
    env: { ...context.env },
    extendEnv: false,
    cancelSignal: context.signal,
  });
}

function explainFailure({ runtime, architecture }: WheelTarget, stderr: string): UserError {
  const missing =
    /No matching distribution found for ([^\s(]+)/.exec(stderr)?.[1] ??
    // uv: "Because psycopg-binary has no wheels with a matching platform tag", "… has no usable wheels"
    /([\w.-]+?)(?:[=<>!~]=?\S+)? has no (?:usable wheels|wheels with a matching|wheels are usable)/.exec(
      stderr,
    )?.[1];
  const tail = stderr.trim().split('\n').slice(-12).join('\n');
  if (missing === undefined)
    return new UserError('INSTALL_FAILED', `requirements.txt cannot be installed for ${runtime}\n${tail}`);
  const on = `${runtime} on Linux ${architecture}`;
  return new UserError('WHEEL_MISSING', `${missing} has no wheel for ${on}\n${tail}`, {
    suggestions: [
      'another version of it in requirements.txt',
      'or another "runtime" or "architecture" in lambdapg.json',
      'or look whether its name is spelled right and the package index can be reached',
    ],
  });
}
