import { chmod } from 'node:fs/promises';

const nobody = 65_534;

/**
 * Runs `work` as somebody who may read `dir` and not write into it: as `nobody` when the tests run as root, whom no mode
 * stops.
 */
export async function asOrdinaryUser<T>(dir: string, work: () => Promise<T>): Promise<T> {
  await chmod(dir, 0o555);
  const isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid?.(nobody);
  try {
    return await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
    await chmod(dir, 0o755);
  }
}
