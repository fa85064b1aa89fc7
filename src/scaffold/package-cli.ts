import { access, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { create } from 'tar';
import { UserError } from '../errors.ts';
import type { Files } from './files.ts';

/** How a project names the lambdapg it was made with, and the file that this takes, if any. */
export interface CliReference {
  /** For `devDependencies`: a version, or `file:./vendor/lambdapg-<version>.tgz`. */
  readonly reference: string;
  readonly files: Files;
}

/** Written by the release script: the version is on the registry, so projects name it by number. */
const releaseMark = 'dist/release.json';

/**
 * A published lambdapg is named by its number. Any other (a checkout, a packed tarball) is packed into the project
 * itself, so that a colleague's clone installs without it. The tarball of one version is the same to the byte each
 * time: fixed owner, times and order.
 *
 * @throws UserError NOT_BUILT when run from source without a build
 */
export async function packageCli(packageDir: string, version: string): Promise<CliReference> {
  if (await exists(join(packageDir, releaseMark))) return { reference: version, files: new Map() };
  if (!(await exists(join(packageDir, 'dist/oclif.cjs')))) {
    throw new UserError('NOT_BUILT', `lambdapg in ${packageDir} is not built, so no project can carry it`, {
      suggestions: ['npm run build'],
    });
  }
  const name = `vendor/lambdapg-${version}.tgz`;
  return { reference: `file:./${name}`, files: new Map([[name, await pack(packageDir)]]) };
}

async function pack(packageDir: string): Promise<Uint8Array> {
  const stage = await mkdtemp(join(tmpdir(), 'lambdapg-pack-'));
  try {
    const manifest = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8')) as Record<
      string,
      unknown
    >;
    const { scripts: _scripts, devDependencies: _devDependencies, ...kept } = manifest;
    const filter = (path: string): boolean => !path.includes('__pycache__');
    const entries = [...(manifest.files as string[]), 'LICENSE'];
    await Promise.all(
      entries.map((entry) => cp(join(packageDir, entry), join(stage, entry), { recursive: true, filter })),
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

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
