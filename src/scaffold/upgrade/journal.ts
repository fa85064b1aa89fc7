import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorCode, errorMessage, UserError } from '../../errors.ts';
import { explainWrite } from '../write-project.ts';
import { hashOf } from './content.ts';

/** One file to write, or without `content` to remove. */
export interface Step {
  /** Relative to the project, with "/". */
  readonly path: string;
  readonly content?: Uint8Array | string;
}

interface JournalStep {
  readonly path: string;
  /** SHA-256 of the file; null: there is none. */
  readonly before: string | null;
  readonly after: string | null;
}

interface Journal {
  readonly format: 1;
  readonly version: string;
  readonly steps: readonly JournalStep[];
}

/** An upgrade that is decided and may not be done: its folder holds `journal.json`, `new/<n>` and `old/<n>`. */
const pendingFolder = (directory: string): string => join(directory, '.lambdapg', 'upgrade');

/**
 * Writes all of `steps` or none. New and old contents and a journal are laid down in one folder first; renaming that
 * folder decides. A run that is killed before has changed nothing; after it, `finishPending` does the rest. What goes
 * wrong while files are moved into place is undone.
 *
 * @param check called when everything is laid down, before anything is decided
 * @returns paths that were edited at the last moment: they stay, and what was meant for them is beside them
 * @throws what `check` throws; UserError UPGRADE_RUNNING, UNWRITABLE, DISK_FULL; the signal's reason
 */
export async function writeAll(
  directory: string,
  version: string,
  steps: readonly Step[],
  signal: AbortSignal,
  check: () => Promise<void>,
): Promise<readonly string[]> {
  const staging = join(directory, '.lambdapg', `upgrade-${process.pid}`);
  try {
    await rm(staging, { recursive: true, force: true });
    const journal = await stage(directory, staging, { format: 1, version, steps: [] }, steps);
    await writeFile(join(staging, 'journal.json'), JSON.stringify(journal), { flush: true });
    await check();
    signal.throwIfAborted();
    await decide(staging, pendingFolder(directory));
  } catch (error) {
    throw explainWrite(error, directory);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return (await applyPending(directory)).edited;
}

async function stage(
  directory: string,
  staging: string,
  journal: Journal,
  steps: readonly Step[],
): Promise<Journal> {
  await mkdir(join(staging, 'new'), { recursive: true });
  await mkdir(join(staging, 'old'));
  const staged: JournalStep[] = [];
  for (const [index, { path, content }] of steps.entries()) {
    const old = await readIfThere(join(directory, path));
    if (old !== undefined) await writeFile(join(staging, 'old', `${index}`), old, { flush: true });
    if (content !== undefined) await writeFile(join(staging, 'new', `${index}`), content, { flush: true });
    staged.push({ path, before: hashOrNull(old), after: hashOrNull(content) });
  }
  return { ...journal, steps: staged };
}

async function decide(staging: string, pending: string): Promise<void> {
  try {
    await rename(staging, pending);
  } catch (error) {
    // What a rename onto a folder says differs from one system to the next.
    if ((await lstat(pending).catch(() => undefined)) === undefined) throw error;
    throw new UserError('UPGRADE_RUNNING', 'another upgrade of this project is running or was interrupted', {
      suggestions: ['lambdapg upgrade finishes it first'],
      cause: error,
    });
  }
}

/** Whether an interrupted upgrade waits to be finished. */
export async function isPending(directory: string): Promise<boolean> {
  return (await readIfThere(join(pendingFolder(directory), 'journal.json'))) !== undefined;
}

/**
 * Finishes an upgrade that was killed. A file that was edited since stays, and what was meant for it goes beside it.
 *
 * @returns the version it brought, and those files; undefined where nothing was pending
 */
export async function finishPending(
  directory: string,
): Promise<{ readonly version: string; readonly edited: readonly string[] } | undefined> {
  await sweepStaging(directory);
  if (await isPending(directory)) return applyPending(directory);
  await removePending(directory);
  return undefined;
}

/** The journal first: without it nothing is pending, whatever is left of the rest. */
async function removePending(directory: string): Promise<void> {
  await rm(join(pendingFolder(directory), 'journal.json'), { force: true });
  await rm(pendingFolder(directory), { recursive: true, force: true });
}

/** What runs left that were killed before they had decided. */
async function sweepStaging(directory: string): Promise<void> {
  const entries = await readdir(join(directory, '.lambdapg')).catch(() => []);
  for (const entry of entries) {
    const pid = /^upgrade-(\d+)$/.exec(entry)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)))
      await rm(join(directory, '.lambdapg', entry), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return errorCode(error) !== 'ESRCH';
  }
}

async function applyPending(
  directory: string,
): Promise<{ readonly version: string; readonly edited: readonly string[] }> {
  const pending = pendingFolder(directory);
  const { version, steps } = JSON.parse(await readFile(join(pending, 'journal.json'), 'utf8')) as Journal;
  const edited: string[] = [];
  const undo: (() => Promise<void>)[] = [];
  try {
    for (const [index, step] of steps.entries()) {
      const [old, now] = ['old', 'new'].map((side) => join(pending, side, `${index}`)) as [string, string];
      const found = hashOrNull(await readIfThere(join(directory, step.path)));
      if (found === step.after) continue;
      if (found === step.before) {
        await put(directory, step.path, step.after, now);
        undo.push(() => put(directory, step.path, step.before, old));
        continue;
      }
      edited.push(step.path);
      if (step.after !== null) await put(directory, await freePath(directory, step.path), step.after, now);
    }
  } catch (error) {
    await takeBack(undo.reverse());
    await removePending(directory);
    throw explainWrite(error, directory);
  }
  await removePending(directory);
  return { version, edited };
}

async function takeBack(undo: readonly (() => Promise<void>)[]): Promise<void> {
  try {
    for (const step of undo) await step();
  } catch (cause) {
    throw new UserError('UPGRADE_PENDING', `the upgrade stopped half-way: ${errorMessage(cause)}`, {
      suggestions: ['free some space, close programs that hold files open', 'lambdapg upgrade finishes it'],
      cause,
    });
  }
}

/** `<path>.new`, or the next that is free. */
async function freePath(directory: string, path: string): Promise<string> {
  for (let count = 1; ; count += 1) {
    const candidate = `${path}.new${count === 1 ? '' : count}`;
    if ((await readIfThere(join(directory, candidate))) === undefined) return candidate;
  }
}

const hashOrNull = (bytes: Uint8Array | string | undefined): string | null =>
  bytes === undefined ? null : hashOf(bytes);

/** Puts the content of `source` to `path` in one rename, with the mode of what stood there; `hash` null: removes it. */
async function put(directory: string, path: string, hash: string | null, source: string): Promise<void> {
  const place = join(directory, path);
  if (hash === null) {
    await rm(place, { force: true });
    await removeEmptyFolders(directory, dirname(path));
    return;
  }
  await mkdir(dirname(place), { recursive: true });
  const mode = await stat(place).then(
    (found) => found.mode,
    () => undefined,
  );
  // A name that stays the same: a run that is killed here leaves one that the next run writes over.
  const beside = join(dirname(place), `.${basename(place)}.lambdapg`);
  try {
    await copyFile(source, beside);
    if (mode !== undefined) await chmod(beside, mode);
    await rename(beside, place);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

async function removeEmptyFolders(directory: string, folder: string): Promise<void> {
  for (let at = folder; at !== '.'; at = dirname(at)) {
    const removed = await rmdir(join(directory, at)).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  const found = await lstat(path).catch((error: unknown) => {
    if (!['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) throw error;
  });
  return found === undefined ? undefined : readFile(path);
}
