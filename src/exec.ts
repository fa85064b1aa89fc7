import { spawn as spawnNode } from 'node:child_process';
import { execa } from 'execa';

/*
 * The one place where a child process is started. `execa` runs a command to its end; `spawnProcess` hands out a
 * raw child for the two supervisors (PostgreSQL, execution environments) that need its file descriptors.
 */
export { execa };
export const spawnProcess = spawnNode;
export type { ChildProcess } from 'node:child_process';
