import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../../src/context.ts';
import type { ClusterPaths } from '../../../src/local/postgres/cluster-paths.ts';
import { findServer } from '../../../src/local/postgres/find-server.ts';
import {
  awaitLaunch,
  launchPostmaster,
  quitServerProcess,
  stopPostmaster,
} from '../../../src/local/postgres/postmaster.ts';
import { placeBinaries } from '../../../src/local/postgres/reachable-place.ts';
import { chooseRunAs } from '../../../src/local/postgres/run-as.ts';
import { readLogTail } from '../../../src/local/postgres/server-log.ts';
import type { PostgresMajor } from '../../../src/project/postgres-packages.ts';

/** Where one server keeps its things. */
export type ServerFiles = Omit<ClusterPaths, 'stateDir'> & {
  /** For the bed alone: whoever reaches it is trusted. */
  readonly socketDir: string;
};

export interface LaunchedServer {
  readonly pid: number;
  stop(): Promise<void>;
  /** Synchronous, for the end of a test process. */
  kill(): void;
}

/** Starts PostgreSQL on a data folder whose `pg_hba.conf` is written. The settings are the whole of `lambdapg.conf`. */
export async function launchOn(
  context: Context,
  major: PostgresMajor,
  files: ServerFiles,
  settings: Readonly<Record<string, string>>,
): Promise<LaunchedServer> {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  await writeFile(join(files.dataDir, 'lambdapg.conf'), `${lines.join('\n')}\n`);
  const runAs = await chooseRunAs(context);
  if (runAs.kind === 'user')
    throw new Error('the bed runs as an ordinary user, or as root with user namespaces');
  const binaries = await placeBinaries(await findServer(context, context.packageDir, major), runAs);
  const paths: ClusterPaths = { ...files, stateDir: files.clusterDir };
  const launch = await launchPostmaster(context, paths, binaries, runAs);
  const outcome = await awaitLaunch(context, files.dataDir, launch);
  if (outcome.kind === 'died') {
    const said = await readLogTail(files.logFile, launch.logStart);
    throw new Error(`PostgreSQL ${major} did not start (${outcome.how}):\n${said.join('\n')}`);
  }
  const { pid } = outcome.postmaster;
  return {
    pid,
    stop: () => stopPostmaster(pid, files.dataDir, binaries.binDir),
    kill: () => quitServerProcess(pid),
  };
}
