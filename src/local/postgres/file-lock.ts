import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../context.ts';
import { errorCode } from '../../errors.ts';
import { explainDiskError } from './explain-disk-error.ts';
import { identifyProcess, isRunning, type ProcessIdentity } from './process-identity.ts';

interface Holder extends ProcessIdentity {
  readonly token: string;
}

const pollMs = 25;
const patienceMs = 2_000;

/**
 * Runs `work` while no other process runs under the same lock file. The lock of a process that died is broken; a live
 * holder is waited for, and reported after two seconds.
 *
 * @throws the signal's reason when it aborts the wait; UserError STATE_DIR_UNWRITABLE, NO_SPACE
 */
export async function withFileLock<T>(
  context: Pick<Context, 'signal' | 'report'>,
  file: string,
  work: () => Promise<T>,
): Promise<T> {
  const token = await takeLock(context, file);
  try {
    return await work();
  } finally {
    if ((await readHolder(file))?.token === token) await rm(file, { force: true });
  }
}

async function takeLock(
  { signal, report }: Pick<Context, 'signal' | 'report'>,
  file: string,
): Promise<string> {
  const token = randomUUID();
  const holder: Holder = { ...identifyProcess(process.pid), token };
  let unreadableMs = 0;
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    signal.throwIfAborted();
    try {
      await writeFile(file, JSON.stringify(holder), { flag: 'wx' });
      return token;
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw explainDiskError(error, file) ?? error;
    }
    const other = await readHolder(file);
    unreadableMs = other === undefined ? unreadableMs + pollMs : 0;
    // Its holder was killed between making the file and writing it.
    if (unreadableMs > patienceMs) await rm(file, { force: true });
    if (other !== undefined && !isRunning(other)) await breakLock(file, other);
    if (waitedMs === patienceMs && other !== undefined) {
      report({
        type: 'postgres-wait',
        message: `waiting for process ${other.pid}, which is starting or stopping the same PostgreSQL`,
        pid: other.pid,
      });
    }
    await sleep(pollMs);
  }
}

/** Undefined while the file is absent or half-written. */
async function readHolder(file: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

/** Two processes may find the same dead holder: the rename goes to one of them, and is undone if it took a new lock. */
async function breakLock(file: string, dead: Holder): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch {
    return;
  }
  const taken = await readHolder(aside);
  if (taken !== undefined && taken.token !== dead.token) {
    await writeFile(file, JSON.stringify(taken), { flag: 'wx' }).catch(() => {});
  }
  await rm(aside, { force: true });
}
