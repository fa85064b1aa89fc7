import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { PostgresMajor } from '../../project/postgres-packages.ts';
import { explainDiskError } from './explain-disk-error.ts';

/** Where the files of one project's server lie; one cluster per major version, all under `<project>/.lambdapg`. */
export interface ClusterPaths {
  readonly stateDir: string;
  readonly clusterDir: string;
  /** A folder, or a symlink to one when the server's user cannot reach the project. */
  readonly dataDir: string;
  readonly credentialsFile: string;
  readonly caFile: string;
  readonly caKeyFile: string;
  readonly logFile: string;
  /** The port that was used last. */
  readonly portFile: string;
  readonly usersDir: string;
  /** Held while a server is made, started, adopted or stopped. */
  readonly lockFile: string;
}

export function clusterPaths(projectDir: string, major: PostgresMajor): ClusterPaths {
  const stateDir = join(projectDir, '.lambdapg');
  return { stateDir, ...pathsIn(join(stateDir, 'postgres', String(major))) };
}

/** The same files in another folder: a cluster is made beside its place and renamed into it. */
export function pathsIn(clusterDir: string): Omit<ClusterPaths, 'stateDir'> {
  return {
    clusterDir,
    dataDir: join(clusterDir, 'data'),
    credentialsFile: join(clusterDir, 'credentials.json'),
    caFile: join(clusterDir, 'ca.crt'),
    caKeyFile: join(clusterDir, 'ca.key'),
    logFile: join(clusterDir, 'server.log'),
    portFile: join(clusterDir, 'port'),
    usersDir: join(clusterDir, 'users'),
    lockFile: `${clusterDir}.lock`,
  };
}

/**
 * Makes `.lambdapg`, which git ignores as a whole.
 *
 * @throws UserError STATE_DIR_UNWRITABLE, NO_SPACE
 */
export async function prepareStateDir(paths: ClusterPaths): Promise<void> {
  try {
    await mkdir(dirname(paths.clusterDir), { recursive: true });
    await writeFile(join(paths.stateDir, '.gitignore'), '*\n');
  } catch (error) {
    throw explainDiskError(error, paths.stateDir) ?? error;
  }
}
