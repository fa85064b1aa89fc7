import { lstat, readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { errorCode } from '../../errors.ts';
import { type Content, contentOf } from './content.ts';

/** What stands at a path: a file's content, nothing, or something that must not be written over. */
export type Mine = { readonly content: Content | undefined } | { readonly obstacle: string };

/**
 * A symbolic link is an obstacle, at the path or above it: what is written there would go somewhere else.
 *
 * @param directory absolute: the project
 */
export async function readMine(directory: string, path: string): Promise<Mine> {
  const parts = path.split('/');
  for (const depth of parts.keys()) {
    const part = parts.slice(0, depth + 1).join('/');
    const found = await lstat(join(directory, part)).catch(nothing);
    if (found === undefined) return { content: undefined };
    const isLast = depth === parts.length - 1;
    if (found.isSymbolicLink()) return { obstacle: `${part} is a link` };
    if (isLast ? !found.isFile() : !found.isDirectory())
      return { obstacle: isLast ? 'no file stands there' : `${part} is no folder` };
  }
  return { content: contentOf(await readFile(join(directory, path))) };
}

/** The files below a folder of the project, as paths of the project; none where there is no such folder. */
export async function listMine(directory: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(directory, folder), { recursive: true, withFileTypes: true }).catch(
    nothing,
  );
  return (entries ?? [])
    .filter((entry) => !entry.isDirectory() && !entry.parentPath.includes('__pycache__'))
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'));
}

function nothing(error: unknown): undefined {
  if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR') throw error;
}
