import type { RotationParts } from '../../../src/rotation/parts.ts';
import { guardedParts } from '../guarded-parts.ts';

/** What happens at one effect. `lost`: it is done, and the answer does not come. */
export type Fault = 'before' | 'after' | 'lost';
export const faults: readonly Fault[] = ['before', 'after', 'lost'];

export interface FaultAt {
  /** Of the changing calls of a run, from 0. */
  readonly at: number;
  readonly fault: Fault;
}

/** The same parts, which tell of each changing call, and meet the fault at that one. */
export function faultyParts(
  parts: RotationParts,
  faultAt: FaultAt | undefined,
  done: (call: string) => Promise<void>,
): RotationParts {
  let calls = 0;
  return guardedParts(parts, async (call, run) => {
    const fault = calls === faultAt?.at ? faultAt.fault : undefined;
    calls += 1;
    if (fault === 'before') await die();
    const result = await run();
    if (fault === 'after') await die();
    await done(call);
    if (fault === 'lost') throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    return result;
  });
}

/** Nothing of this process happens any more, no `finally` and no handler. */
async function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}
