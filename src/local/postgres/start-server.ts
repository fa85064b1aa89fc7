import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Context } from '../../context.ts';
import { UserError } from '../../errors.ts';
import type { ChildProcess } from '../../exec.ts';
import type { PostgresMajor } from '../../project/postgres-packages.ts';
import type { ClusterPaths } from './cluster-paths.ts';
import { createCluster } from './create-cluster.ts';
import { explainDiskError } from './explain-disk-error.ts';
import { findFreePort, findLoopback } from './free-port.ts';
import { endOrphans } from './orphans.ts';
import { awaitLaunch, findRunningPostmaster, launchPostmaster, stopPostmaster } from './postmaster.ts';
import { giveToCaller, placeBinaries } from './reachable-place.ts';
import { chooseRunAs, type RunAs } from './run-as.ts';
import type { ServerBinaries } from './server-binaries.ts';
import { readLogTail } from './server-log.ts';
import { type Settings, writeSettings } from './server-settings.ts';

/** What `lambdapg dev` prefers: far from 5432, where a person's own server may be. */
const usualPort = 54_320;
const launchAttempts = 8;
/** A start after a crash says about a dozen lines. */
const startLines = 50;
const shownLines = 8;

export interface ServerOptions {
  readonly major: PostgresMajor;
  /** Tried first; the next free one when it is busy. 0: any free one. The last one used, or 54320, unless told. */
  readonly preferredPort?: number;
  /** More PostgreSQL settings for a server that is started now. */
  readonly settings?: Settings;
  /** False: as root, do without user namespaces where they would work. For tests. */
  readonly namespaces?: boolean;
}

export interface RunningServer {
  readonly pid: number;
  readonly port: number;
  readonly adopted: boolean;
  /** Undefined when another process started it. */
  readonly child: ChildProcess | undefined;
  readonly timings: { readonly initdbMs?: number; readonly startMs: number };
}

/**
 * A running server on the cluster: the one that runs already, or a new one, with its data made first where there is none.
 * The caller holds the cluster's lock.
 *
 * @throws UserError POSTGRES_DIED, BAD_DATA_DIR, NO_FREE_PORT, NO_SPACE, STATE_DIR_UNWRITABLE, INITDB_FAILED
 */
export async function startServer(
  context: Context,
  paths: ClusterPaths,
  found: ServerBinaries,
  options: ServerOptions,
): Promise<RunningServer> {
  const begin = performance.now();
  const running = await findRunningPostmaster(context, paths.dataDir);
  if (running !== undefined) {
    const timings = { startMs: performance.now() - begin };
    return { pid: running.pid, port: running.port, adopted: true, child: undefined, timings };
  }
  const runAs = await chooseRunAs(context, options.namespaces);
  const binaries = await placeBinaries(found, runAs);
  const initdbMs = await ensureCluster(context, paths, binaries, runAs);
  const started = performance.now();
  const server = await launchOnFreePort(context, paths, binaries, runAs, options);
  const startMs = performance.now() - started;
  return { ...server, adopted: false, timings: { ...(initdbMs !== undefined && { initdbMs }), startMs } };
}

async function ensureCluster(
  context: Context,
  paths: ClusterPaths,
  binaries: ServerBinaries,
  runAs: RunAs,
): Promise<number | undefined> {
  if (existsSync(paths.clusterDir)) {
    await verifyDataDir(paths, binaries.major);
    return undefined;
  }
  const begin = performance.now();
  const message = `creating the project's PostgreSQL ${binaries.major} (once)`;
  context.report({ type: 'postgres-initdb', message, major: binaries.major });
  await createCluster(context, paths, binaries, runAs);
  await giveToCaller(runAs, madeFiles(paths));
  return performance.now() - begin;
}

function madeFiles(paths: ClusterPaths): string[] {
  const folders = [paths.stateDir, dirname(paths.clusterDir), paths.clusterDir, paths.usersDir];
  return [
    ...folders,
    join(paths.stateDir, '.gitignore'),
    paths.credentialsFile,
    paths.caFile,
    paths.caKeyFile,
  ];
}

async function verifyDataDir(paths: ClusterPaths, major: PostgresMajor): Promise<void> {
  const version = await readFile(`${paths.dataDir}/PG_VERSION`, 'utf8').catch(() => 'nothing');
  if (version.trim() === String(major)) return;
  throw new UserError(
    'BAD_DATA_DIR',
    `"${paths.dataDir}" should hold data of PostgreSQL ${major} and holds ${version.trim()}`,
    { suggestions: ['start over with an empty database: lambdapg dev --reset'] },
  );
}

/**
 * Launches, and again when a port that was free was taken before the server had it, or when sessions of a killed
 * postmaster still hold its memory. A server that got one loopback address of two is stopped: on the other one its
 * clients would reach whoever took it.
 */
async function launchOnFreePort(
  context: Context,
  paths: ClusterPaths,
  binaries: ServerBinaries,
  runAs: RunAs,
  options: ServerOptions,
): Promise<Pick<RunningServer, 'pid' | 'port' | 'child'>> {
  const addresses = await findLoopback();
  const preferred = options.preferredPort ?? (await readLastPort(paths)) ?? usualPort;
  for (let attempt = 1; ; attempt += 1) {
    const port = await findFreePort(preferred, addresses);
    await writeSettings(paths, runAs, { port, addresses, more: options.settings ?? {} });
    const launch = await launchPostmaster(context, paths, binaries, runAs);
    const outcome = await awaitLaunch(context, paths.dataDir, launch);
    const lines = await readLogTail(paths.logFile, launch.logStart, startLines);
    const missed = missedAddress(lines);
    if (outcome.kind === 'ready' && missed === undefined) {
      if (preferred !== 0 && port !== preferred) reportBusyPort(context, preferred, port);
      await writeFile(paths.portFile, `${port}\n`);
      await giveToCaller(runAs, [paths.logFile, paths.portFile]);
      return { pid: outcome.postmaster.pid, port, child: launch.child };
    }
    if (outcome.kind === 'ready') {
      await stopPostmaster(outcome.postmaster.pid, paths.dataDir, binaries.binDir);
      if (attempt === launchAttempts) throw portTaken(port, missed);
      continue;
    }
    if (attempt === launchAttempts || !isPassing(lines))
      throw explainDeath(paths, binaries, outcome.how, lines.slice(-shownLines));
    await endOrphans(paths.dataDir);
  }
}

/** The address that another process had when the server, which contents itself with one of two, wanted it. */
function missedAddress(lines: readonly string[]): string | undefined {
  for (const line of lines) {
    const address = /could not bind IPv[46] address "([^"]+)"/.exec(line)?.[1];
    if (address !== undefined) return address;
  }
  return undefined;
}

function portTaken(port: number, address: string | undefined): UserError {
  return new UserError(
    'NO_FREE_PORT',
    `another process took port ${port} on ${address} whenever PostgreSQL wanted it`,
    { suggestions: ['choose another with --pg-port'] },
  );
}

/** PostgreSQL's own words: `LC_ALL=C` keeps them English. */
function isPassing(lines: readonly string[]): boolean {
  const words = ['could not create any TCP/IP sockets', 'pre-existing shared memory block'];
  return lines.some((line) => words.some((passing) => line.includes(passing)));
}

function reportBusyPort(context: Context, preferred: number, port: number): void {
  const message = `port ${preferred} is busy: PostgreSQL listens on ${port}`;
  context.report({ type: 'port-busy', message, preferred, port });
}

function explainDeath(
  paths: ClusterPaths,
  binaries: ServerBinaries,
  how: string,
  lines: string[],
): UserError {
  const said = lines.join('\n');
  const disk = explainDiskError(said, paths.stateDir);
  if (disk !== undefined) return disk;
  const contrib = said.includes('pg_stat_statements')
    ? [`install PostgreSQL ${binaries.major}'s contrib modules (pg_stat_statements)`]
    : [];
  return new UserError(
    'POSTGRES_DIED',
    `PostgreSQL ${binaries.major} in "${binaries.binDir}" stopped while starting (${how})${said && `:\n${said}`}`,
    { suggestions: [...contrib, `read its log: ${paths.logFile}`] },
  );
}

async function readLastPort(paths: ClusterPaths): Promise<number | undefined> {
  const port = Number(await readFile(paths.portFile, 'utf8').catch(() => ''));
  return port > 0 && port < 65_536 ? port : undefined;
}
