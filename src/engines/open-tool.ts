import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { satisfies } from 'semver';
import type { Context } from '../context.ts';
import { UserError } from '../errors.ts';
import { execa } from '../exec.ts';
import type { PackageManager } from '../project/config-schema.ts';
import type { Project } from '../project/find-project.ts';
import type { EngineStage, Tool, ToolCall, ToolSpec } from './tool.ts';

export interface ToolOptions {
  /** What the tool prints on standard output goes to standard error: ours is for JSON. */
  readonly printToStderr: boolean;
  /** Ctrl-C on a terminal reaches the tool by itself, and a second one would make it break off. */
  readonly hasTerminal: boolean;
}

/**
 * Finds an engine's program and looks at its version.
 *
 * @throws UserError ENGINE_TOOL_MISSING, ENGINE_TOOL_VERSION: both say what to run; ENGINE_FILES_MISSING
 */
export async function openTool(
  context: Context,
  project: Project,
  spec: ToolSpec,
  stage: EngineStage,
  options: ToolOptions,
): Promise<Tool> {
  // A folder that is missing looks to a spawn like a program that is missing.
  if (!existsSync(join(project.dir, spec.folder))) {
    throw new UserError(
      'ENGINE_FILES_MISSING',
      `${spec.folder}, where ${spec.file} works, is not in ${project.dir}`,
    );
  }
  const settings = {
    cwd: join(project.dir, spec.folder),
    env: toolEnvironment(context.env, spec, stage),
    extendEnv: false,
    reject: false,
    preferLocal: true,
    localDir: project.dir,
  } as const;
  const version = await verifyVersion(project, spec, () =>
    execa(spec.file, spec.versionArgs, { ...settings, stdin: 'ignore', all: true }),
  );
  const withEnv = (env: ToolCall['env']) => ({ ...settings, env: { ...settings.env, ...env } });
  const own = options.printToStderr ? 2 : ('inherit' as const);
  return {
    version,
    async run(args, { env, accept = [0], suggestions = [] } = {}) {
      context.signal.throwIfAborted();
      const stdin = options.hasTerminal ? ('inherit' as const) : ('ignore' as const);
      const child = execa(spec.file, args, { ...withEnv(env), stdio: [stdin, own, 'inherit'] });
      const exitCode = await untilEnd(context, child, options);
      if (!accept.includes(exitCode)) throw engineFailed(spec, args, exitCode, suggestions);
      return exitCode;
    },
    async show(args, { env } = {}) {
      context.signal.throwIfAborted();
      const stdio = ['ignore', [own, 'pipe'], ['inherit', 'pipe']] as const;
      const child = execa(spec.file, args, { ...withEnv(env), stdio, all: true });
      const exitCode = await untilEnd(context, child, options);
      const { stdout, all } = await child;
      return { exitCode, stdout: String(stdout), all: String(all) };
    },
    async read(args, { env } = {}) {
      context.signal.throwIfAborted();
      const child = execa(spec.file, args, { ...withEnv(env), stdin: 'ignore', all: true });
      const exitCode = await untilEnd(context, child, options);
      const { stdout, all } = await child;
      return { exitCode, stdout, all };
    },
  };
}

interface Running extends PromiseLike<{ readonly exitCode?: number | undefined }> {
  kill(signal: 'SIGINT'): boolean;
}

/** Ctrl-C is the tool's: it is waited for while it puts its things in order. @returns its exit code */
async function untilEnd({ signal }: Context, child: Running, { hasTerminal }: ToolOptions): Promise<number> {
  const interrupt = (): void => {
    if (!hasTerminal) child.kill('SIGINT');
  };
  signal.addEventListener('abort', interrupt);
  try {
    const { exitCode = 1 } = await child;
    signal.throwIfAborted();
    return exitCode;
  } finally {
    signal.removeEventListener('abort', interrupt);
  }
}

/** The region and account that lambdapg itself works in, whatever the tool would choose. */
function toolEnvironment(
  env: Context['env'],
  { environment }: ToolSpec,
  stage: EngineStage,
): Record<string, string> {
  const own = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  if (stage.profile !== undefined) {
    // A profile that is named wins over keys in the environment here, and nowhere else.
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN']) delete own[name];
    own.AWS_PROFILE = stage.profile;
  }
  // AWS CLI 1 knows the second name alone.
  return { ...own, AWS_REGION: stage.region, AWS_DEFAULT_REGION: stage.region, ...environment?.(stage) };
}

interface Printed {
  readonly failed: boolean;
  readonly code?: string | undefined;
  readonly all?: string | undefined;
}

async function verifyVersion(project: Project, spec: ToolSpec, ask: () => Promise<Printed>): Promise<string> {
  const { file, readVersion, range, refused } = spec;
  const { failed, code, all = '' } = await ask();
  const suggestions = installSuggestions(project, spec);
  if (failed) {
    const said = code === 'ENOENT' ? '' : `: ${all.trim().split('\n').slice(-3).join('\n')}`;
    const message = `${file}, by which this project is deployed, does not run here${said}`;
    throw new UserError('ENGINE_TOOL_MISSING', message, { suggestions });
  }
  const version = readVersion(all);
  const wrong = (is: string, why = `this project takes ${file} ${range}`): UserError =>
    new UserError('ENGINE_TOOL_VERSION', `${file} is ${is}: ${why}`, { suggestions });
  if (version === undefined) throw wrong(`another program (${all.trim().split('\n')[0]})`);
  const why = refused?.[version];
  if (why !== undefined) throw wrong(version, `${why}; ${range} is taken`);
  if (!satisfies(version, range)) throw wrong(version);
  return version;
}

const addCommands: Readonly<Record<PackageManager, string>> = {
  npm: 'npm install --save-dev',
  pnpm: 'pnpm add --save-dev',
  yarn: 'yarn add --dev',
  bun: 'bun add --dev',
};

function installSuggestions({ config }: Project, { npmPackage, install, range }: ToolSpec): string[] {
  if (npmPackage === undefined) return [...install];
  return [
    `${config.packageManager} install, in the project, when its package.json names ${npmPackage}`,
    `${addCommands[config.packageManager]} "${npmPackage}@${range}"`,
    ...install,
  ];
}

function engineFailed(
  { file }: ToolSpec,
  args: readonly string[],
  exitCode: number,
  suggestions: readonly string[],
): UserError {
  const options = args.findIndex((arg) => arg.startsWith('-'));
  const called = [file, ...(options === -1 ? args : args.slice(0, options))].join(' ');
  return new UserError(
    'ENGINE_FAILED',
    `${called} ended with exit code ${exitCode}; its own words are above`,
    {
      suggestions: [
        'the same command goes on where this one stopped, once the cause is gone',
        ...suggestions,
      ],
    },
  );
}
