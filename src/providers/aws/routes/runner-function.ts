import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from '../../../context.ts';

/**
 * What the runner is made of, for the steps that create it. It needs to log and to have network interfaces, and nothing else: no
 * secret, no database permission, no other service.
 */
export const runnerFunction = {
  handler: 'index.handler',
  runtime: 'nodejs22.x',
  architecture: 'arm64',
  /** A little more than half a vCPU: a seed is parsed and compressed here. */
  memoryMb: 1024,
  /** Lambda's longest: a migration may build an index. */
  timeoutSeconds: 900,
  /** For seeds in /tmp; beyond 512 MB billed only while it runs. */
  ephemeralStorageMb: 2048,
} as const;

/** The folder that is zipped as it stands: one self-contained file, `index.mjs`. */
export function runnerCodeDir({ packageDir }: Pick<Context, 'packageDir'>): string {
  return join(packageDir, 'dist', 'runner');
}

/** The same for the function by which an engine migrates and seeds; the runner's until it is built. */
export function schemaCodeDir({ packageDir }: Pick<Context, 'packageDir'>): string {
  const dir = join(packageDir, 'dist', 'schema');
  return existsSync(dir) ? dir : runnerCodeDir({ packageDir });
}
