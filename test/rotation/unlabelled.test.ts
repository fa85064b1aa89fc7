import { describe, expect, test } from 'vitest';
import { Cancelled } from '../../src/errors.ts';
import { planRotation } from '../../src/rotation/decide/plan-rotation.ts';
import { memoryJournal } from '../../src/rotation/journal.ts';
import type { RotationDatabase, StoredLogin } from '../../src/rotation/parts.ts';
import { rotate } from '../../src/rotation/rotate.ts';
import { statusOf } from '../../src/rotation/status.ts';
import { FakeClock } from './fake-clock.ts';
import { login } from './memory-store.ts';
import { MemoryWorld } from './memory-world.ts';
import { resumeWish, testContext, wishFor } from './test-run.ts';

/*
 * Somebody takes a label away while its login works: no label leads to that login any more.
 */

function scene(withProxy = false) {
  const clock = new FakeClock();
  const consumers = [{ id: 'function api' }, { id: 'function env', kind: 'holds' as const, staged: true }];
  const world = new MemoryWorld({ clock: clock.now, consumers, withProxy });
  const journal = memoryJournal();
  const run = (wish = resumeWish()) => rotate(testContext(), world.parts, wish, { journal, clock });
  const status = () => statusOf(world.parts, journal, { retire: 'scramble' }, clock.now());
  return { clock, world, run, status };
}

type Scene = ReturnType<typeof scene>;

/** The run dies when it is about to do that. */
async function killedAt({ world, run }: Scene, effect: 'retire' | 'promote'): Promise<void> {
  const die = () => Promise.reject(new Cancelled('killed'));
  const part = effect === 'promote' ? world.store : world.database;
  const wasOwn = Object.assign(part, { [effect]: die });
  await expect(run(wishFor())).rejects.toThrow('killed');
  Reflect.deleteProperty(wasOwn, effect);
}

/** As `killedAt`, and then a label goes. @returns the login that is left open */
const openings: Readonly<Record<string, (all: Scene) => Promise<StoredLogin | undefined>>> = {
  'AWSPENDING, before the promotion': async (all) => {
    await killedAt(all, 'promote');
    const open = all.world.store.login(all.world.store.pending);
    all.world.store.pending = undefined;
    return open;
  },
  'AWSPREVIOUS, before the retiring': async (all) => {
    await killedAt(all, 'retire');
    all.world.store.previous = undefined;
    return login('shop_a', 'first password');
  },
  'AWSPREVIOUS and AWSPENDING, before the retiring': async (all) => {
    await killedAt(all, 'retire');
    Object.assign(all.world.store, { previous: undefined, pending: undefined });
    return login('shop_a', 'first password');
  },
};

describe.each(Object.keys(openings))('%s', (name) => {
  test.each([
    ['--resume', resumeWish()],
    ['--repair', resumeWish({ repair: true })],
    ['the next rotation, which is not begun', wishFor()],
  ])('is told by the status, and closed by %s', async (_how, wish) => {
    const all = scene();
    const { world, run, status } = all;
    const open = await openings[name]?.(all);
    if (open === undefined) throw new Error('nothing was opened');
    expect(world.database.accepts(open)).toBe(true);
    const told = await status();
    expect(told.isOpen).toBe(true);
    expect(told.versions).toContainEqual(
      expect.objectContaining({ label: 'unlabelled', user: open.user, login: 'ok' }),
    );
    const current = world.store.login(world.store.current);
    const report = await run(wish);
    expect(report).toMatchObject({ outcome: 'closed', exit: 0, currentUser: current?.user });
    expect(report.effects.map(({ name: done }) => done)).toContain('retire');
    expect(world.database.accepts(open)).toBe(false);
    expect(world.violations()).toEqual([]);
    expect((await run()).effects).toEqual([]);
    expect(await status()).toMatchObject({ isOpen: false });
    expect((await status()).versions.map(({ label }) => label)).not.toContain('unlabelled');
  });

  test('has its drain: who read it before may use it that long', async () => {
    const all = scene();
    await openings[name]?.(all);
    const startedAt = all.clock.now();
    await all.run();
    // The longest of the consumers, and another quarter in which late logins are watched for.
    expect(all.clock.now() - startedAt).toBeGreaterThanOrEqual(1_250);
  });

  test('the plan has it', async () => {
    const all = scene();
    await openings[name]?.(all);
    const plan = await planRotation(all.world.parts, resumeWish(), { now: all.clock.now });
    expect(plan).toMatchObject({ isOpen: true, ending: { next: 'closed' } });
    expect(plan.steps).toContainEqual(
      expect.objectContaining({ effect: expect.objectContaining({ do: 'retire' }) }),
    );
  });
});

test('behind a proxy its slot gets a login that works, and that nobody has', async () => {
  const all = scene(true);
  const open = await openings['AWSPENDING, before the promotion']?.(all);
  expect((await all.run()).effects.map(({ name }) => name)).toEqual([
    // The share that tried it goes back.
    'shift',
    'prove',
    'prove',
    'renew-slot-secret',
    'set-password',
  ]);
  const slot = await all.world.slotStores[1]?.read();
  expect(slot && all.world.database.accepts(slot)).toBe(true);
  expect(open && all.world.database.accepts(open)).toBe(false);
});

test('one of a role that is no slot is told, and left alone', async () => {
  const { world, run, status } = scene();
  world.store.versions.set('theirs', login('admin', 'of the admin'));
  world.database.change('admin', 'of the admin');
  expect(await status()).toMatchObject({
    isOpen: false,
    versions: [{}, { label: 'unlabelled', user: 'admin' }],
  });
  expect((await run()).effects).toEqual([]);
  expect(world.database.accepts(login('admin', 'of the admin'))).toBe(true);
});

test('where versions may not be listed, that is said, and nothing is stopped by it', async () => {
  const { world, run, status } = scene();
  Object.assign(world.store, { unlabelled: async () => 'secretsmanager:ListSecretVersionIds is missing' });
  const unlabelledHidden = expect.stringContaining('ListSecretVersionIds');
  expect(await run(wishFor())).toMatchObject({ outcome: 'closed', unlabelledHidden });
  expect(await status()).toMatchObject({ isOpen: false, unlabelledHidden });
});

test('one that is refused everywhere is tried once in a run', async () => {
  const { world, run } = scene();
  world.store.versions.set('dead', login('shop_b', 'long dead'));
  const tried: string[] = [];
  const logins = world.database.logins.bind(world.database);
  const counting: RotationDatabase['logins'] = (value) => {
    tried.push(value.password.reveal());
    return logins(value);
  };
  Object.assign(world.database, { logins: counting });
  expect(await run(wishFor())).toMatchObject({ outcome: 'closed' });
  expect(tried.filter((password) => password === 'long dead')).toHaveLength(1);
});
