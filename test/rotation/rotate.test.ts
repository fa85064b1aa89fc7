import { describe, expect, test } from 'vitest';
import { Cancelled, exitCodes, UserError } from '../../src/errors.ts';
import type { Wish } from '../../src/rotation/decide/decision.ts';
import { memoryJournal } from '../../src/rotation/journal.ts';
import type { SessionSeen } from '../../src/rotation/observation.ts';
import { rotate } from '../../src/rotation/rotate.ts';
import type { RotateOptions } from '../../src/rotation/rotate-options.ts';
import { formatRotation } from '../../src/terminal/format-rotation.ts';
import { FakeClock } from './fake-clock.ts';
import { login, type MemoryConsumerOptions, MemoryWorld, type MemoryWorldOptions } from './memory-parts.ts';
import { resumeWish, testContext, wishFor } from './test-run.ts';

const consumers: readonly MemoryConsumerOptions[] = [
  { id: 'function api' },
  { id: 'function env', kind: 'holds', staged: true },
  { id: 'parameter /shop/url', kind: 'holds', unproved: 'nobody can ask a parameter' },
];

function scene(options: Partial<MemoryWorldOptions> = {}) {
  const clock = new FakeClock();
  const world = new MemoryWorld({ clock: clock.now, consumers, ...options });
  const journal = memoryJournal();
  const context = testContext();
  const run = (wish: Wish, more: Partial<RotateOptions> = {}) =>
    rotate(context, world.parts, wish, { journal, clock, ...more });
  const [follower, env, copy] = world.consumers;
  return { clock, world, journal, context, run, follower: follower!, env: env!, copy: copy! };
}

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

describe('time', () => {
  test('a drain is waited for to its end, then late logins are watched for, and not longer', async () => {
    const { clock, follower, run } = scene();
    Object.assign(follower, { drainMs: 300_000 });
    const began = clock.now();
    expect(await run(wishFor({ canary: [100] }), { patienceMs: 1_000 })).toMatchObject({
      drainMs: 300_000,
      exit: 0,
    });
    expect(clock.now() - began).toBeLessThan(361_000);
  });

  test('a drain goes on where it was when the run was killed', async () => {
    const { clock, context, follower, world, journal, run } = scene();
    Object.assign(follower, { drainMs: 300_000 });
    const stop = new AbortController();
    const sleep = (ms: number, signal: AbortSignal) => {
      if (world.store.current !== world.store.versions.keys().next().value && clock.now() > began + 200_000)
        stop.abort();
      return clock.sleep(ms, signal);
    };
    const began = clock.now();
    const killed = rotate({ ...context, signal: stop.signal }, world.parts, wishFor({ canary: [100] }), {
      journal,
      clock: { now: clock.now, sleep },
    });
    await expect(killed).rejects.toThrow(/stopped between two effects.*--resume/);
    const resumed = clock.now();
    expect(await run(resumeWish())).toMatchObject({ outcome: 'closed' });
    expect(clock.now() - resumed).toBeLessThan(161_000);
  });

  test('without the journal it starts again', async () => {
    const { clock, follower, world, run } = scene();
    Object.assign(follower, { drainMs: 300_000 });
    Object.assign(world.database, { retire: () => Promise.reject(new Cancelled('killed')) });
    await expect(run(wishFor())).rejects.toThrow('killed');
    Reflect.deleteProperty(world.database, 'retire');
    const resumed = clock.now();
    expect(await run(resumeWish(), { journal: memoryJournal() })).toMatchObject({ outcome: 'closed' });
    expect(clock.now() - resumed).toBeGreaterThanOrEqual(300_000);
  });

  test('what has no end ends the run: open, and safe', async () => {
    const { world, run } = scene({
      endpoints: [
        { title: 'writer', lagMs: 0 },
        { title: 'reader', lagMs: 1e12 },
      ],
    });
    world.database.change('shop_a', 'first password', -1e13);
    const report = await run(wishFor(), { patienceMs: 60_000 });
    expect(report).toMatchObject({ outcome: 'waiting', exit: 3 });
    expect(report.waitingFor).toMatch(/pending login of shop_b is not yet accepted by reader/);
  });

  test('an endpoint that does not answer: nothing is done, try again', async () => {
    const { world, run } = scene();
    world.database.endpoints[0]!.isDown = true;
    expect(await run(wishFor())).toMatchObject({ outcome: 'unknown', exit: 75, effects: [] });
  });

  test('each wait is told once', async () => {
    const { context, run } = scene();
    await run(wishFor());
    const waits = context.events
      .filter(({ type }) => type === 'rotation-waiting')
      .map(({ message }) => message);
    expect(waits.length).toBeGreaterThan(0);
    expect(new Set(waits).size).toBe(waits.length);
  });
});

describe('consumers', () => {
  test.each(['hidden', 'unreachable'] as const)('one that is %s refuses the start', async (state) => {
    const { world, run, env } = scene();
    env.state = state;
    const report = await run(wishFor());
    expect(report).toMatchObject({ outcome: 'refused', exit: 1, effects: [] });
    expect(report.stopped?.code).toBe(state === 'hidden' ? 'CONSUMER_HIDDEN' : 'CONSUMER_UNREACHABLE');
    expect(world.store.pending).toBeUndefined();
  });

  test('one that becomes unreachable keeps the old login alive', async () => {
    const { world, run, env, copy } = scene();
    copy.shift = async () => {
      env.state = 'unreachable';
      throw new Error('no answer');
    };
    expect(await run(wishFor())).toMatchObject({ outcome: 'waiting', exit: 3 });
    expect(world.violations()).toEqual([]);
  });

  test('one that cannot be asked for a moment is waited for', async () => {
    const { world, run, env } = scene();
    const read = env.read.bind(env);
    let looks = 0;
    env.read = async () => {
      looks += 1;
      if (looks === 2 || looks === 5)
        throw new UserError('AWS_THROTTLED', 'slow down', { exit: exitCodes.temporary });
      return read();
    };
    expect(await run(wishFor())).toMatchObject({ outcome: 'closed', exit: 0 });
    expect(looks).toBeGreaterThan(5);
    expect(world.violations()).toEqual([]);
  });

  test('one that fails is tried three times, and nothing is retired', async () => {
    const { world, run, copy } = scene();
    let calls = 0;
    copy.shift = async () => {
      calls += 1;
      copy.state = 'failed';
      copy.why = 'its subnet is gone';
    };
    const report = await run(wishFor());
    expect(report).toMatchObject({ outcome: 'waiting', exit: 3, stopped: { code: 'CONSUMER_FAILED' } });
    expect(report.stopped?.why).toContain('its subnet is gone');
    expect(calls).toBe(3);
    expect(world.violations()).toEqual([]);
  });

  test('a share that does badly turns everything back, and the new login dies', async () => {
    const { world, run, env } = scene();
    const first = world.store.current;
    env.share = { calls: 10, errors: 3 };
    const report = await run(wishFor());
    expect(report).toMatchObject({ outcome: 'rolled back', exit: 1, currentUser: 'shop_a' });
    expect(report.effects.map(({ name }) => name)).not.toContain('promote');
    expect(world.store.current).toBe(first);
    expect(world.store.pending).toBeUndefined();
    expect(world.violations()).toEqual([]);
    expect(await run(resumeWish())).toMatchObject({ outcome: 'closed', effects: [] });
  });

  test('a second share that does badly after the promotion turns everything back, too', async () => {
    const { world, run, env } = scene();
    const first = world.store.current;
    const shift = env.shift;
    env.shift = async (to, percent) => {
      await shift(to, percent);
      if (percent === 50) env.share = { calls: 10, errors: 3 };
    };
    expect(await run(wishFor())).toMatchObject({ outcome: 'rolled back', exit: 1 });
    expect(world.store.current).toBe(first);
    expect(world.violations()).toEqual([]);
  });

  test('one that never shows the new login keeps the old one alive', async () => {
    const { world, run, follower } = scene();
    follower.prove = async () => ({ ok: true, user: 'shop_a', detail: 'it answered' });
    const report = await run(wishFor());
    expect(report).toMatchObject({ outcome: 'waiting', exit: 3 });
    expect(report.waitingFor).toMatch(/function api does not log in as shop_b yet.*still shop_a/);
    expect(world.database.accepts(login('shop_a', 'first password'))).toBe(true);
  });

  test('a client that logs in late is named and holds up the retiring', async () => {
    const { clock, world, run } = scene();
    const late = {
      pid: 4711,
      user: 'shop_a',
      application: 'lpg/report/3/1a2b3c4d',
      address: '10.0.1.7',
      state: 'idle',
      startedAt: clock.now() + 3_600_000,
      changedAt: clock.now(),
    };
    world.database.open = [late, { ...late, pid: 4712, startedAt: 0, application: 'nightly batch' }];
    const report = await run(wishFor(), { patienceMs: 30_000 });
    expect(report).toMatchObject({ outcome: 'waiting', exit: 3, lateSessions: [{ pid: 4711 }] });
    expect(report.waitingFor).toMatch(/lpg\/report\/3\/1a2b3c4d at 10\.0\.1\.7/);
    world.database.open = world.database.open.slice(1);
    clock.advance(60_000);
    const closed = await run(resumeWish());
    expect(closed).toMatchObject({ outcome: 'closed', leftSessions: [{ pid: 4712 }] });
  });
});

describe('what goes wrong', () => {
  test('another run that has taken over ends this one', async () => {
    const { world, run } = scene();
    const lost = new UserError('LEASE_LOST', 'another run has taken over');
    Object.assign(world.database, { setPassword: () => Promise.reject(lost) });
    expect(await run(wishFor())).toMatchObject({ outcome: 'unknown', exit: 75 });
  });

  test('an effect that throws again and again ends the run with its error', async () => {
    const { world, run } = scene();
    let calls = 0;
    Object.assign(world.database, {
      setPassword: async () => {
        calls += 1;
        throw new UserError('MAY_NOT_ALTER', 'permission denied');
      },
    });
    await expect(run(wishFor())).rejects.toThrow('permission denied');
    expect(calls).toBe(3);
  });

  test('an effect that is answered and does nothing ends the run', async () => {
    const { world, run } = scene();
    Object.assign(world.database, { setPassword: async () => {} });
    const report = await run(wishFor());
    expect(report).toMatchObject({ outcome: 'unknown', exit: 75, stopped: { code: 'NO_PROGRESS' } });
    expect(report.effects.filter(({ name }) => name === 'set-password')).toHaveLength(1);
  });

  test('a store that is silent for a moment is asked again', async () => {
    const { world, run } = scene();
    const read = world.store.read.bind(world.store);
    let calls = 0;
    Object.assign(world.store, {
      read: async () => {
        calls += 1;
        if (calls === 4 || calls === 5) throw new Error('throttled');
        return read();
      },
    });
    expect(await run(wishFor())).toMatchObject({ outcome: 'closed' });
  });

  test('a journal that cannot be written stops nothing', async () => {
    const { context, run } = scene();
    const full = { ...memoryJournal(), append: () => Promise.reject(new Error('ENOSPC')) };
    expect(await run(wishFor(), { journal: full })).toMatchObject({ outcome: 'closed' });
    expect(context.events.some(({ type }) => type === 'rotation-journal-failed')).toBe(true);
  });

  test('a current login that is refused: an incident, which --repair ends without a new password', async () => {
    const { world, run } = scene();
    world.database.change('shop_a', 'changed by hand');
    const report = await run(wishFor());
    expect(report).toMatchObject({
      outcome: 'incident',
      exit: 6,
      effects: [],
      stopped: { code: 'CURRENT_REFUSED' },
    });
    expect(report.stopped?.suggestions.join()).toContain('--repair');
    const repaired = await run(resumeWish({ repair: true }));
    expect(repaired).toMatchObject({ outcome: 'closed', exit: 0 });
    expect(repaired.effects.map(({ name }) => name)).toEqual(['set-password']);
    expect(repaired.incidents).toHaveLength(1);
    expect(world.violations()).toEqual([]);
  });
});

describe('sessions that outlive their login', () => {
  const session = (pid: number, more: Partial<SessionSeen> = {}): SessionSeen => ({
    ...{ pid, user: 'shop_a', application: 'lpg/api/1/aaaaaaaa', address: '10.0.1.7' },
    ...{ state: 'idle', startedAt: 0, changedAt: 0, ...more },
  });
  const unused = session(1);
  const busy = session(2, { state: 'active' });
  const foreign = session(3, { application: 'psql' });

  /** Killed when the old login was dead, and nothing else was done. */
  async function killedAtRetire() {
    const all = scene();
    const { database } = all.world;
    database.open = [unused, busy, foreign];
    Object.assign(database, { endSessions: () => Promise.reject(new Cancelled('killed')) });
    await expect(all.run(wishFor())).rejects.toThrow('killed');
    Reflect.deleteProperty(database, 'endSessions');
    expect(database.accepts(login('shop_a', 'first password'))).toBe(false);
    return all;
  }

  test.each([
    ['idle', [1]],
    ['all', [1, 2, 3]],
    ['none', []],
  ] as const)('after a kill, what --terminate %s asks for is done, and once', async (terminate, pids) => {
    const { world, run } = await killedAtRetire();
    const names = pids.length > 0 ? ['end-sessions', 'clear-pending'] : ['clear-pending'];
    const report = await run(resumeWish({ terminate }));
    expect(report.effects.map(({ name }) => name)).toEqual(names);
    expect(report).toMatchObject({ outcome: 'closed', exit: 0 });
    expect(world.database.ended).toEqual(pids);
    expect(report.leftSessions.map(({ pid }) => pid)).toEqual([1, 2, 3].slice(pids.length));
    expect(await run(resumeWish({ terminate }))).toMatchObject({ outcome: 'closed', effects: [] });
  });

  test('those in use stay in a closed rotation, until all are to end, or another begins', async () => {
    const { world, run } = await killedAtRetire();
    await run(resumeWish());
    expect(await run(resumeWish())).toMatchObject({ effects: [], leftSessions: [busy, foreign] });
    const usedNoMore = { ...busy, state: 'idle' };
    world.database.open = [usedNoMore, foreign];
    expect(await run(resumeWish())).toMatchObject({ effects: [], leftSessions: [usedNoMore, foreign] });
    await run(resumeWish({ terminate: 'all' }));
    expect(world.database.open).toEqual([]);
    world.database.open = [usedNoMore, foreign];
    await run(wishFor());
    expect(world.database.open).toEqual([foreign]);
  });

  test('what cannot be ended is tried once in a run, and stops nothing', async () => {
    const { world, run } = await killedAtRetire();
    let tries = 0;
    const endSessions = async () => {
      tries += 1;
      return 0;
    };
    Object.assign(world.database, { endSessions });
    const report = await run(resumeWish());
    expect(report).toMatchObject({ outcome: 'closed', leftSessions: [unused, busy, foreign] });
    expect(report.effects.map(({ name }) => name)).toEqual(['clear-pending']);
    expect(tries).toBe(1);
  });

  test('they keep nobody from rotating, and those of the next login of that role are not theirs', async () => {
    const { world, run, env } = await killedAtRetire();
    await run(resumeWish({ terminate: 'none' }));
    const began: string[] = [];
    const shift = env.shift;
    env.shift = async (to, percent) => {
      began.push(to.login.user);
      if (percent === 5) world.database.open.push(session(4));
      await shift(to, percent);
    };
    expect(await run(wishFor({ terminate: 'all' }))).toMatchObject({
      outcome: 'closed',
      currentUser: 'shop_a',
    });
    expect(began[0]).toBe('shop_a');
    expect(world.database.ended).toEqual([1, 2, 3]);
  });

  test('on the way back those of the new login end', async () => {
    const { world, run, env } = scene();
    env.share = { calls: 10, errors: 3 };
    world.database.open = [unused, { ...unused, pid: 5, user: 'shop_b' }];
    expect(await run(wishFor())).toMatchObject({ outcome: 'rolled back' });
    expect(world.database.ended).toEqual([5]);
  });
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
