import { readFileSync } from 'node:fs';
import { errorCode } from '../../errors.ts';

/** One process, told apart from a later one with the same number where the system says when it started. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Linux: clock ticks since boot, field 22 of `/proc/<pid>/stat`. */
  readonly startTicks?: string;
}

export function identifyProcess(pid: number): ProcessIdentity {
  const startTicks = readProcStat(pid)?.startTicks;
  return { pid, ...(startTicks !== undefined && { startTicks }) };
}

/**
 * Whether that very process runs. A zombie does not: under a PID 1 that never reaps (containers without an init),
 * `kill(pid, 0)` calls it alive for ever.
 */
export function isRunning({ pid, startTicks }: ProcessIdentity): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (errorCode(error) !== 'EPERM') return false;
  }
  const stat = readProcStat(pid);
  if (stat === undefined) return true;
  return (
    stat.state !== 'Z' && stat.state !== 'X' && (startTicks === undefined || startTicks === stat.startTicks)
  );
}

/** Undefined off Linux, and when the process is gone. */
function readProcStat(pid: number): { state: string; startTicks: string } | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the command in brackets, may hold spaces and brackets itself.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTicks: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}
