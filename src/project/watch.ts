import { statSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { relative } from 'node:path';
import { watch as watchFiles } from 'chokidar';
import type { Context } from '../context.ts';
import { errorMessage } from '../errors.ts';
import type { Bundle, Bundler } from './bundle.ts';

/** A function whose source is watched. */
export interface WatchedFunction {
  readonly functionName: string;
  /** Node: what builds it, and the bundle that is served now. Absent: served as it stands (Python). */
  readonly bundled?: { readonly bundler: Bundler; readonly bundle: Bundle };
}

export interface ProjectWatch {
  close(): Promise<void>;
}

/** Called for each function whose code is new; `bundle` is absent where nothing is built. */
export type OnCodeChange = (functionName: string, bundle: Bundle | undefined) => void;

/** Made by tools or by lambdapg itself; a change there is no change of the function. */
const ignoredFolders = new Set([
  'node_modules',
  '.git',
  '.lambdapg',
  '.venv',
  'venv',
  '__pycache__',
  '.pytest_cache',
  '.mypy_cache',
  '.ruff_cache',
  'dist',
  'coverage',
  'cdk.out',
  '.serverless',
  '.terraform',
]);

/** Editors write a file in several steps, and a branch switch many files. */
const settleMs = 20;

/**
 * chokidar drops a change that follows another of the same file within 50 ms (a formatter on save): a look this
 * long after finds it.
 */
const lookAgainMs = 60;

/**
 * Watches a project's files; rebuilds what a change concerns and tells of it. A build error is reported as
 * `build-failed`, and the last good bundle stays in its place.
 *
 * @param projectDir absolute
 */
export async function watchProject(
  context: Context,
  projectDir: string,
  functions: readonly WatchedFunction[],
  onChange: OnCodeChange,
): Promise<ProjectWatch> {
  // As the bundler names its inputs: macOS' temporary folders, for one, are behind a link.
  const root = await realpath(projectDir);
  const watched = functions.map((fn) => ({
    ...fn,
    inputs: new Set(fn.bundled?.bundle.inputs ?? []),
    broken: false,
  }));
  const outside = watched.flatMap(({ inputs }) =>
    [...inputs].filter((input) => relative(root, input).startsWith('..')),
  );
  let working = Promise.resolve();
  const changes = collectChanges((paths) => {
    working = working.then(async () => {
      for (const fn of watched) if (concerns(fn, paths)) await rebuild(context, fn, onChange);
    });
  });
  const watcher = watchFiles([root, ...outside], {
    ignoreInitial: true,
    ignored: (path) => isIgnored(relative(root, path)),
  });
  watcher.on('all', (_event, path) => changes.add(path));
  await new Promise<void>((resolve) => {
    watcher.once('ready', resolve);
  });
  return {
    close: async () => {
      changes.close();
      await watcher.close();
      await working;
      await Promise.all(watched.map((fn) => fn.bundled?.bundler.dispose()));
    },
  };
}

function isIgnored(path: string): boolean {
  return path.split(/[\\/]/).some((part) => ignoredFolders.has(part));
}

/** Gathers changes until they settle, and looks at each changed file once more a moment later. */
function collectChanges(settled: (paths: readonly string[]) => void) {
  const changed = new Set<string>();
  const looks = new Set<NodeJS.Timeout>();
  let timer: NodeJS.Timeout | undefined;
  const add = (path: string) => {
    changed.add(path);
    clearTimeout(timer);
    timer = setTimeout(settle, settleMs);
  };
  const settle = () => {
    const seen = [...changed].map((path) => ({ path, before: stamp(path) }));
    changed.clear();
    settled(seen.map(({ path }) => path));
    const look = setTimeout(() => {
      looks.delete(look);
      for (const { path, before } of seen) if (stamp(path) !== before) add(path);
    }, lookAgainMs);
    looks.add(look);
  };
  const close = () => {
    clearTimeout(timer);
    for (const look of looks) clearTimeout(look);
  };
  return { add, close };
}

/** Differs when a file was written, made or removed in between. */
function stamp(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? 'gone' : `${stats.mtimeMs} ${stats.size} ${stats.ino}`;
}

interface Watched extends WatchedFunction {
  inputs: ReadonlySet<string>;
  /** The last build failed: any change may be the cure, a file that was missing included. */
  broken: boolean;
}

function concerns(fn: Watched, paths: readonly string[]): boolean {
  if (fn.bundled === undefined) return paths.some((path) => path.endsWith('.py'));
  return fn.broken || paths.some((path) => fn.inputs.has(path));
}

async function rebuild(context: Context, fn: Watched, onChange: OnCodeChange): Promise<void> {
  const { functionName, bundled } = fn;
  if (bundled === undefined) {
    onChange(functionName, undefined);
    return;
  }
  const startedAt = performance.now();
  try {
    const bundle = await bundled.bundler.build();
    fn.inputs = new Set(bundle.inputs);
    fn.broken = false;
    const ms = performance.now() - startedAt;
    const message = `${functionName} built: ${(bundle.bytes / 1024).toFixed(1)} KB in ${Math.round(ms)} ms`;
    context.report({ type: 'build', message, function: functionName, bytes: bundle.bytes, durationMs: ms });
    onChange(functionName, bundle);
  } catch (error) {
    fn.broken = true;
    context.report({ type: 'build-failed', message: errorMessage(error), function: functionName });
  }
}
