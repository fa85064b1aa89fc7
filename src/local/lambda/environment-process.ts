import { type ChildProcess, spawnProcess } from '../../exec.ts';

/** How a process ended: with a status, by a signal, or not at all because it could not be started. */
export interface ProcessExit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly startError?: Error;
}

export interface ProcessCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onOutput: (stream: 'stdout' | 'stderr', chunk: Buffer) => void;
  readonly onExit: (exit: ProcessExit) => void;
}

/** The process of one execution environment, leader of its own process group where the system has groups. */
export interface EnvironmentProcess {
  readonly pid: number | undefined;
  readonly alive: boolean;
  freeze(): void;
  thaw(): void;
  /** Reaches the children of the process, too; a stopped one is woken so that it can end. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** Resolves when the process has ended and its output has been read. */
  readonly ended: Promise<void>;
}

const hasGroups = process.platform !== 'win32';
/** A grandchild that outlives the process may hold its output open; the end is not put off for that. */
const outputGraceMs = 100;

export function startEnvironmentProcess(command: ProcessCommand): EnvironmentProcess {
  const child = spawnProcess(command.file, [...command.args], {
    cwd: command.cwd,
    env: { ...command.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C in the terminal is for lambdapg, which ends the environments in order.
    detached: hasGroups,
    windowsHide: true,
  });
  let alive = child.pid !== undefined;
  child.stdout?.on('data', (chunk: Buffer) => command.onOutput('stdout', chunk));
  child.stderr?.on('data', (chunk: Buffer) => command.onOutput('stderr', chunk));
  const ended = new Promise<void>((resolve) => {
    whenEnded(child, (exit) => {
      alive = false;
      // What the process left running in its group goes with it.
      signalGroup(child, 'SIGKILL');
      command.onExit(exit);
      resolve();
    });
  });
  return {
    pid: child.pid,
    get alive() {
      return alive;
    },
    freeze: () => signalGroup(child, 'SIGSTOP'),
    thaw: () => signalGroup(child, 'SIGCONT'),
    signal: (signal) => {
      signalGroup(child, signal);
      if (signal !== 'SIGKILL') signalGroup(child, 'SIGCONT');
    },
    ended,
  };
}

function whenEnded(child: ChildProcess, tell: (exit: ProcessExit) => void): void {
  let exit: ProcessExit | undefined;
  const finish = (found: ProcessExit) => {
    if (exit !== undefined) return;
    exit = found;
    tell(found);
  };
  child.once('error', (startError) => finish({ status: null, signal: null, startError }));
  child.once('close', (status, signal) => finish({ status, signal }));
  child.once('exit', (status, signal) => {
    setTimeout(() => finish({ status, signal }), outputGraceMs);
  });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    if (hasGroups) process.kill(-child.pid, signal);
    else if (signal === 'SIGTERM' || signal === 'SIGKILL') child.kill(signal);
  } catch {
    // ESRCH: it is gone already, which is what every caller wants or learns from `onExit`.
  }
}
