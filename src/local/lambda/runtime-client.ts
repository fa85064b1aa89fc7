import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LocalFunction } from './local-function.ts';

/** The arguments that make a function's executable its runtime: a script and what it needs. */
export type RuntimeClient = (fn: LocalFunction) => readonly string[];

/** lambdapg's own runtime clients: beside this file in the source, beside the bundle in the package. */
export function ownRuntimeClient(packageDir: string): RuntimeClient {
  const folder = import.meta.url.endsWith('.ts')
    ? fileURLToPath(new URL('./runtime-clients', import.meta.url))
    : join(packageDir, 'dist', 'runtime-clients');
  return (fn) => [join(folder, fn.language === 'node' ? 'node.mjs' : 'python.py')];
}

/**
 * Node gets the heap limits that Lambda's bootstrap gives it, a tenth of the memory for the young generation and the
 * rest for the old one, unless the function sets its own in NODE_OPTIONS.
 */
export function runtimeArguments(fn: LocalFunction, client: RuntimeClient): readonly string[] {
  const ownLimits = /--max[-_](old|semi)[-_]space[-_]size/.test(fn.environment.NODE_OPTIONS ?? '');
  if (fn.language !== 'node' || ownLimits) return client(fn);
  const youngMb = Math.floor(fn.memoryMb / 10);
  const semiMb = Math.max(1, Math.floor(youngMb / 2));
  return [`--max-old-space-size=${fn.memoryMb - youngMb}`, `--max-semi-space-size=${semiMb}`, ...client(fn)];
}
