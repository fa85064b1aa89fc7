import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { reportProgress } from '../../src/seed/report-progress.ts';
import { testContext } from '../postgres-server.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

test('rows, share, rate and time left, at most four times a second', () => {
  const context = testContext();
  const progress = reportProgress(context, 'seeds/10_authors.csv', 4_000);
  vi.advanceTimersByTime(100);
  progress({ bytes: 100, rows: 10 });
  expect(context.events).toEqual([]);
  vi.advanceTimersByTime(900);
  progress({ bytes: 1_000, rows: 50 });
  progress({ bytes: 1_100, rows: 55 });
  expect(context.events).toEqual([
    {
      type: 'seed-progress',
      file: 'seeds/10_authors.csv',
      rows: 50,
      bytes: 1_000,
      totalBytes: 4_000,
      rowsPerSecond: 50,
      bytesPerSecond: 1_000,
      secondsLeft: 3,
      message: 'seeds/10_authors.csv: 50 rows, 25 %, 50 rows/s, 3 s left',
    },
  ]);
});
