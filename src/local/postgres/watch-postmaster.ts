import type { ClusterPaths } from './cluster-paths.ts';
import { isPostmaster } from './postmaster-file.ts';
import { readLogTail } from './server-log.ts';
import type { RunningServer } from './start-server.ts';

/** A server that went away underneath. */
export interface PostmasterExit {
  readonly pid: number;
  /** `exit code 1`, `SIGKILL`, or `gone` when another process had started it. */
  readonly how: string;
  /** Its last words. */
  readonly logLines: readonly string[];
}

export interface PostmasterWatch {
  onExit(listener: (exit: PostmasterExit) => void): void;
  /** No listener is called after this. */
  end(): void;
}

const pollMs = 250;

/** Notices the end of a server: at once for a child, else by looking four times a second. Keeps no process alive. */
export function watchPostmaster(
  { pid, child }: Pick<RunningServer, 'pid' | 'child'>,
  paths: Pick<ClusterPaths, 'dataDir' | 'logFile'>,
): PostmasterWatch {
  const listeners = new Set<(exit: PostmasterExit) => void>();
  let over: PostmasterExit | undefined;
  let ended = false;
  const finish = async (how: string) => {
    clearInterval(timer);
    const exit = { pid, how, logLines: await readLogTail(paths.logFile) };
    if (ended) return;
    over = exit;
    for (const listener of listeners) listener(exit);
  };
  const timer = setInterval(() => {
    if (!isPostmaster(pid, paths.dataDir)) void finish('gone');
  }, pollMs).unref();
  if (child !== undefined) {
    clearInterval(timer);
    if (child.exitCode !== null || child.signalCode !== null)
      void finish(describeExit(child.exitCode, child.signalCode));
    else child.once('exit', (code, signal) => void finish(describeExit(code, signal)));
  }
  return {
    onExit(listener) {
      if (over === undefined) listeners.add(listener);
      else listener(over);
    },
    end() {
      ended = true;
      clearInterval(timer);
    },
  };
}

function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  return signal ?? `exit code ${code}`;
}
