import { readdir, readlink, realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { quitServerProcess } from './postmaster.ts';

const waitMs = 2_000;
const pollMs = 20;

/**
 * Ends the server processes that outlived their postmaster: idle ones leave by themselves at once, busy ones only when
 * their statement is done, and until then PostgreSQL refuses to start on their data. Elsewhere than on Linux they are
 * only waited for.
 */
export async function endOrphans(dataDir: string): Promise<void> {
  const folder = await realpath(dataDir);
  for (const pid of await processesIn(folder)) quitServerProcess(pid);
  for (let waited = 0; waited < waitMs; waited += pollMs) {
    await sleep(pollMs);
    if (process.platform === 'linux' && (await processesIn(folder)).length === 0) return;
  }
}

/** Every process of a server stands in its data folder; so may a person's shell. */
async function processesIn(folder: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    const cwd = await readlink(`/proc/${name}/cwd`).catch(() => undefined);
    if (cwd !== folder) continue;
    const program = await readlink(`/proc/${name}/exe`).catch(() => '');
    if (basename(program) === 'postgres') found.push(Number(name));
  }
  return found;
}
