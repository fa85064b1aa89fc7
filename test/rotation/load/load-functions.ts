import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { LocalFunction } from '../../../src/local/lambda/local-function.ts';
import { pythonOfTests } from '../../runtime/driver.ts';

/** What a function does with its login; all but `module` are Node's alone. */
export type LoadClient = 'module' | 'environment' | 'start' | 'cached' | 'cached-retry';

export interface LoadFunction {
  readonly title: string;
  readonly language?: 'node' | 'python';
  /** `module` unless told. */
  readonly client?: LoadClient;
  /** Of `cached`: how long a login is kept, in milliseconds. */
  readonly cacheMs?: number;
  /** What else is in its environment. */
  readonly variables?: Readonly<Record<string, string>>;
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const runtimes = fileURLToPath(new URL('../../../templates/runtime-python', import.meta.url));
const require = "import{createRequire}from'node:module';const require=createRequire(import.meta.url);";

/** Puts the code of both languages into a folder. */
export async function writeLoadCode(codeDir: string): Promise<void> {
  await mkdir(codeDir);
  await copyFile(here('python_handler.py'), join(codeDir, 'python_handler.py'));
  await build({
    entryPoints: [here('node-handler.ts')],
    outfile: join(codeDir, 'index.mjs'),
    ...{ bundle: true, platform: 'node', format: 'esm', target: 'node20', logLevel: 'warning' },
    ...{ external: ['pg-native'], banner: { js: require } },
  });
}

/** What all functions have in common. */
export interface FunctionPlace {
  readonly codeDir: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Most environments of one function. */
  readonly environments: number;
}

export function localFunction(
  { title: name, language = 'node', client = 'module', cacheMs = 0, variables = {} }: LoadFunction,
  { codeDir, environment, environments }: FunctionPlace,
): LocalFunction {
  const own = {
    node: { runtime: 'nodejs24.x', executable: process.execPath, handler: 'index.handler' },
    python: { runtime: 'python3.13', executable: pythonOfTests, handler: 'python_handler.handler' },
  }[language];
  return {
    ...{ name, language, ...own, codeDir, routes: [] },
    // A machine that is busy must not be taken for a rotation that fails.
    ...{ timeoutMs: 20_000, memoryMb: 512, reservedConcurrency: environments },
    environment: {
      ...{ ...environment, LOAD_CLIENT: client, LOAD_CACHE_MS: String(cacheMs) },
      ...(language === 'python' && { PYTHONPATH: runtimes, PYTHONDONTWRITEBYTECODE: '1' }),
      ...variables,
    },
  };
}
