import { describe, expect, test } from 'vitest';
import { Cancelled } from '../../src/errors.ts';
import { formatRotation } from '../../src/terminal/format-rotation.ts';
import { login } from './memory-store.ts';
import type { MemoryWorld } from './memory-world.ts';
import { scene } from './rotation-scene.ts';
import { resumeWish, wishFor } from './test-run.ts';

test('two slots: a rotation closes, and the old login is dead', async () => {
  const { world, run } = scene();
  const before = await world.store.read();
  const report = await run(wishFor());
  expect(report.effects.map(({ name }) => name)).toEqual([
    'put-pending',
    'set-password',
    'shift',
    'promote',
    'shift',
    'shift',
    'shift',
    'prove',
    'prove',
    'retire',
    'clear-pending',
  ]);
  expect(report).toMatchObject({ outcome: 'closed', exit: 0, currentUser: 'shop_b', incidents: [] });
  expect(report.consumers.map(({ holds, proved }) => [holds, proved])).toEqual([
    ['current', true],
    ['current', true],
    ['current', false],
  ]);
  // Nothing but sleep takes time by this clock.
  const { soak = 0, drain = 0, ...others } = report.waitedMs;
  expect(others).toEqual({});
  expect(soak).toBeGreaterThanOrEqual(120_000);
  expect(drain).toBeGreaterThanOrEqual(report.drainMs);
  expect(soak + drain).toBe(report.durationMs);
  expect(formatRotation(report, process.stdout)).toMatch(
    /^closed \(11 changes in [\d.]+ s, of which waiting: soak [\d.]+ s, drain [\d.]+ s; login shop_b\)/,
  );
  expect(world.database.accepts(before.current!.login)).toBe(false);
  expect(world.violations()).toEqual([]);
  expect(JSON.stringify(report)).not.toContain(before.current!.login.password.reveal());
});

test('the next rotation takes the other slot again', async () => {
  const { run } = scene();
  await run(wishFor());
  expect(await run(wishFor())).toMatchObject({
    outcome: 'closed',
    previousUser: 'shop_b',
    currentUser: 'shop_a',
  });
});

test('from an adopted role it goes to slot a, and that role is retired', async () => {
  const { world, run } = scene({ user: 'shop' });
  expect(await run(wishFor())).toMatchObject({
    outcome: 'closed',
    previousUser: 'shop',
    currentUser: 'shop_a',
  });
  expect(world.database.accepts(login('shop', 'first password'))).toBe(false);
});

test('an open rotation is finished, and no other is begun', async () => {
  const { world, run } = scene();
  const first = wishFor();
  await world.store.putPending(first.start!, login('shop_b', 'stored before the crash'));
  const report = await run(wishFor());
  expect(report).toMatchObject({ outcome: 'closed', rotation: first.start });
  expect(world.database.accepts(login('shop_b', 'stored before the crash'))).toBe(true);
});

describe('the way back', () => {
  async function opened() {
    const all = scene();
    Object.assign(all.world.database, { retire: () => Promise.reject(new Cancelled('killed')) });
    await expect(all.run(wishFor())).rejects.toThrow('killed');
    Reflect.deleteProperty(all.world.database, 'retire');
    return all;
  }

  test('before the old login is retired everything goes back to it', async () => {
    const { world, run } = await opened();
    const report = await run(resumeWish({ rollback: true }));
    expect(report).toMatchObject({ outcome: 'rolled back', exit: 0, currentUser: 'shop_a' });
    expect(report.effects.map(({ name }) => name)).toEqual([
      'promote',
      'shift',
      'shift',
      'retire',
      'clear-pending',
    ]);
    expect(world.violations()).toEqual([]);
    expect(world.database.accepts(login('shop_a', 'first password'))).toBe(true);
  });

  test('killed on the way back, --resume goes forward and --rollback goes on back', async () => {
    for (const [wish, user] of [
      [resumeWish(), 'shop_b'],
      [resumeWish({ rollback: true }), 'shop_a'],
    ] as const) {
      const { world, run, copy } = await opened();
      const shift = copy.shift;
      copy.shift = () => Promise.reject(new Cancelled('killed'));
      await expect(run(resumeWish({ rollback: true }))).rejects.toThrow('killed');
      copy.shift = shift;
      expect(await run(wish)).toMatchObject({ exit: 0, currentUser: user });
      expect(world.violations()).toEqual([]);
    }
  });

  test('afterwards it is too late', async () => {
    const { run } = scene();
    await run(wishFor());
    const report = await run(resumeWish({ rollback: true }));
    expect(report).toMatchObject({ outcome: 'refused', exit: 1, stopped: { code: 'ROLLBACK_TOO_LATE' } });
    expect(report.stopped?.suggestions.join()).toContain('rotate forward');
  });

  test('behind a proxy its slot gets a login that works, and that nobody has', async () => {
    const { world, run, env } = scene({ withProxy: true });
    env.share = { calls: 10, errors: 3 };
    expect(await run(wishFor())).toMatchObject({ outcome: 'rolled back' });
    const slot = (await world.slotStores[1]!.read())!;
    expect(world.database.accepts(slot)).toBe(true);
    expect(world.violations()).toEqual([]);
  });
});

/** The process dies before it can put the old password back. */
function setOnce({ database }: MemoryWorld): MemoryWorld['database']['setPassword'] {
  const setPassword = database.setPassword.bind(database);
  let calls = 0;
  return async (value) => {
    calls += 1;
    if (calls > 1) throw new Cancelled('killed');
    await setPassword(value);
  };
}

describe('one role', () => {
  test('next: a consumer that takes no candidate refuses the start and is named', async () => {
    const { run, copy } = scene();
    Object.assign(copy, { takesNext: false });
    const report = await run(wishFor({ strategy: 'next' }));
    expect(report).toMatchObject({
      outcome: 'refused',
      exit: 1,
      effects: [],
      stopped: { code: 'NEXT_NOT_TAKEN' },
    });
    expect(report.stopped?.why).toContain('parameter /shop/url');
  });

  test('single: a promotion that does not come puts the old password back', async () => {
    const { world, run } = scene();
    Object.assign(world.store, { promote: () => new Promise(() => {}) });
    const failed = run(wishFor({ strategy: 'single', acceptWindow: true }));
    await expect(failed).rejects.toThrow(/could not be made current within 5 s; its old password is back/);
    expect(world.database.accepts(login('shop_a', 'first password'))).toBe(true);
    Reflect.deleteProperty(world.store, 'promote');
    expect(await run(resumeWish({ strategy: 'single', acceptWindow: true }))).toMatchObject({
      outcome: 'closed',
    });
  });

  test('single: a promotion whose answer does not come is found to be done', async () => {
    const { world, run } = scene();
    const promote = world.store.promote.bind(world.store);
    Object.assign(world.store, {
      promote: async (to: string, from: string) => {
        await promote(to, from);
        await new Promise(() => {});
      },
    });
    expect(await run(wishFor({ strategy: 'single', acceptWindow: true }))).toMatchObject({
      outcome: 'closed',
    });
  });

  test.each(['next', 'single'] as const)(
    '%s: back as long as the database has the old password',
    async (strategy) => {
      const { world, run } = scene();
      const killed = { promote: () => Promise.reject(new Cancelled('killed')) };
      Object.assign(world.store, killed);
      Object.assign(world.database, strategy === 'single' && { setPassword: setOnce(world) });
      await run(wishFor({ strategy, acceptWindow: true })).catch(() => {});
      Reflect.deleteProperty(world.store, 'promote');
      Reflect.deleteProperty(world.database, 'setPassword');
      const report = await run(resumeWish({ strategy, rollback: true, acceptWindow: true }));
      expect(report).toMatchObject({ outcome: 'rolled back', exit: 0 });
      expect(world.database.accepts(login('shop_a', 'first password'))).toBe(true);
      expect(world.store.pending).toBeUndefined();
      expect(world.consumers.every(({ next }) => next === undefined)).toBe(true);
    },
  );
});
