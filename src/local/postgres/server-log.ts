import { closeSync, openSync } from 'node:fs';
import { open, rename, stat } from 'node:fs/promises';

const longestBytes = 10_000_000;
const tailBytes = 16_384;

/** Opens the log for a server's output and says where its lines will begin; a log above 10 MB is put aside first. */
export async function openServerLog(
  file: string,
): Promise<{ descriptor: number; start: number; close(): void }> {
  let start = (await stat(file).catch(() => undefined))?.size ?? 0;
  if (start > longestBytes) {
    await rename(file, `${file}.1`);
    start = 0;
  }
  const descriptor = openSync(file, 'a', 0o600);
  return { descriptor, start, close: () => closeSync(descriptor) };
}

/** The last lines that were written at or after byte `start`; none when the file is missing. */
export async function readLogTail(file: string, start = 0, lines = 8): Promise<string[]> {
  const log = await open(file).catch(() => undefined);
  if (log === undefined) return [];
  try {
    const { size } = await log.stat();
    const from = Math.max(start, size - tailBytes, 0);
    const { buffer, bytesRead } = await log.read(Buffer.alloc(Math.max(size - from, 0)), 0, undefined, from);
    const text = buffer.subarray(0, bytesRead).toString('utf8');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .slice(-lines);
  } finally {
    await log.close();
  }
}
