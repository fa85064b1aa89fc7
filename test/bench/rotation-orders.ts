import { setTimeout as pause } from 'node:timers/promises';
import type { Wish } from '../../src/rotation/decide/decision.ts';
import type { RotationReport } from '../../src/rotation/report.ts';
import type { LoadTarget } from '../rotation/load/load.ts';
import { AliasConsumer, followingConsumer } from '../rotation/load/load-consumers.ts';
import { type LoadParts, loadParts } from '../rotation/load/load-parts.ts';
import { type LoadWorld, startLoadWorld } from '../rotation/load/load-world.ts';
import { type MeasuredLoad, measureRotation } from '../rotation/load/measured-load.ts';
import { awsAlternatingUsers, awsSingleUser, type Rotation } from '../rotation/load/other-orders.ts';
import { rotateLoad } from '../rotation/load/rotate-load.ts';

/** A rotation that is measured under the load. */
export interface Order {
  readonly title: string;
  /** Titles of the clients that must see no failed request. */
  readonly spares: readonly string[];
  readonly proxied?: boolean;
  /** Without the function behind an alias, whose new versions start cold on the cores that serve everybody. */
  readonly withoutVariables?: boolean;
  /** lambdapg's own. */
  readonly wish?: Partial<Wish>;
  readonly rotate?: Rotation;
}

/** The clients, which share one load. */
export const clientTitles = {
  node: 'connection module (Node)',
  python: 'connection module (Python)',
  cached: 'login cached for 5 s, no retry',
  environment: '`pg` Pool, login from the environment',
} as const;
export const cacheMs = 5_000;
const modules = ['node', 'python'];
const everybody = Object.keys(clientTitles);

export const orders: readonly Order[] = [
  { title: 'two slots', spares: everybody, wish: { strategy: 'slots' } },
  {
    title: 'two slots, no function with variables',
    spares: everybody,
    wish: { strategy: 'slots' },
    withoutVariables: true,
  },
  { title: 'two slots, pooled endpoint', spares: everybody, wish: { strategy: 'slots' }, proxied: true },
  { title: 'next', spares: modules, wish: { strategy: 'next', acceptWindow: true } },
  { title: 'single', spares: modules, wish: { strategy: 'single', acceptWindow: true } },
  { title: "AWS's single-user order", spares: [], rotate: awsSingleUser },
  { title: "AWS's alternating users", spares: [], rotate: awsAlternatingUsers },
  {
    title: "AWS's alternating users, pooled endpoint",
    spares: [],
    rotate: awsAlternatingUsers,
    proxied: true,
  },
];

export interface MeasuredOrder extends MeasuredLoad<readonly RotationReport[]> {
  readonly targets: readonly LoadTarget[];
  /** Of one rotation: calls of the store by whoever rotates, by name. */
  readonly calls: readonly string[];
}

export const soakMs = 1_500;

/** Two rotations, longer than a cache keeps a login apart, under the load. */
export async function measureOrder(order: Order): Promise<MeasuredOrder> {
  const world = await startLoadWorld({
    functions: [
      { title: 'node' },
      { title: 'python', language: 'python' },
      { title: 'cached', client: 'cached', cacheMs },
    ],
    environments: 11,
    proxied: order.proxied ?? false,
  });
  try {
    const environments = order.withoutVariables ? [] : [new AliasConsumer(world, 'environment')];
    const targets = [...world.targets, ...environments];
    const parts = loadParts(world, [
      ...world.targets.map((target) =>
        target.title === 'cached'
          ? followingConsumer(target, 'cached', cacheMs)
          : followingConsumer(target, 'module', 2_000),
      ),
      ...environments,
    ]);
    const times = { beforeMs: 5_000, afterMs: 8_000 };
    const calls: string[] = [];
    const measured = await measureRotation(world, targets, times, async () => {
      world.secret.calls.length = 0;
      const first = await rotateOnce(order, world, parts);
      calls.push(...world.secret.calls);
      return [...first, ...(await rotateOnce(order, world, parts))];
    });
    return { ...measured, targets, calls };
  } finally {
    await world.cleanUp();
  }
}

/** @returns the report, where it is lambdapg's */
async function rotateOnce(order: Order, world: LoadWorld, parts: LoadParts): Promise<RotationReport[]> {
  const proxy = { successes: 5, overMs: 1_000 };
  const reports = order.wish === undefined ? [] : [await rotateLoad(parts, order.wish, { soakMs, proxy })];
  await order.rotate?.(world);
  await pause(cacheMs + 1_000);
  return reports;
}
