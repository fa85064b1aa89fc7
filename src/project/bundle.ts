import { randomUUID } from 'node:crypto';
import { mkdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { BuildContext, BuildOptions, BuildResult, Message } from 'esbuild';
import { UserError } from '../errors.ts';

/** One Node function to bundle. */
export interface BundleSource {
  /** Absolute. */
  readonly projectDir: string;
  readonly functionName: string;
  /** As in `lambdapg.json`: the source file without its extension, a dot, the export: `src/api.handler`. */
  readonly handler: string;
  /** Lambda's name of the runtime: `nodejs24.x`. */
  readonly runtime: string;
  readonly minify?: boolean;
}

export interface Bundle {
  /** Absolute: what goes to Lambda as /var/task. */
  readonly codeDir: string;
  /** `index.handler` */
  readonly handler: string;
  /** Of `index.mjs`, without its source map. */
  readonly bytes: number;
  /** Absolute paths of the project's own files that went in. */
  readonly inputs: readonly string[];
}

/** Bundles a function again and again, each time faster than the first. */
export interface Bundler {
  /** @throws UserError BUILD_FAILED with file, line, column and caret; the last good bundle stays in its place */
  build(): Promise<Bundle>;
  dispose(): Promise<void>;
}

/** CommonJS packages in an ES module ask for `require`; Lambda's Node has none there. */
const banner =
  "import { createRequire as lambdapgCreateRequire } from 'node:module';\nconst require = lambdapgCreateRequire(import.meta.url);";

/**
 * Bundles a function once, exactly as `lambdapg dev` does: the same file is served here and deployed there.
 *
 * @throws UserError BUILD_FAILED
 */
export async function bundleFunction(source: BundleSource): Promise<Bundle> {
  const bundler = await startBundler(source);
  try {
    return await bundler.build();
  } finally {
    await bundler.dispose();
  }
}

/** Starts a bundler for one function; nothing is built yet. */
export async function startBundler(source: BundleSource): Promise<Bundler> {
  // Loaded late: `--help` and most commands need no bundler.
  const esbuild = await import('esbuild');
  // esbuild names the files that it read by their real paths.
  const projectDir = await realpath(source.projectDir);
  const outdir = join(projectDir, '.lambdapg', 'build', source.functionName);
  const { file, exported } = splitHandler(source.handler);
  const context: BuildContext<BuildOptions> = await esbuild.context(
    buildOptions(source, projectDir, file, outdir),
  );
  return {
    build: async () => {
      const result = await rebuild(context, source);
      const bytes = await writeOutputs(result, outdir);
      return {
        codeDir: outdir,
        handler: `index.${exported}`,
        bytes,
        inputs: ownInputs(result, projectDir),
      };
    },
    dispose: () => context.dispose(),
  };
}

/** `src/api.handler`: the file without its extension, and the export. */
function splitHandler(handler: string): { readonly file: string; readonly exported: string } {
  const dot = handler.lastIndexOf('.');
  return { file: handler.slice(0, dot), exported: handler.slice(dot + 1) };
}

function buildOptions(source: BundleSource, projectDir: string, file: string, outdir: string): BuildOptions {
  return {
    absWorkingDir: projectDir,
    entryPoints: { index: `./${file}` },
    outdir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: `node${source.runtime.match(/\d+/)?.[0] ?? '22'}`,
    // The SDK is part of Lambda's runtime; pg-native is an optional addon of pg that nobody installs here.
    external: ['@aws-sdk/*', 'pg-native'],
    mainFields: ['module', 'main'],
    banner: { js: banner },
    minify: source.minify ?? false,
    // Lambda tells an error's class by its name.
    keepNames: source.minify ?? false,
    sourcemap: true,
    sourcesContent: false,
    metafile: true,
    write: false,
    logLevel: 'silent',
  };
}

async function rebuild(context: BuildContext<BuildOptions>, source: BundleSource): Promise<BuildResult> {
  try {
    return await context.rebuild();
  } catch (error) {
    const errors = (error as { errors?: readonly Message[] }).errors ?? [];
    if (errors.length === 0) throw error;
    throw new UserError('BUILD_FAILED', explainBuildErrors(source.functionName, errors), { cause: error });
  }
}

/** All of esbuild's errors, each with file, line, column, the line itself and a caret under the fault. */
export function explainBuildErrors(functionName: string, errors: readonly Message[]): string {
  const explained = errors.map(({ text, location, notes }) => {
    const more = notes.map((note) => `\n  note: ${note.text}`).join('');
    if (location === null) return `${text}${more}`;
    const { file, line, column, lineText, length } = location;
    // Tabs stay tabs, so that the caret stands under its character.
    const indent = lineText.slice(0, column).replace(/[^\t]/g, ' ');
    const caret = '^'.repeat(Math.max(1, Math.min(length, lineText.length - column)));
    return `${file}:${line}:${column + 1}: ${text}\n  ${lineText}\n  ${indent}${caret}${more}`;
  });
  return `${functionName} does not build\n${explained.join('\n')}`;
}

/** Each file appears complete or not at all: an environment may be loading the old one. The map first, then the code. */
async function writeOutputs(result: BuildResult, outdir: string): Promise<number> {
  await mkdir(outdir, { recursive: true });
  const files = [...(result.outputFiles ?? [])].sort((a) => (a.path.endsWith('.map') ? -1 : 1));
  for (const { path, contents } of files) {
    const unchanged = await readFile(path).then(
      (old) => old.equals(contents),
      () => false,
    );
    if (unchanged) continue;
    await mkdir(dirname(path), { recursive: true });
    // A `dev` and a `deploy`, or two of them, may be writing at once.
    const staging = `${path}.${randomUUID().slice(0, 8)}.new`;
    await writeFile(staging, contents);
    await rename(staging, path);
  }
  return files.find(({ path }) => path === join(outdir, 'index.mjs'))?.contents.length ?? 0;
}

function ownInputs(result: BuildResult, projectDir: string): string[] {
  // Most of them are packages' files, named relative to the project: looked at before any path is resolved.
  return Object.keys(result.metafile?.inputs ?? {})
    .filter((input) => !`/${input}`.includes('/node_modules/'))
    .map((input) => resolve(projectDir, input));
}
