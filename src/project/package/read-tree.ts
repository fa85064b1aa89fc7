import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/**
 * Every file below `dir` that `wanted` likes, by its path from `dir` with `/` between folders. Links are followed.
 *
 * @param dir absolute
 */
export async function readTree(dir: string, wanted: (path: string) => boolean): Promise<Map<string, Buffer>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(dir, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter(wanted);
  const found = new Map<string, Buffer>();
  // One after the other: thousands of files at once run into the limit of open ones.
  for (const path of files) found.set(path, await readFile(join(dir, path)));
  return found;
}

/** Compiled files name the time and place of the source, and another Python than Lambda's has made them. */
export const isSource = (path: string): boolean => !/(^|\/)__pycache__\/|\.py[co]$/.test(path);
