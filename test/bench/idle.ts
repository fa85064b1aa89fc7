import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const sampleMs = 2_000;
/** A machine with this share of its time to spare counts as quiet. */
const quiet = 0.85;
const patienceMs = 5 * 60_000;

/** The share of all processors' time, 0 to 1, that nobody used for two seconds. */
export async function measureIdle(): Promise<number> {
  const before = processorTimes();
  await sleep(sampleMs);
  const after = processorTimes();
  return (after.idle - before.idle) / (after.all - before.all);
}

function processorTimes(): { idle: number; all: number } {
  const times = cpus().map((cpu) => cpu.times);
  const idle = times.reduce((sum, time) => sum + time.idle, 0);
  const all = times.flatMap((time) => Object.values(time)).reduce((sum, time) => sum + time, 0);
  return { idle, all };
}

/** Waits until the machine has been quiet for three samples, at most five minutes. @returns the last sample */
export async function waitForQuiet(): Promise<number> {
  const until = performance.now() + patienceMs;
  let inRow = 0;
  for (;;) {
    const idle = await measureIdle();
    inRow = idle >= quiet ? inRow + 1 : 0;
    if (inRow === 3 || performance.now() > until) return idle;
  }
}
