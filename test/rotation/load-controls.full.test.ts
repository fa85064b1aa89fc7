import { afterEach, expect, test, vi } from 'vitest';
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

/** What these few requests see, more would see; and a busy machine carries them without a failure of its own. */
const load = { perSecond: 8 };
const times = { beforeMs: 2_000, afterMs: 4_000, load };
const environments = 24;

/**
 * A client without a retry, as many are. What it has read at its cold start it keeps until the end of the load, so each connection
 * after a rotation is made with the former login: 29 of 59 requests were refused without a drain. Had it kept it for three
 * seconds, chance would decide: at this rate 10 requests were refused in two runs, and none in two others.
 */
const cacheMs = 30_000;
/** Of its requests: on a busy machine one may use what it has read for so much longer. */
const timeoutMs = 20_000;
const cached: LoadFunction = { title: 'cached', client: 'cached', cacheMs };
/** The same, which soon knows the new login. */
const upToDate: LoadFunction = { ...cached, cacheMs: 500 };

/** A replica may not allow fewer connections than its primary, and has the default. */
const settings = { max_connections: '100' };

vi.setConfig({ testTimeout: 300_000 });

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function startWorld(options: Parameters<typeof startLoadWorld>[0]): Promise<LoadWorld> {
  const world = await startLoadWorld({ environments, ...options });
  cleanUps.push(world.cleanUp);
  return world;
}

test.each<[string, Rotation]>([
  ['the old password ends without a drain', withoutDrain],
  ['one role, in the order of AWS’s single-user template', awsSingleUser],
  ['the old password ends first', retireFirst],
])('%s: requests fail', async (_title, rotate) => {
  const world = await startWorld({ functions: [cached] });
  const { report } = await measureRotation(world, world.targets, times, () => rotate(world));
  expect(report.failuresIn('before')).toEqual({});
  expect(report.figures().failed).toBeGreaterThan(0);
  expect(Object.keys(report.failures).join()).toContain('password authentication failed');
});

test('the same client under lambdapg’s order: no request fails', async () => {
  const world = await startWorld({ functions: [cached] });
  const parts = loadParts(world, [followingConsumer(world.target('cached'), 'cached', cacheMs + timeoutMs)]);
  const { report, rotation } = await measureRotation(world, world.targets, times, () =>
    rotateLoad(parts, {}, { patienceMs: 120_000 }),
  );
  expect(rotation, JSON.stringify(rotation)).toMatchObject({ outcome: 'closed' });
  expect(report.failures).toEqual({});
  expect(report.figures()).toMatchObject({ failed: 0, dropped: 0 });
});

test('readers, and only the writer was looked at: requests fail', async () => {
  const world = await startWorld({ functions: [], settings });
  const standby = await startTestStandby(world.primary, { delayMs: 3_000 });
  cleanUps.push(standby.cleanUp);
  world.serve({ ...upToDate, variables: { PGPORT: String(standby.port) } });
  const target = world.target('cached');
  const { report } = await measureRotation(world, [target], times, () => promoteOnWriterOnly(world));
  expect(report.failuresIn('before')).toEqual({});
  expect(report.figures().failed).toBeGreaterThan(0);
  expect(Object.keys(report.failures).join()).toContain('password authentication failed');
});

test('AWS’s alternating users behind a pooled endpoint: the clone is not known there', async () => {
  const world = await startWorld({ functions: [upToDate], proxied: true });
  const { report } = await measureRotation(world, world.targets, times, () => awsAlternatingUsers(world));
  expect(report.failuresIn('before')).toEqual({});
  expect(report.figures().failed).toBeGreaterThan(0);
  expect(Object.keys(report.failures).join()).toContain('no credentials for the role library_a_clone');
});
