import { afterEach, expect, test } from 'vitest';
import { startTestStandby } from '../standby-server.ts';
import { followingConsumer } from './load/load-consumers.ts';
import type { LoadFunction } from './load/load-functions.ts';
import { loadParts } from './load/load-parts.ts';
import { type LoadWorld, startLoadWorld } from './load/load-world.ts';
import { measureRotation } from './load/measured-load.ts';
import {
  awsAlternatingUsers,
  awsSingleUser,
  promoteOnWriterOnly,
  type Rotation,
  retireFirst,
  withoutDrain,
} from './load/other-orders.ts';
import { rotateLoad } from './load/rotate-load.ts';

/* Orders that must fail under the load: without them, the tests in which nothing fails would prove nothing. */

const times = { beforeMs: 2_000, afterMs: 4_000 };
/** A client without a retry, as many are. */
const cached: LoadFunction = { title: 'cached', client: 'cached', cacheMs: 3_000 };

/** A replica may not allow fewer connections than its primary, and has the default. */
const settings = { max_connections: '100' };

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function startWorld(options: Parameters<typeof startLoadWorld>[0]): Promise<LoadWorld> {
  const world = await startLoadWorld(options);
  cleanUps.push(world.cleanUp);
  return world;
}

test.each<[string, Rotation]>([
  ['the old password ends without a drain', withoutDrain],
  ['one role, in the order of AWS’s single-user template', awsSingleUser],
  ['the old password ends first', retireFirst],
])('%s: requests fail', { timeout: 120_000 }, async (_title, rotate) => {
  const world = await startWorld({ functions: [cached] });
  const { report } = await measureRotation(world, world.targets, times, () => rotate(world));
  expect(report.figures({ phases: ['before'] }).failed).toBe(0);
  expect(report.figures().failed).toBeGreaterThan(0);
  expect(Object.keys(report.failures).join()).toContain('password authentication failed');
});

test('the same client under lambdapg’s order: no request fails', { timeout: 120_000 }, async () => {
  const world = await startWorld({ functions: [cached] });
  const parts = loadParts(world, [followingConsumer(world.target('cached'), 'cached', 3_000)]);
  const { report, rotation } = await measureRotation(world, world.targets, times, () => rotateLoad(parts));
  expect(rotation).toMatchObject({ outcome: 'closed' });
  expect(report.figures()).toMatchObject({ failed: 0, dropped: 0 });
});

test('readers, and only the writer was looked at: requests fail', { timeout: 120_000 }, async () => {
  const world = await startWorld({ functions: [], environments: 40, settings });
  const standby = await startTestStandby(world.primary, { delayMs: 3_000 });
  cleanUps.push(standby.cleanUp);
  world.serve({ ...cached, cacheMs: 500, variables: { PGPORT: String(standby.port) } });
  const target = world.target('cached');
  const { report } = await measureRotation(world, [target], times, () => promoteOnWriterOnly(world));
  expect(report.figures({ phases: ['before'] }).failed).toBe(0);
  expect(report.figures().failed).toBeGreaterThan(0);
});

test('AWS’s alternating users behind a pooled endpoint: the clone is not known there', {
  timeout: 120_000,
}, async () => {
  const world = await startWorld({ functions: [cached], proxied: true });
  const { report } = await measureRotation(world, world.targets, times, () => awsAlternatingUsers(world));
  expect(report.figures().failed).toBeGreaterThan(0);
  expect(Object.keys(report.failures).join()).toContain('no credentials for the role library_a_clone');
});
