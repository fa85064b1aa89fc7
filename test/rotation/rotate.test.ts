import { expect, test } from 'vitest';
import { memoryJournal } from '../../src/rotation/journal.ts';
import { rotate } from '../../src/rotation/rotate.ts';
import { FakeClock } from './fake-clock.ts';
import { MemoryWorld } from './memory-parts.ts';
import { testContext, wishFor } from './test-run.ts';

test('two slots: a rotation closes, and the old login is dead', async () => {
  const clock = new FakeClock();
  const world = new MemoryWorld({
    clock: clock.now,
    consumers: [
      { id: 'function api' },
      { id: 'function env', kind: 'holds', staged: true },
      { id: 'parameter /shop/url', kind: 'holds', unproved: 'nobody can ask a parameter' },
    ],
  });
  const before = await world.store.read();
  const context = testContext();
  const report = await rotate(context, world.parts, wishFor(), { journal: memoryJournal(), clock });
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
  expect(world.database.accepts(before.current!.login)).toBe(false);
  expect(world.violations()).toEqual([]);
});
