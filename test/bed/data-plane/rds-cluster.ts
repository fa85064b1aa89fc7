import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Context } from '../../../src/context.ts';
import type { ConnectionTarget } from '../../../src/database/target.ts';
import { withClient } from '../../../src/database/with-client.ts';
import { execa } from '../../../src/exec.ts';
import { pathsIn } from '../../../src/local/postgres/cluster-paths.ts';
import { withFileLock } from '../../../src/local/postgres/file-lock.ts';
import type { PostgresMajor } from '../../../src/project/postgres-packages.ts';
import { Secret } from '../../../src/secret.ts';
import { makeFreshCluster, testCacheDir } from '../../postgres-server.ts';
import { launchOn, type ServerFiles } from './launch.ts';
import { postgresPort } from './loopback-address.ts';

/** RDS's own superuser. */
export const rdsAdmin = 'rdsadmin';
/** Held by no client: everybody comes in through host rules that the bed writes. */
const hostRules = 'local all all trust\n';

/**
 * The roles of RDS for PostgreSQL. Memberships of rds_superuser as `\\du` shows them in
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.rds_superuser.html
 *
 * rds_iam is granted with ADMIN alone, so that the master can grant it (as it can on RDS) without being an IAM user itself.
 * pg_stat_statements is there beforehand: RDS lets rds_superuser create it, PostgreSQL alone only a superuser.
 */
function rolesSql(major: PostgresMajor): string {
  const statements = [
    'CREATE ROLE rds_superuser NOLOGIN',
    'CREATE ROLE rds_replication NOLOGIN',
    'CREATE ROLE rds_password NOLOGIN',
    'CREATE ROLE rds_iam NOLOGIN',
    'GRANT pg_monitor, pg_signal_backend, rds_replication, rds_password TO rds_superuser WITH ADMIN OPTION',
    'CREATE EXTENSION pg_stat_statements',
  ];
  if (major >= 16) {
    statements.push('GRANT rds_iam TO rds_superuser WITH ADMIN TRUE, INHERIT FALSE, SET FALSE');
  }
  return statements.join(';\n');
}

/** The data folder of a server with RDS's roles, to be copied: one per major and per state of this code. */
export async function makeRdsCluster(context: Context, major: PostgresMajor): Promise<string> {
  const fresh = await makeFreshCluster(major);
  const source = await readFile(fileURLToPath(import.meta.url), 'utf8');
  const key = createHash('sha256').update(`${source} ${fresh}`).digest('hex').slice(0, 12);
  const parent = join(testCacheDir, 'clusters');
  const finished = join(parent, `rds-${major}-${key}`);
  await withFileLock(context, `${finished}.lock`, async () => {
    if (existsSync(finished)) return;
    const staging = await mkdtemp(join(parent, 'rds-new-'));
    try {
      await copyData(join(fresh, 'data'), join(staging, 'data'));
      await addRdsRoles(context, major, staging);
      await rename(join(staging, 'data'), finished);
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  });
  return finished;
}

/** `cp` copies 40 MB in a tenth of the time that Node takes. */
export async function copyData(from: string, to: string): Promise<void> {
  await execa('cp', ['-a', '--reflink=auto', from, to]);
}

/** Through the bed's own socket, where everybody is trusted. */
export function trustedTarget(socketDir: string, user: string, database: string): ConnectionTarget {
  // pg asks for a password only when the server does.
  return { host: socketDir, port: postgresPort, database, user, password: new Secret('-'), tls: false };
}

/** The bootstrap superuser becomes rdsadmin: on RDS, too, a master may be called `postgres`. */
async function addRdsRoles(context: Context, major: PostgresMajor, dir: string): Promise<void> {
  // Not beside the data: the path of a socket may have 107 bytes.
  const socketDir = await mkdtemp(join(tmpdir(), 'lambdapg-socket-'));
  const files: ServerFiles = { ...pathsIn(dir), socketDir };
  await writeFile(join(files.dataDir, 'pg_hba.conf'), hostRules);
  const settings = {
    listen_addresses: '',
    unix_socket_directories: files.socketDir,
    fsync: 'off',
    shared_preload_libraries: 'pg_stat_statements',
  };
  const server = await launchOn(context, major, files, settings);
  try {
    const run = (user: string, sql: string) =>
      withClient(trustedTarget(socketDir, user, 'template1'), { applicationName: rdsAdmin }, (client) =>
        client.query(sql),
      );
    await run('postgres', `CREATE ROLE rds_rename SUPERUSER LOGIN`);
    await run('rds_rename', `ALTER ROLE postgres RENAME TO ${rdsAdmin}`);
    await run(rdsAdmin, 'DROP ROLE rds_rename');
    await run(rdsAdmin, rolesSql(major));
  } finally {
    await server.stop();
    await rm(socketDir, { recursive: true, force: true });
  }
}
