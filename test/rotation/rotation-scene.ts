import type { Wish } from '../../src/rotation/decide/decision.ts';
import { memoryJournal } from '../../src/rotation/journal.ts';
import { rotate } from '../../src/rotation/rotate.ts';
import type { RotateOptions } from '../../src/rotation/rotate-options.ts';
import { FakeClock } from './fake-clock.ts';
import type { MemoryConsumerOptions } from './memory-consumer.ts';
import { MemoryWorld, type MemoryWorldOptions } from './memory-world.ts';
import { testContext } from './test-run.ts';

const consumers: readonly MemoryConsumerOptions[] = [
  { id: 'function api' },
  { id: 'function env', kind: 'holds', staged: true },
  { id: 'parameter /shop/url', kind: 'holds', unproved: 'nobody can ask a parameter' },
];

/** A rotation of a world in memory: one consumer follows, one holds and is staged, one is a copy. */
export function scene(options: Partial<MemoryWorldOptions> = {}) {
  const clock = new FakeClock();
  const world = new MemoryWorld({ clock: clock.now, consumers, ...options });
  const journal = memoryJournal();
  const context = testContext();
  const run = (wish: Wish, more: Partial<RotateOptions> = {}) =>
    rotate(context, world.parts, wish, { journal, clock, ...more });
  const [follower, env, copy] = world.consumers;
  return { clock, world, journal, context, run, follower: follower!, env: env!, copy: copy! };
}
