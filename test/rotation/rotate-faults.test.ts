import { describe, expect, test } from 'vitest';
import { Cancelled, UserError } from '../../src/errors.ts';
import { memoryJournal } from '../../src/rotation/journal.ts';
import type { SessionSeen } from '../../src/rotation/observation.ts';
import { login } from './memory-store.ts';
import { scene } from './rotation-scene.ts';
import { resumeWish, wishFor } from './test-run.ts';

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
