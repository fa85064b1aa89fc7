import { afterAll, beforeAll, expect, test } from 'vitest';
import { AliasConsumer, followingConsumer } from './load/load-consumers.ts';
import { loadParts } from './load/load-parts.ts';
import { type LoadWorld, startLoadWorld } from './load/load-world.ts';
import { measureRotation } from './load/measured-load.ts';
import { withoutDrain } from './load/other-orders.ts';
import { countRetries } from './load/retries.ts';
import { rotateLoad } from './load/rotate-load.ts';

/* 50 requests a second over more than 30 environments, of which 30 % log in anew, while the login is exchanged. */

let world: LoadWorld;
beforeAll(async () => {
  world = await startLoadWorld({
    functions: [{ title: 'node' }, { title: 'python', language: 'python' }],
    ...{ environments: 14, maxAgeSeconds: 1 },
  });
});
afterAll(() => world.cleanUp());

test('a rotation fails no request: a function in Node, one in Python, one with environment variables behind an alias', async () => {
  const alias = new AliasConsumer(world, 'alias');
  const following = world.targets.map((target) => followingConsumer(target, 'module', 1_000));
  const parts = loadParts(world, [...following, alias]);
  const { report, metrics, rotation } = await measureRotation(
    world,
    [...world.targets, alias],
    { beforeMs: 1_000, afterMs: 1_000 },
    () => rotateLoad(parts, { canary: [50, 100] }, { soakMs: 500 }),
  );
  expect(rotation).toMatchObject({ outcome: 'closed', exit: 0, currentUser: 'library_b', incidents: [] });
  expect(report.failures).toEqual({});
  expect(report.figures()).toMatchObject({ failed: 0, dropped: 0 });
  expect(countRetries(metrics).failedConnections).toBe(0);
  expect(report.environments).toBeGreaterThanOrEqual(30);
  expect(report.reconnects).toBeCloseTo(0.3, 1);
  // One that arrived before may have waited for its environment, and got it after the exchange.
  expect(Object.keys(report.figures({ answeredIn: 'before' }).users)).toEqual(['library_a']);
  expect(Object.keys(report.figures({ phases: ['after'] }).users)).toEqual(['library_b']);
}, 180_000);

test('control: without a drain the same load fails where a login is cached, and nowhere else', async () => {
  world.serve({ title: 'cached', client: 'cached', cacheMs: 60_000 });
  const targets = [world.target('cached'), world.target('node')];
  const { report } = await measureRotation(
    world,
    targets,
    { beforeMs: 500, afterMs: 1_500, load: { perSecond: 20 } },
    () => withoutDrain(world),
  );
  expect(report.figures({ target: 'cached' }).failed).toBeGreaterThan(0);
  expect(report.figures({ target: 'node' }).failed).toBe(0);
}, 180_000);
