import type { RotationParts } from '../../src/rotation/parts.ts';

const changing = new Set([
  ...['putPending', 'promote', 'clearPending', 'put', 'shift', 'giveNext'],
  ...['prove', 'setPassword', 'retire', 'endSessions'],
]);

/** The same parts, of which each changing call goes through `guard`. @param guard does the call, or does not */
export function guardedParts(
  parts: RotationParts,
  guard: (call: string, run: () => Promise<unknown>) => Promise<unknown>,
): RotationParts {
  const guarded = <T extends object>(part: T): T =>
    new Proxy(part, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        if (!changing.has(String(name))) return value.bind(target);
        return (...args: unknown[]) => guard(String(name), async () => value.apply(target, args));
      },
    });
  return {
    ...parts,
    store: guarded(parts.store),
    database: guarded(parts.database),
    consumers: parts.consumers.map(guarded),
    ...(parts.slotStores && { slotStores: parts.slotStores.map(guarded) }),
  };
}
