import { readlinkSync, realpathSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identifyProcess, isRunning } from './process-identity.ts';

/** What `postmaster.pid` says; the lines are defined in PostgreSQL's `src/include/utils/pidfile.h`. */
export interface Postmaster {
  readonly pid: number;
  /** Undefined until the server has got that far. */
  readonly port: number | undefined;
  readonly status: 'starting' | 'stopping' | 'ready' | 'standby' | 'unknown';
}

const statuses = ['starting', 'stopping', 'ready', 'standby'] as const;

/** The postmaster that the data folder's lock file names, dead or alive; undefined without a (complete) file. */
export async function readPostmasterFile(dataDir: string): Promise<Postmaster | undefined> {
  let lines: string[];
  try {
    lines = (await readFile(join(dataDir, 'postmaster.pid'), 'utf8')).split('\n');
  } catch {
    return undefined;
  }
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  const port = Number(lines[3]);
  const status = statuses.find((known) => known === lines[7]?.trim()) ?? 'unknown';
  return { pid, port: port > 0 ? port : undefined, status };
}

/**
 * Whether process `pid` is a live postmaster on that folder. A zombie is dead; so is another program that got the number
 * later, which Linux tells by the working directory: a postmaster stands in its data folder.
 */
export function isPostmaster(pid: number, dataDir: string): boolean {
  if (!isRunning(identifyProcess(pid))) return false;
  if (process.platform !== 'linux') return true;
  try {
    return readlinkSync(`/proc/${pid}/cwd`).replace(/ \(deleted\)$/, '') === realFolder(dataDir);
  } catch {
    // Another user's process, which may be the one, or one that is just ending.
    return isRunning({ pid });
  }
}

/** The folder may have been removed under its server. */
function realFolder(dataDir: string): string {
  try {
    return realpathSync(dataDir);
  } catch {
    return dataDir;
  }
}
