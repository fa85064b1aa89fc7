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
