import type { Context } from '../../context.ts';
import { UserError } from '../../errors.ts';
import type { PostgresMajor } from '../../project/postgres-packages.ts';
import { clusterPaths, prepareStateDir } from './cluster-paths.ts';
import { explainDiskError } from './explain-disk-error.ts';
import { withFileLock } from './file-lock.ts';
import { findServer } from './find-server.ts';
import { findUsers } from './leases.ts';
import { stopPostmaster } from './postmaster.ts';
import { isPostmaster, readPostmasterFile } from './postmaster-file.ts';
import { removeCluster } from './reachable-place.ts';

/**
 * Removes the data, passwords and certificates of one major version. A server that nobody uses any more is stopped first.
 *
 * @throws UserError POSTGRES_IN_USE while another process uses the server
 */
export async function resetLocalPostgres(
  context: Context,
  options: { readonly projectDir: string; readonly major: PostgresMajor },
): Promise<void> {
  const paths = clusterPaths(options.projectDir, options.major);
  await prepareStateDir(paths);
  await withFileLock(context, paths.lockFile, async () => {
    const users = findUsers(paths.usersDir);
    if (users.length > 0) {
      throw new UserError(
        'POSTGRES_IN_USE',
        `the project's PostgreSQL is used by process ${users.join(', ')}`,
        {
          suggestions: ['end that lambdapg dev or lambdapg test first'],
        },
      );
    }
    const orphan = await readPostmasterFile(paths.dataDir);
    if (orphan !== undefined && isPostmaster(orphan.pid, paths.dataDir)) {
      const { binDir } = await findServer(context, options.projectDir, options.major);
      await stopPostmaster(orphan.pid, paths.dataDir, binDir);
    }
    try {
      await removeCluster(paths.clusterDir);
    } catch (error) {
      throw explainDiskError(error, paths.clusterDir) ?? error;
    }
  });
}
