import { describe, expect, test } from 'vitest';
import { readProcMemory, sumProcessTree } from '../../../src/local/lambda/process-memory.ts';

describe('memory of a process and its descendants', () => {
  // As `ps -axo pid=,ppid=,rss=` prints it on macOS.
  const listing =
    '    1     0  1000\n  500     1  2048\n  502   501  1024\n  501   500  1024\n  900     1 99999\n';

  test.each([
    [500, 4],
    [501, 2],
    [502, 1],
  ])('of %i: %i MB', (pid, mb) => {
    expect(sumProcessTree(listing, pid)).toEqual({ currentMb: mb, peakMb: mb });
  });

  test('of a process that is gone', () => {
    expect(sumProcessTree(listing, 7)).toBeUndefined();
    expect(readProcMemory(2 ** 30)).toBeUndefined();
  });

  test('from /proc, what Node says of itself', () => {
    const memory = readProcMemory(process.pid);
    const rssMb = process.memoryUsage().rss / 2 ** 20;
    expect(Math.abs((memory?.currentMb ?? 0) - rssMb)).toBeLessThan(64);
    expect(memory?.peakMb).toBeGreaterThanOrEqual(memory?.currentMb ?? Number.NaN);
  });
});
