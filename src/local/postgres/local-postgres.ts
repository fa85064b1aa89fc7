import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Context } from '../../context.ts';
import { explainPostgresError } from '../../database/explain.ts';
import { quoteIdentifier } from '../../database/identifier.ts';
import { ensureRoles, roleNames } from '../../database/roles.ts';
import type { ConnectionTarget } from '../../database/target.ts';
import { type Client, withClient } from '../../database/with-client.ts';
import { errorCode } from '../../errors.ts';
import type { ProjectNames } from '../../project/names.ts';
import { type ClusterPaths, clusterPaths, prepareStateDir } from './cluster-paths.ts';
import { adminUser } from './create-cluster.ts';
import { type Credentials, readCredentials } from './credentials.ts';
import { explainDiskError } from './explain-disk-error.ts';
import { withFileLock } from './file-lock.ts';
import { findServer } from './find-server.ts';
import { findUsers, type Lease, takeLease } from './leases.ts';
import { quitServerProcess, stopPostmaster } from './postmaster.ts';
import { isPostmaster } from './postmaster-file.ts';
import type { ServerBinaries } from './server-binaries.ts';
import { type RunningServer, type ServerOptions, startServer } from './start-server.ts';
import { type PostmasterExit, watchPostmaster } from './watch-postmaster.ts';

export interface LocalPostgresOptions extends ServerOptions {
  /** Absolute; the server's files go into its `.lambdapg`. */
  readonly projectDir: string;
  readonly names: ProjectNames;
}

/** A running PostgreSQL of one project. */
export interface LocalPostgres {
  readonly host: 'localhost';
  readonly port: number;
  readonly major: number;
  /** `17.10`. */
  readonly version: string;
  readonly dataDir: string;
  readonly logFile: string;
  readonly caFile: string;
  /** True when it ran already. */
  readonly adopted: boolean;
  readonly timings: { readonly initdbMs?: number; readonly startMs: number };
  /** The superuser, in the project's database. */
  readonly admin: ConnectionTarget;
  readonly slots: { readonly a: ConnectionTarget; readonly b: ConnectionTarget };
  readonly database: string;
  /** Calls `listener` once when the server is gone although nobody here stopped it. */
  onExit(listener: (exit: PostmasterExit) => void): void;
  /** Gives the server back; the last of its users stops it. */
  stop(): Promise<void>;
  /** The same at once and synchronously, without a checkpoint. */
  kill(): void;
}

const applicationName = 'lambdapg dev';

/**
 * Starts the project's own server, or adopts the one that runs on its data, and makes the project's database and roles
 * where they are missing.
 *
 * @throws UserError as `findServer` and `startServer` do; the signal's reason when it aborts
 */
export async function startLocalPostgres(
  context: Context,
  options: LocalPostgresOptions,
): Promise<LocalPostgres> {
  const { projectDir, major } = options;
  const paths = clusterPaths(projectDir, major);
  await prepareStateDir(paths);
  const binaries = await findServer(context, projectDir, major);
  try {
    return await withFileLock(context, paths.lockFile, () => startLocked(context, paths, binaries, options));
  } catch (error) {
    throw explainDiskError(error, paths.stateDir) ?? explainPostgresError(error, 'the local server') ?? error;
  }
}

async function startLocked(
  context: Context,
  paths: ClusterPaths,
  binaries: ServerBinaries,
  options: LocalPostgresOptions,
): Promise<LocalPostgres> {
  const server = await startServer(context, paths, binaries, options);
  let lease: Lease | undefined;
  try {
    lease = takeLease(paths.usersDir);
    const local = await openDatabase(paths, server, options);
    const { port, version, adopted, timings } = local;
    const message = `PostgreSQL ${version} ${adopted ? 'runs already' : 'is ready'} on localhost:${port}`;
    context.report({ type: 'postgres-ready', message, port, version, adopted, ...timings });
    return { ...local, ...endings(context, paths, server, binaries, lease) };
  } catch (error) {
    lease?.release();
    if (!server.adopted) await stopPostmaster(server.pid, paths.dataDir, binaries.binDir);
    throw error;
  }
}

async function openDatabase(
  paths: ClusterPaths,
  { port, adopted, timings }: RunningServer,
  { names, major }: LocalPostgresOptions,
): Promise<Omit<LocalPostgres, 'onExit' | 'stop' | 'kill'>> {
  const credentials = await readCredentials(paths.credentialsFile);
  const targets = connectionTargets(port, names, credentials, await readFile(paths.caFile, 'utf8'));
  const version = await prepareDatabase(targets.admin, names, credentials);
  const { dataDir, logFile, caFile } = paths;
  const facts = {
    host: 'localhost',
    port,
    major,
    version,
    dataDir,
    logFile,
    caFile,
    adopted,
    timings,
  } as const;
  return { ...facts, ...targets, database: names.snake };
}

/** The ways out of a server that this process uses. */
function endings(
  context: Context,
  paths: ClusterPaths,
  server: RunningServer,
  binaries: ServerBinaries,
  lease: Lease,
): Pick<LocalPostgres, 'onExit' | 'stop' | 'kill'> {
  const watch = watchPostmaster(server, paths);
  /** True when nobody else uses the server. */
  const leave = () => {
    watch.end();
    lease.release();
    return findUsers(paths.usersDir).length === 0 && isPostmaster(server.pid, paths.dataDir);
  };
  const stop = async () => {
    if (leave()) await stopPostmaster(server.pid, paths.dataDir, binaries.binDir);
  };
  // Stopping is what Ctrl-C asks for: it does not stop because of it.
  const unheard = { signal: new AbortController().signal, report: context.report };
  let stopped: Promise<void> | undefined;
  return {
    onExit: watch.onExit,
    stop() {
      watch.end();
      // Someone may have removed the project with everything in it.
      stopped ??= existsSync(paths.stateDir) ? withFileLock(unheard, paths.lockFile, stop) : stop();
      return stopped;
    },
    kill() {
      if (leave()) quitServerProcess(server.pid);
    },
  };
}

function connectionTargets(
  port: number,
  names: ProjectNames,
  credentials: Credentials,
  ca: string,
): Pick<LocalPostgres, 'admin' | 'slots'> {
  const place = { host: 'localhost', port, database: names.snake, tls: { ca } } as const;
  const { slots } = roleNames(names);
  return {
    admin: { ...place, user: adminUser, password: credentials.admin },
    slots: {
      a: { ...place, user: slots.a, password: credentials.slots.a },
      b: { ...place, user: slots.b, password: credentials.slots.b },
    },
  };
}

/** Makes the project's database, roles and pg_stat_statements where they are missing. Returns the server's version. */
async function prepareDatabase(
  admin: ConnectionTarget,
  names: ProjectNames,
  credentials: Credentials,
): Promise<string> {
  const prepare = (client: Client) => prepareConnected(client, names, credentials);
  try {
    return await withClient(admin, { applicationName }, prepare);
  } catch (error) {
    if (errorCode(error) !== '3D000') throw error;
  }
  await withClient({ ...admin, database: 'postgres' }, { applicationName }, async (client) => {
    await client.query(`CREATE DATABASE ${quoteIdentifier(admin.database)}`);
  });
  return withClient(admin, { applicationName }, prepare);
}

async function prepareConnected(
  client: Client,
  names: ProjectNames,
  credentials: Credentials,
): Promise<string> {
  await ensureRoles(client, names, credentials.slots);
  await client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
  const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
  // Debian appends its package version in brackets.
  return rows[0]?.server_version.split(' ')[0] ?? '';
}
