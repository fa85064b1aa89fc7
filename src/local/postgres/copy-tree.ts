import { chmod, cp, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Copies a folder with the modes that an installation under a umask of 022 has, whatever those of the source are. */
export async function copyTree(source: string, copy: string): Promise<void> {
  await cp(source, copy, { recursive: true, verbatimSymlinks: true });
  await openModes(copy);
}

async function openModes(path: string): Promise<void> {
  const found = await lstat(path);
  if (found.isSymbolicLink()) return;
  await chmod(path, found.isDirectory() || (found.mode & 0o100) !== 0 ? 0o755 : 0o644);
  if (!found.isDirectory()) return;
  for (const name of await readdir(path)) await openModes(join(path, name));
}
