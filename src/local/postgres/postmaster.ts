import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../../context.ts';
import { errorCode } from '../../errors.ts';
import { type ChildProcess, execa, spawnProcess } from '../../exec.ts';
import type { ClusterPaths } from './cluster-paths.ts';
import { isPostmaster, type Postmaster, readPostmasterFile } from './postmaster-file.ts';
import { commandAs, type RunAs, serverEnvironment } from './run-as.ts';
import type { ServerBinaries } from './server-binaries.ts';
import { openServerLog } from './server-log.ts';

const pollMs = 10;
/** Fast shutdown takes 12 to 70 ms; a quit after it loses nothing, the next start replays the log. */
const fastMs = 1_500;
const quitMs = 3_000;
/** How long pg_ctl's server may take to write its lock file. */
const pgCtlMs = 10_000;

/** A server that takes connections. */
export type ReadyPostmaster = Postmaster & { readonly port: number };

/** A server that was started here and is not yet known to be ready. */
export interface Launch {
  /** Undefined on Windows, where pg_ctl starts it. */
  readonly child: ChildProcess | undefined;
  /** The process that an older lock file named. */
  readonly stalePid: number | undefined;
  /** Byte of the log at which its own lines begin. */
  readonly logStart: number;
}

/** What a launch came to. */
export type LaunchOutcome =
  | { readonly kind: 'ready'; readonly postmaster: ReadyPostmaster }
  | { readonly kind: 'died'; readonly how: string };

/** Starts a postmaster that outlives this process. No live one may be on the folder. */
export async function launchPostmaster(
  context: Context,
  paths: ClusterPaths,
  binaries: ServerBinaries,
  runAs: RunAs,
): Promise<Launch> {
  const dataDir = realpathSync(paths.dataDir);
  const stalePid = (await readPostmasterFile(dataDir))?.pid;
  // PostgreSQL refuses to start while `kill(pid, 0)` finds the process of an old lock file: a zombie, or another program
  // that got its number. It ignores the number that it is told is its grandparent's.
  const grandparent = stalePid !== undefined && { PG_GRANDPARENT_PID: String(stalePid) };
  const env = { ...serverEnvironment(context.env), ...grandparent };
  const log = await openServerLog(paths.logFile);
  try {
    if (process.platform === 'win32') {
      // postgres.exe refuses an administrator; pg_ctl drops the rights first.
      const args = ['start', '-D', dataDir, '-l', paths.logFile, '-W'];
      await execa(join(binaries.binDir, 'pg_ctl'), args, { env, extendEnv: false, reject: false });
      return { child: undefined, stalePid, logStart: log.start };
    }
    const command = commandAs(runAs, join(binaries.binDir, 'postgres'), ['-D', dataDir]);
    const child = spawnProcess(command.file, command.args, {
      ...command.user,
      cwd: '/',
      env,
      detached: true,
      stdio: ['ignore', log.descriptor, log.descriptor],
    });
    child.unref();
    return { child, stalePid, logStart: log.start };
  } finally {
    log.close();
  }
}

/**
 * Waits until the launched server takes connections or is gone.
 *
 * @throws the signal's reason when it aborts; the server is stopped then
 */
export async function awaitLaunch(context: Context, dataDir: string, launch: Launch): Promise<LaunchOutcome> {
  const { child, stalePid } = launch;
  let died: string | undefined;
  child?.once('error', (error) => {
    died = `it cannot be run (${errorCode(error) ?? error.message})`;
  });
  child?.once('exit', (code, signal) => {
    died = signal === null ? `exit code ${code}` : signal;
  });
  for (let waitedMs = 0; ; waitedMs += pollMs) {
    const found = await readPostmasterFile(dataDir);
    if (died !== undefined) return { kind: 'died', how: died };
    const ours = found !== undefined && (child ? found.pid === child.pid : found.pid !== stalePid);
    if (ours && found.status === 'ready' && found.port !== undefined) {
      return { kind: 'ready', postmaster: { ...found, port: found.port } };
    }
    if (child === undefined && (ours ? !isPostmaster(found.pid, dataDir) : waitedMs > pgCtlMs)) {
      return { kind: 'died', how: 'pg_ctl could not start it' };
    }
    if (context.signal.aborted) {
      if (child?.pid !== undefined) await signalUntil(child.pid, () => died !== undefined);
      throw context.signal.reason;
    }
    await sleep(pollMs);
  }
}

/**
 * The live postmaster of the folder, once it takes connections; undefined when there is none, or it was just stopping.
 *
 * @throws the signal's reason when it aborts the wait
 */
export async function findRunningPostmaster(
  context: Context,
  dataDir: string,
): Promise<ReadyPostmaster | undefined> {
  for (;;) {
    const found = await readPostmasterFile(dataDir);
    if (found === undefined || !isPostmaster(found.pid, dataDir)) return undefined;
    if (found.status === 'ready' && found.port !== undefined) return { ...found, port: found.port };
    context.signal.throwIfAborted();
    await sleep(pollMs);
  }
}

/** Shuts down fast (sessions are ended, the rest is written), then ever harder. Returns when the process is gone. */
export async function stopPostmaster(pid: number, dataDir: string, binDir: string): Promise<void> {
  if (process.platform === 'win32') {
    const args = ['stop', '-D', dataDir, '-m', 'fast', '-t', '5'];
    await execa(join(binDir, 'pg_ctl'), args, { reject: false });
  }
  await signalUntil(pid, () => !isPostmaster(pid, dataDir));
}

async function signalUntil(pid: number, isGone: () => boolean): Promise<void> {
  const steps = [
    ['SIGINT', fastMs],
    ['SIGQUIT', quitMs],
    ['SIGKILL', quitMs],
  ] as const;
  for (const [signal, waitMs] of steps) {
    if (isGone()) return;
    sendSignal(pid, signal);
    for (let waited = 0; waited < waitMs && !isGone(); waited += pollMs) await sleep(pollMs);
  }
}

/** Ends a postmaster or a session at once, without a checkpoint: the next start replays the log. Does not wait. */
export function quitServerProcess(pid: number): void {
  sendSignal(pid, process.platform === 'win32' ? 'SIGKILL' : 'SIGQUIT');
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error;
  }
}
