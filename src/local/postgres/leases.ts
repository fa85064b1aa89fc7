import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identifyProcess, isRunning } from './process-identity.ts';

/**
 * Who uses a server: one file `<pid>-<n>` per user, so that the last one out stops it. All calls are synchronous, for
 * the second Ctrl-C.
 */
export interface Lease {
  release(): void;
}

let taken = 0;

export function takeLease(usersDir: string): Lease {
  mkdirSync(usersDir, { recursive: true });
  taken += 1;
  const file = join(usersDir, `${process.pid}-${taken}`);
  writeFileSync(file, identifyProcess(process.pid).startTicks ?? '');
  return { release: () => rmSync(file, { force: true }) };
}

/** Process ids of the live users; the leases of dead ones are removed on the way. */
export function findUsers(usersDir: string): number[] {
  const users: number[] = [];
  for (const name of list(usersDir)) {
    const pid = Number.parseInt(name, 10);
    const file = join(usersDir, name);
    const startTicks = readText(file);
    if (startTicks !== undefined && isRunning({ pid, ...(startTicks && { startTicks }) })) users.push(pid);
    else rmSync(file, { force: true });
  }
  return users;
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
