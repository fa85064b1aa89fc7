import { readFileSync } from 'node:fs';
import { execa } from '../../exec.ts';

/** Memory of a process and its descendants, in whole MB. */
export interface ProcessMemory {
  readonly currentMb: number;
  /** The highest so far, where the system keeps it; otherwise what it is now. */
  readonly peakMb: number;
}

/** Cheap where /proc answers at once; where `ps` has to run, less often. */
export const memorySampleMs = process.platform === 'linux' ? 100 : 500;

/** undefined: the process is gone, or the system does not tell (Windows). */
export async function readProcessMemory(pid: number): Promise<ProcessMemory | undefined> {
  if (process.platform === 'linux') return readProcMemory(pid);
  if (process.platform === 'win32') return undefined;
  const { stdout, exitCode } = await execa('ps', ['-axo', 'pid=,ppid=,rss='], { reject: false });
  return exitCode === 0 ? sumProcessTree(stdout, pid) : undefined;
}

/** As `readProcessMemory`, at once, on Linux alone. The peak is the process's own, or the whole tree's of now. */
export function readProcMemory(pid: number): ProcessMemory | undefined {
  const own = readProcStatus(pid);
  if (own === undefined) return undefined;
  const children = childrenOf(pid).map((child) => readProcMemory(child)?.currentMb ?? 0);
  const currentMb = toMb(own.currentKb) + children.reduce((sum, mb) => sum + mb, 0);
  return { currentMb, peakMb: Math.max(currentMb, toMb(own.peakKb)) };
}

function readProcStatus(pid: number): { currentKb: number; peakKb: number } | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const kb = (field: string) => Number(status.match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'))?.[1] ?? 0);
    return { currentKb: kb('VmRSS'), peakKb: kb('VmHWM') };
  } catch {
    return undefined;
  }
}

function childrenOf(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();
    return children === '' ? [] : children.split(' ').map(Number);
  } catch {
    // Gone, or a kernel without CONFIG_PROC_CHILDREN.
    return [];
  }
}

/** `listing`: lines of pid, parent pid and resident KB, as `ps -o pid=,ppid=,rss=` prints them. */
export function sumProcessTree(listing: string, root: number): ProcessMemory | undefined {
  const rows = listing
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  if (!rows.some(([pid]) => pid === root)) return undefined;
  const inTree = new Set([root]);
  let grown = true;
  while (grown) {
    grown = false;
    for (const [pid, parent] of rows) {
      if (pid === undefined || parent === undefined || inTree.has(pid) || !inTree.has(parent)) continue;
      inTree.add(pid);
      grown = true;
    }
  }
  const kb = rows.reduce(
    (sum, [pid, , rss]) => sum + (pid !== undefined && inTree.has(pid) ? (rss ?? 0) : 0),
    0,
  );
  return { currentMb: toMb(kb), peakMb: toMb(kb) };
}

function toMb(kb: number): number {
  return Math.ceil(kb / 1024);
}
