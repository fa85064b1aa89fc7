import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isPacked, packCli, readPackedEntries } from './pack-cli.ts';

/** Packed command lines that are kept, of 1.5 MB each: one for every checkout that somebody works in at once. */
const keptAtMost = 8;

/**
 * lambdapg, packed. Packing takes a second of a processor, so the result is kept until a file of the package changes.
 *
 * @param packageDir absolute
 * @param cache absolute: a folder that may be lost, and that need not be writable
 */
export async function packedCli(packageDir: string, cache: string): Promise<Uint8Array> {
  const folder = join(cache, 'packed');
  const stamp = await stampOf(packageDir);
  const place = join(folder, `${stamp}.tgz`);
  const kept = await readFile(place).catch(() => undefined);
  if (kept !== undefined) return kept;
  const packed = await packCli(packageDir);
  // A build that runs meanwhile may have changed half of it.
  if ((await stampOf(packageDir)) === stamp) await keep(folder, place, packed).catch(() => {});
  return packed;
}

/** Of every file the size and both times: an editor changes one of them, and so does what restores an older file. */
async function stampOf(packageDir: string): Promise<string> {
  const hash = createHash('sha256').update(`${packageDir}\n${process.versions.zlib}\n`);
  for (const entry of [...(await readPackedEntries(packageDir))].sort()) {
    const path = join(packageDir, entry);
    const below = (await stat(path)).isDirectory() ? await filesBelow(path) : [path];
    const lines = await Promise.all(below.filter(isPacked).sort().map(lineOf));
    hash.update(lines.join('\n'));
  }
  return hash.digest('hex').slice(0, 32);
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}

async function lineOf(path: string): Promise<string> {
  const { size, mtimeMs, ctimeMs } = await stat(path);
  return `${path} ${size} ${mtimeMs} ${ctimeMs}`;
}

/** By one rename, so that nobody reads half of it. */
async function keep(folder: string, place: string, packed: Uint8Array): Promise<void> {
  await mkdir(folder, { recursive: true });
  const fresh = `${place}.${process.pid}.new`;
  try {
    await writeFile(fresh, packed);
    await rename(fresh, place);
  } finally {
    await rm(fresh, { force: true });
  }
  const all = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      const path = join(folder, name);
      return { path, since: (await stat(path)).mtimeMs };
    }),
  );
  const old = all.sort((one, two) => two.since - one.since).slice(keptAtMost);
  await Promise.all(old.map(({ path }) => rm(path, { force: true })));
}
