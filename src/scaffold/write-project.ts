import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorCode, UserError } from '../errors.ts';
import type { Files } from './files.ts';

/** Entries that an otherwise empty folder may hold: they are nobody's work and no template has them. */
const harmless = new Set(['.git', '.DS_Store', 'Thumbs.db', '.idea', 'desktop.ini']);

/** What already stands where a project is to go. */
export interface Obstacles {
  /** Every entry of the folder, harmless ones left out, in order. */
  readonly entries: readonly string[];
  /** The files that would be overwritten with other content. */
  readonly overwritten: readonly string[];
}

/** @throws UserError NOT_A_DIRECTORY, or UNWRITABLE for a folder that cannot be read */
export async function findObstacles(directory: string, files: Files): Promise<Obstacles> {
  const entries = await list(directory);
  const overwritten: string[] = [];
  for (const [path, content] of entries.length === 0 ? [] : files) {
    const existing = await readIfThere(join(directory, path));
    if (existing !== undefined && !existing.equals(Buffer.from(content as string))) overwritten.push(path);
  }
  return { entries: entries.filter((entry) => !harmless.has(entry)).sort(), overwritten };
}

/**
 * Writes a project whole or not at all: everything goes to a sibling folder first and is then renamed into place, one
 * rename for a new folder, one a file for an existing one, each undone when a later one fails or `signal` aborts.
 *
 * @throws UserError UNWRITABLE, DISK_FULL, IN_THE_WAY; the signal's reason when aborted
 */
export async function writeProject(directory: string, files: Files, signal: AbortSignal): Promise<void> {
  const stage = join(
    dirname(directory),
    `.${basename(directory)}.lambdapg-${randomBytes(4).toString('hex')}`,
  );
  const made = await makeParents(dirname(directory));
  try {
    // Not recursive, which says ENOENT where the file system is read-only.
    await mkdir(stage);
    for (const [path, content] of files) {
      signal.throwIfAborted();
      await mkdir(join(stage, 'new', dirname(path)), { recursive: true });
      await writeFile(join(stage, 'new', path), content);
    }
    if (!(await moveWhole(join(stage, 'new'), directory))) await moveEach(stage, directory, files, signal);
  } catch (error) {
    await rm(stage, { recursive: true, force: true });
    for (const parent of made) await rmdir(parent).catch(() => {});
    throw explainWrite(error, directory);
  }
  await rm(stage, { recursive: true, force: true });
}

/** One rename, where nothing or an empty folder stands in the place. */
async function moveWhole(from: string, directory: string): Promise<boolean> {
  try {
    await rmdir(directory).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
    });
    await rename(from, directory);
    return true;
  } catch (error) {
    // Not empty; or the folder one stands in, which Windows does not let go.
    if (['ENOTEMPTY', 'EEXIST', 'EBUSY', 'EPERM', 'EINVAL'].includes(errorCode(error) ?? '')) return false;
    throw error;
  }
}

async function moveEach(stage: string, directory: string, files: Files, signal: AbortSignal): Promise<void> {
  const undo: (() => Promise<void>)[] = [];
  try {
    for (const path of files.keys()) {
      signal.throwIfAborted();
      const place = join(directory, path);
      const folders = await makeParents(dirname(place));
      undo.push(async () => {
        for (const folder of folders) await rmdir(folder).catch(() => {});
      });
      await moveOne(join(stage, 'new', path), place, join(stage, 'old', path), undo);
    }
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

async function moveOne(
  from: string,
  place: string,
  backup: string,
  undo: (() => Promise<void>)[],
): Promise<void> {
  const existing = await lstat(place).catch(() => undefined);
  if (existing?.isDirectory()) {
    throw new UserError('IN_THE_WAY', `${place} is a folder where a file must go`, {
      suggestions: ['move it away, or choose another directory'],
    });
  }
  if (existing !== undefined) {
    await mkdir(dirname(backup), { recursive: true });
    await rename(place, backup);
    undo.push(() => rename(backup, place));
  }
  await rename(from, place);
  undo.push(() => rm(place, { force: true }));
}

/** Makes a folder and its missing parents; returns those it made, deepest first. */
async function makeParents(folder: string): Promise<string[]> {
  const first = await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw explainWrite(error, folder);
  });
  if (first === undefined) return [];
  const made: string[] = [];
  for (let dir = folder; dir.length >= first.length; dir = dirname(dir)) made.push(dir);
  return made;
}

async function list(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    if (errorCode(error) === 'ENOTDIR') {
      throw new UserError('NOT_A_DIRECTORY', `${directory} is a file, not a folder`, {
        suggestions: ['choose another directory'],
        cause: error,
      });
    }
    throw explainWrite(error, directory);
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(errorCode(error) ?? '')) return undefined;
    throw explainWrite(error, path);
  }
}

/** What the file system said about `path`, as a UserError where the person can do something about it. */
export function explainWrite(error: unknown, path: string): unknown {
  const code = errorCode(error);
  if (code !== undefined && ['EACCES', 'EPERM', 'EROFS', 'ENOENT'].includes(code)) {
    return new UserError('UNWRITABLE', `cannot write to ${path} (${code})`, {
      suggestions: ['choose a directory that belongs to you'],
      cause: error,
    });
  }
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new UserError('DISK_FULL', `no room left on the disk of ${path} (${code})`, {
      suggestions: ['free some space and run the command again; nothing was left behind'],
      cause: error,
    });
  }
  if (code === 'ENOTDIR' || code === 'EEXIST') {
    return new UserError('IN_THE_WAY', `a file stands where a folder must go, at or above ${path}`, {
      cause: error,
    });
  }
  return error;
}
