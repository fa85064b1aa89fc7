import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  realpath,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Context } from '../../context.ts';
import { UserError } from '../../errors.ts';
import { execa } from '../../exec.ts';
import type { Secret } from '../../secret.ts';
import { createAuthority } from './certificates.ts';
import { type ClusterPaths, pathsIn } from './cluster-paths.ts';
import { generateCredentials, writeCredentials } from './credentials.ts';
import { explainDiskError } from './explain-disk-error.ts';
import { giveTo, makeDataDir, removeCluster } from './reachable-place.ts';
import { commandAs, type RunAs, serverEnvironment } from './run-as.ts';
import type { ServerBinaries } from './server-binaries.ts';
import { settingsFile } from './server-settings.ts';

/** The superuser's name. */
export const adminUser = 'postgres';

/**
 * Makes a cluster (passwords, certificate authority, initdb) beside its place and renames it into place, so that an
 * interrupted run leaves nothing half-made.
 *
 * @throws UserError NO_SPACE, STATE_DIR_UNWRITABLE, INITDB_FAILED
 */
export async function createCluster(
  context: Context,
  paths: ClusterPaths,
  binaries: ServerBinaries,
  runAs: RunAs,
): Promise<void> {
  await removeLeftovers(paths);
  const staging = pathsIn(await mkdtemp(`${paths.clusterDir}.new-`));
  try {
    // The server's user must be able to walk through it.
    if (runAs.kind === 'user') await chmod(staging.clusterDir, 0o711);
    await mkdir(staging.usersDir);
    const credentials = generateCredentials();
    const authority = await createAuthority();
    await writeCredentials(staging.credentialsFile, credentials);
    await writeFile(staging.caFile, authority.certificate);
    await writeFile(staging.caKeyFile, authority.key, { mode: 0o600 });
    await makeDataDir(staging.dataDir, paths.clusterDir, runAs);
    const fault = await runInitdb(context, staging.dataDir, binaries, runAs, credentials.admin);
    if (fault !== undefined) throw explainDiskError(fault, paths.stateDir) ?? initdbFailed(fault, binaries);
    await appendFile(join(staging.dataDir, 'postgresql.conf'), `\ninclude '${settingsFile}'\n`);
    context.signal.throwIfAborted();
    await rename(staging.clusterDir, paths.clusterDir);
  } catch (error) {
    await removeCluster(staging.clusterDir);
    throw explainDiskError(error, paths.stateDir) ?? error;
  }
}

/** Returns what initdb said when it failed. */
async function runInitdb(
  context: Context,
  dataDir: string,
  binaries: ServerBinaries,
  runAs: RunAs,
  password: Secret,
): Promise<string | undefined> {
  const folder = await realpath(dataDir);
  // Beside the data, because initdb wants an empty folder, and where the server's user can reach it.
  const passwordFile = `${folder}.password`;
  await writeFile(passwordFile, password.reveal(), { mode: 0o600 });
  await giveTo(runAs, passwordFile);
  const command = commandAs(runAs, join(binaries.binDir, 'initdb'), [
    `--pgdata=${folder}`,
    `--username=${adminUser}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    ...localeFlags(binaries.major),
    '--no-sync',
    '--no-instructions',
  ]);
  const result = await execa(command.file, command.args, {
    ...command.user,
    // The server's user may not enter ours.
    cwd: '/',
    env: serverEnvironment(context.env),
    extendEnv: false,
    cancelSignal: context.signal,
    stdin: 'ignore',
    all: true,
    reject: false,
  });
  await rm(passwordFile, { force: true });
  context.signal.throwIfAborted();
  return result.failed ? result.all || result.shortMessage : undefined;
}

/**
 * Sorted by code point everywhere, and upper/lower case by Unicode: PostgreSQL 17 brings that itself; before, the C library
 * does, and only glibc surely has C.UTF-8.
 */
function localeFlags(major: number): string[] {
  if (major >= 17) return ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  return [process.platform === 'linux' ? '--locale=C.UTF-8' : '--locale=C'];
}

function initdbFailed(output: string, binaries: ServerBinaries): UserError {
  const lines = output.trim().split('\n').slice(-5).join('\n');
  return new UserError('INITDB_FAILED', `initdb of "${binaries.binDir}" failed:\n${lines}`, {
    suggestions: ['let LAMBDAPG_PG_BIN name the bin folder of another PostgreSQL'],
  });
}

async function removeLeftovers(paths: ClusterPaths): Promise<void> {
  const parent = dirname(paths.clusterDir);
  for (const name of await readdir(parent)) {
    if (name.startsWith(`${basename(paths.clusterDir)}.new-`)) await removeCluster(join(parent, name));
  }
}
