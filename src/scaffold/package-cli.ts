import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../context.ts';
import { UserError } from '../errors.ts';
import { cacheDir } from '../project/cache-dir.ts';
import type { Files } from './files.ts';
import { packedCli } from './packed-cli.ts';

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
 * time.
 *
 * @throws UserError NOT_BUILT when run from source without a build
 */
export async function packageCli({
  packageDir,
  version,
  env,
}: Pick<Context, 'packageDir' | 'version' | 'env'>): Promise<CliReference> {
  if (await exists(join(packageDir, releaseMark))) return { reference: version, files: new Map() };
  if (!(await exists(join(packageDir, 'dist/oclif.cjs')))) {
    throw new UserError('NOT_BUILT', `lambdapg in ${packageDir} is not built, so no project can carry it`, {
      suggestions: ['npm run build'],
    });
  }
  const name = `vendor/lambdapg-${version}.tgz`;
  const packed = await packedCli(packageDir, cacheDir(env));
  return { reference: `file:./${name}`, files: new Map([[name, packed]]) };
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
