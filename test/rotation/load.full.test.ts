import { afterEach, describe, expect, test } from 'vitest';
import type { PostgresMajor } from '../../src/project/postgres-packages.ts';
import { estimateHeadroom } from '../../src/rotation/headroom.ts';
import { verifyHeadroom } from '../../src/rotation/headroom-refusal.ts';
import { startTestStandby } from '../standby-server.ts';
import { AliasConsumer, followingConsumer } from './load/load-consumers.ts';
import { loadParts } from './load/load-parts.ts';
import { type LoadWorld, type LoadWorldOptions, startLoadWorld } from './load/load-world.ts';
import { type MeasuredLoad, measureRotation } from './load/measured-load.ts';
import { countRetries } from './load/retries.ts';
import { rotateLoad } from './load/rotate-load.ts';

/* Rotations in the middle of 50 requests a second over more than 30 environments, of which 30 % log in anew. */

const times = { beforeMs: 3_000, afterMs: 3_000 };
const both = [{ title: 'node' }, { title: 'python', language: 'python' }] as const;

/** A replica may not allow fewer connections than its primary, and has the default. */
const settings = { max_connections: '100' };

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function startWorld(options: LoadWorldOptions): Promise<LoadWorld> {
  const world = await startLoadWorld(options);
  cleanUps.push(world.cleanUp);
  return world;
}

const follow = (world: LoadWorld) =>
  world.targets.map((target) => followingConsumer(target, 'module', 2_000));

function expectNoFailure({ report, metrics }: MeasuredLoad<unknown>): void {
  expect(report.failures).toEqual({});
  expect(report.figures()).toMatchObject({ failed: 0, dropped: 0 });
  expect(countRetries(metrics).failedConnections).toBe(0);
}

describe('no request fails', { timeout: 180_000 }, () => {
  test.each<PostgresMajor>([15, 16, 17, 18])(
    'on PostgreSQL %i, in two rotations one after the other',
    async (major) => {
      const world = await startWorld({ major, functions: both, environments: 14 });
      const alias = new AliasConsumer(world, 'alias');
      const parts = loadParts(world, [...follow(world), alias]);
      const measured = await measureRotation(world, [...world.targets, alias], times, async () => [
        await rotateLoad(parts),
        await rotateLoad(parts),
      ]);
      expect(measured.rotation).toMatchObject([
        { outcome: 'closed', currentUser: 'library_b' },
        { outcome: 'closed', currentUser: 'library_a' },
      ]);
      expectNoFailure(measured);
      expect(measured.report.environments).toBeGreaterThanOrEqual(30);
      expect(Object.keys(measured.report.figures({ phases: ['after'] }).users)).toEqual(['library_a']);
    },
  );

  test('with readers on a replica that is three seconds behind', async () => {
    const world = await startWorld({ functions: [{ title: 'node' }], environments: 18, settings });
    const standby = await startTestStandby(world.primary, { delayMs: 3_000 });
    cleanUps.push(standby.cleanUp);
    world.serve({ title: 'reader', variables: { PGPORT: String(standby.port) } });
    world.serve({
      title: 'cached',
      client: 'cached',
      cacheMs: 500,
      variables: { PGPORT: String(standby.port) },
    });
    const targets = [...world.targets, world.target('reader'), world.target('cached')];
    const consumers = targets.map((target) => followingConsumer(target, 'module', 2_000));
    const parts = loadParts(world, consumers, [standby.at(world.local.slots.a)]);
    const measured = await measureRotation(world, targets, times, () => rotateLoad(parts));
    expect(measured.rotation.waitingFor).toBeUndefined();
    expect(measured.rotation).toMatchObject({ outcome: 'closed', exit: 0 });
    expect(measured.rotation.durationMs).toBeGreaterThan(3_000);
    expectNoFailure(measured);
  });

  test('through a pooled endpoint with one secret for each slot', async () => {
    const world = await startWorld({ functions: both, environments: 14, proxied: true });
    const alias = new AliasConsumer(world, 'alias');
    const parts = loadParts(world, [...follow(world), alias]);
    const proxy = { successes: 5, overMs: 1_000 };
    const measured = await measureRotation(world, [...world.targets, alias], times, async () => [
      await rotateLoad(parts, {}, { proxy }),
      await rotateLoad(parts, {}, { proxy }),
    ]);
    expect(measured.rotation).toMatchObject([{ outcome: 'closed' }, { outcome: 'closed' }]);
    expectNoFailure(measured);
  });

  test('of one role: the next password is a candidate before it is the password', async () => {
    const world = await startWorld({ functions: both });
    const parts = loadParts(world, follow(world));
    const measured = await measureRotation(world, world.targets, times, () =>
      rotateLoad(parts, { strategy: 'next' }),
    );
    expect(measured.rotation).toMatchObject({ outcome: 'closed', currentUser: 'library_a' });
    expectNoFailure(measured);
  });

  test('of functions that read once, at their cold start, and have no alias: they are recycled', async () => {
    const world = await startWorld({ functions: [{ title: 'node' }], environments: 20 });
    const latest = new AliasConsumer(world, 'start', { client: 'start', staged: false });
    const parts = loadParts(world, [...follow(world), latest]);
    const measured = await measureRotation(world, [...world.targets, latest], times, () => rotateLoad(parts));
    expect(measured.rotation).toMatchObject({ outcome: 'closed' });
    expectNoFailure(measured);
  });
});

describe('who is late', { timeout: 180_000 }, () => {
  test('a statement that outlasts the rotation, and environments that were frozen all the while', async () => {
    // One of the two has all the load.
    const functions = [{ title: 'node' }, { title: 'asleep' }];
    const world = await startWorld({ functions, environments: 42 });
    const [node, asleep] = [world.target('node'), world.target('asleep')];
    const wake = () => Promise.all(Array.from({ length: 10 }, () => asleep.invoke('{"holdMs": 100}')));
    await wake();
    const parts = loadParts(world, follow(world));
    let ended = false;
    const measured = await measureRotation(world, [node], times, async () => {
      const long = node.invoke('{"holdMs": 18000}').finally(() => {
        ended = true;
      });
      const rotation = await rotateLoad(parts, {}, { patienceMs: 60_000 });
      return { rotation, endedBefore: ended, long: await long };
    });
    const { rotation, endedBefore, long } = measured.rotation;
    expect([rotation.outcome, endedBefore]).toEqual(['closed', false]);
    expect('throttled' in long ? long : [long.failure, long.payload.toString()]).toEqual([
      undefined,
      '{"user":"library_a"}',
    ]);
    expectNoFailure(measured);
    const woken = await wake();
    const answers = woken.map((result) => ('throttled' in result ? 'throttled' : result.payload.toString()));
    expect(new Set(answers)).toEqual(new Set(['{"user":"library_b"}']));
  });

  test('a pool that nobody listed keeps the old login alive, and is named', async () => {
    const world = await startWorld({ functions: [{ title: 'node' }] });
    world.serve({ title: 'captured', client: 'start', variables: { PGAPPNAME: 'captured-pool' } });
    const targets = [...world.targets, world.target('captured')];
    const parts = loadParts(world, follow(world));
    const old = world.secret.current;
    const measured = await measureRotation(world, targets, times, () =>
      rotateLoad(parts, {}, { patienceMs: 6_000 }),
    );
    expect(measured.rotation).toMatchObject({ outcome: 'waiting', exit: 3, currentUser: 'library_b' });
    const late = measured.rotation.lateSessions;
    expect(new Set(late.map(({ application }) => application))).toEqual(new Set(['captured-pool']));
    expect(new Set(late.map(({ user }) => user))).toEqual(new Set(['library_a']));
    expectNoFailure(measured);
    expect(await world.accepts(old)).toBe(true);
  });
});

test('20 connections: refused for want of room, and what would have happened', {
  timeout: 180_000,
}, async () => {
  const world = await startWorld({ functions: [], environments: 10, settings: { max_connections: '20' } });
  const alias = new AliasConsumer(world, 'alias');
  const parts = loadParts(world, [alias]);
  const load = { perSecond: 15 };
  const measured = await measureRotation(world, [alias], { ...times, load }, async () => {
    const room = await parts.database.connectionRoom(['library_a']);
    const headroom = estimateHeadroom({
      ...room,
      ...{ perEnvironment: 1, otherConsumers: 0, canary: [5, 50, 100], soakMs: 60_000 },
      consumers: [{ id: alias.id, way: 'environment', concurrency: 10, staged: true }],
    });
    expect(() => verifyHeadroom(headroom)).toThrow(expect.objectContaining({ code: 'NO_HEADROOM' }));
    return rotateLoad(parts, {}, { soakErrors: 1 });
  });
  expect(Object.keys(measured.report.failures).join()).toMatch(
    /too many clients already|remaining connection slots are reserved/,
  );
});
