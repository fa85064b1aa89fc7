import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { create } from 'tar';

/** What is packed of `packageDir` (absolute): package.json and the folders and files that it names, and the licence. */
export async function readPackedEntries(packageDir: string): Promise<readonly string[]> {
  const { files } = await readManifest(packageDir);
  return ['package.json', ...(files as string[]), 'LICENSE'];
}

export const isPacked = (path: string): boolean => !path.includes('__pycache__');

/** Packs lambdapg as npm would, the same to the byte each time: fixed owner, times and order. */
export async function packCli(packageDir: string): Promise<Uint8Array> {
  const stage = await mkdtemp(join(tmpdir(), 'lambdapg-pack-'));
  try {
    const { scripts: _scripts, devDependencies: _devDependencies, ...kept } = await readManifest(packageDir);
    const entries = await readPackedEntries(packageDir);
    await Promise.all(
      entries.map((entry) =>
        cp(join(packageDir, entry), join(stage, entry), { recursive: true, filter: isPacked }),
      ),
    );
    await writeFile(join(stage, 'package.json'), `${JSON.stringify(kept, null, 2)}\n`);
    const staged = await readdir(stage, { recursive: true, withFileTypes: true });
    const paths = staged
      .filter((entry) => entry.isFile())
      .map((entry) => relative(stage, join(entry.parentPath, entry.name)));
    const out = join(stage, '.out.tgz');
    const options = {
      gzip: { level: 9 },
      portable: true,
      prefix: 'package',
      mtime: new Date(0),
      strict: true,
      // npm makes a program executable when it installs it, and Windows knows no modes.
      filter: (path: string, entry: { mode?: number | undefined }) => {
        entry.mode = ((entry.mode ?? 0) & ~0o777) | (path.endsWith('bin/run.js') ? 0o755 : 0o644);
        return true;
      },
    } as const;
    await create({ ...options, cwd: stage, file: out }, paths.sort());
    return await readFile(out);
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

async function readManifest(packageDir: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8')) as Record<string, unknown>;
}
