import { setTimeout as pause } from 'node:timers/promises';
import { type LoadOptions, type LoadTarget, startLoad, usualLoad, warmUp } from './load.ts';
import type { LoadReport } from './load-report.ts';
import type { LoadWorld } from './load-world.ts';
import type { Metrics } from './retries.ts';

export interface MeasuredLoad<T> {
  readonly report: LoadReport;
  /** What the connection module told meanwhile. */
  readonly metrics: readonly Metrics[];
  readonly rotation: T;
}

export interface LoadTimes {
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly load?: Partial<Omit<LoadOptions, 'targets'>>;
}

/** Warm environments under constant load, a rotation in the middle of it. */
export async function measureRotation<T>(
  world: LoadWorld,
  targets: readonly LoadTarget[],
  { beforeMs, afterMs, load: changed = {} }: LoadTimes,
  rotate: () => Promise<T>,
): Promise<MeasuredLoad<T>> {
  await warmUp(targets, Math.min(world.environments, Math.ceil(34 / targets.length)));
  world.takeMetrics();
  const load = startLoad({ targets, ...usualLoad, ...changed });
  let rotation: T;
  try {
    await Promise.all([pause(beforeMs), load.answered]);
    load.enter('during');
    rotation = await rotate();
    load.enter('after');
    await pause(afterMs);
  } finally {
    // Also when the rotation threw: nothing may arrive at a world that is cleaned up.
    await load.stop();
  }
  return { report: await load.stop(), metrics: world.takeMetrics(), rotation };
}
