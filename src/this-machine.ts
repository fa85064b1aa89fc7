import { createHash } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import type { Context } from './context.ts';

/**
 * Names the place where a process id means one process: 16 hex. A host name alone does not (two laptops may share one),
 * two containers on the host's network share name and addresses, but not their process ids, and execution environments of
 * Lambda are copies of one machine down to those: each has a log stream of its own.
 */
export function thisMachine({ AWS_LAMBDA_LOG_STREAM_NAME: logStream = '' }: Context['env']): string {
  const addresses = Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ mac }) => mac));
  const parts = [hostname(), processNamespace(), logStream, ...new Set(addresses.sort())];
  return createHash('sha256').update(parts.join(' ')).digest('hex').slice(0, 16);
}

/** Linux has one for each container. */
function processNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
