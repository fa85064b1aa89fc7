import type { Context } from '../context.ts';
import type { ReadProgress } from './seed-rows.ts';

const everyMs = 250;

/** Reports at most four times a second how far the reading of a file is, its rate and the time left. */
export function reportProgress(
  context: Context,
  file: string,
  totalBytes: number,
): (read: ReadProgress) => void {
  const startedAt = performance.now();
  let reportedAt = startedAt;
  return ({ bytes, rows }) => {
    const now = performance.now();
    if (now - reportedAt < everyMs) return;
    reportedAt = now;
    const seconds = (now - startedAt) / 1000;
    const rowsPerSecond = Math.round(rows / seconds);
    const bytesPerSecond = Math.round(bytes / seconds);
    const secondsLeft = Math.max(0, Math.round((totalBytes - bytes) / Math.max(1, bytesPerSecond)));
    const percent = totalBytes === 0 ? 100 : Math.floor((bytes / totalBytes) * 100);
    const message = `${file}: ${rows} rows, ${percent} %, ${rowsPerSecond} rows/s, ${secondsLeft} s left`;
    context.report({
      type: 'seed-progress',
      file,
      rows,
      bytes,
      totalBytes,
      rowsPerSecond,
      bytesPerSecond,
      secondsLeft,
      message,
    });
  };
}
