import { readFileSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quitServerProcess } from '../../../src/local/postgres/postmaster.ts';
import { isPostmaster, readPostmasterFile } from '../../../src/local/postgres/postmaster-file.ts';
import {
  identifyProcess,
  isRunning,
  type ProcessIdentity,
} from '../../../src/local/postgres/process-identity.ts';

/** Of the folders of the bed's servers. */
export const serverPrefix = 'lambdapg-rds-';
const ownerFile = 'owner.json';

/** Says whose server this is. */
export async function markOwner(dir: string): Promise<void> {
  await writeFile(join(dir, ownerFile), JSON.stringify(identifyProcess(process.pid)));
}

let swept: Promise<void> | undefined;

/** Once per process. */
export function endAbandonedServers(): Promise<void> {
  swept ??= sweepAbandonedServers();
  return swept;
}

/** Ends the servers of test processes that were killed: a postmaster outlives the one who started it. */
export async function sweepAbandonedServers(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(serverPrefix));
  for (const dir of names.map((name) => join(tmpdir(), name))) {
    if (!isAbandoned(dir)) continue;
    const dataDir = join(dir, 'data');
    const postmaster = await readPostmasterFile(dataDir);
    if (postmaster !== undefined && isPostmaster(postmaster.pid, dataDir)) quitServerProcess(postmaster.pid);
    await rm(dir, { recursive: true, force: true });
  }
}

/** A folder without an owner is just being made. */
function isAbandoned(dir: string): boolean {
  try {
    return !isRunning(JSON.parse(readFileSync(join(dir, ownerFile), 'utf8')) as ProcessIdentity);
  } catch {
    return false;
  }
}
