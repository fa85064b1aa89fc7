import { describe, expect, test } from 'vitest';
import { Cancelled, exitCodes, UserError } from '../../src/errors.ts';
import { memoryJournal } from '../../src/rotation/journal.ts';
import { rotate } from '../../src/rotation/rotate.ts';
import { login } from './memory-store.ts';
import { scene } from './rotation-scene.ts';
import { resumeWish, wishFor } from './test-run.ts';

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
