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
import { thisMachine } from '../../../src/this-machine.ts';

/** Of the folders of the bed's servers. */
export const serverPrefix = 'lambdapg-rds-';
const ownerFile = 'owner.json';

interface Owner extends ProcessIdentity {
  /** Containers may share a folder for temporary files, and do not see each other's processes. */
  readonly machine: string;
}

/** Says whose server this is. */
export async function markOwner(dir: string): Promise<void> {
  const owner: Owner = { ...identifyProcess(process.pid), machine: thisMachine(process.env) };
  await writeFile(join(dir, ownerFile), JSON.stringify(owner));
}

let swept: Promise<void> | undefined;

/** Once per process. */
export function endAbandonedServers(): Promise<void> {
  swept ??= sweepAbandonedServers();
  return swept;
}

/** Ends the servers of test processes that were killed: a postmaster outlives the one who started it. */
export async function sweepAbandonedServers(folder = tmpdir()): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(serverPrefix));
  for (const dir of names.map((name) => join(folder, name))) {
    if (!isAbandoned(dir)) continue;
    const dataDir = join(dir, 'data');
    const postmaster = await readPostmasterFile(dataDir);
    if (postmaster !== undefined && isPostmaster(postmaster.pid, dataDir)) quitServerProcess(postmaster.pid);
    await rm(dir, { recursive: true, force: true });
  }
}

/** A folder without an owner is just being made; of an owner elsewhere nothing is known. */
function isAbandoned(dir: string): boolean {
  try {
    const owner = JSON.parse(readFileSync(join(dir, ownerFile), 'utf8')) as Owner;
    return owner.machine === thisMachine(process.env) && !isRunning(owner);
  } catch {
    return false;
  }
}
