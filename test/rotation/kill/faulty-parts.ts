import type { RotationParts } from '../../../src/rotation/parts.ts';

/** What happens at one effect. `lost`: it is done, and the answer does not come. */
export type Fault = 'before' | 'after' | 'lost';
export const faults: readonly Fault[] = ['before', 'after', 'lost'];

export interface FaultAt {
  /** Of the changing calls of a run, from 0. */
  readonly at: number;
  readonly fault: Fault;
}

const changing = new Set([
  ...['putPending', 'promote', 'clearPending', 'put', 'shift', 'giveNext'],
  ...['prove', 'setPassword', 'retire'],
]);

/** The same parts, which tell of each changing call, and meet the fault at that one. */
export function faultyParts(
  parts: RotationParts,
  faultAt: FaultAt | undefined,
  done: (call: string) => Promise<void>,
): RotationParts {
  let calls = 0;
  const guard = <T extends object>(part: T): T =>
    new Proxy(part, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        if (!changing.has(String(name))) return value.bind(target);
        return async (...args: unknown[]) => {
          const fault = calls === faultAt?.at ? faultAt.fault : undefined;
          calls += 1;
          if (fault === 'before') await die();
          const result: unknown = await value.apply(target, args);
          if (fault === 'after') await die();
          await done(String(name));
          if (fault === 'lost') throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
          return result;
        };
      },
    });
  return {
    ...parts,
    store: guard(parts.store),
    database: guard(parts.database),
    consumers: parts.consumers.map(guard),
    ...(parts.slotStores && { slotStores: parts.slotStores.map(guard) }),
  };
}

/** Nothing of this process happens any more, no `finally` and no handler. */
async function die(): Promise<never> {
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}
