import { expect, test } from 'vitest';
import type { Strategy, Wish } from '../../src/rotation/decide/decision.ts';
import { planRotation } from '../../src/rotation/decide/plan-rotation.ts';
import { memoryJournal } from '../../src/rotation/journal.ts';
import { rotate } from '../../src/rotation/rotate.ts';
import { statusOf } from '../../src/rotation/status.ts';
import { FakeClock } from './fake-clock.ts';
import type { MemoryConsumerOptions } from './memory-consumer.ts';
import { MemoryWorld } from './memory-world.ts';
import { testContext, wishFor } from './test-run.ts';

const consumers: readonly MemoryConsumerOptions[] = [
  { id: 'function api' },
  { id: 'function env', kind: 'holds', staged: true },
  { id: 'parameter /shop/url', kind: 'holds', unproved: 'nobody can ask a parameter' },
];

const cases: readonly [Strategy, Partial<Wish>, boolean][] = [
  ['slots', {}, false],
  ['slots', {}, true],
  ['slots', { canary: [100], retire: 'nologin' }, false],
  ['slots', { retire: 'keep' }, false],
  ['next', {}, false],
  ['single', { acceptWindow: true }, false],
];

test.each(cases)('the plan of %s %j (proxy: %s) is what then happens', async (strategy, more, withProxy) => {
  const clock = new FakeClock();
  const world = new MemoryWorld({ clock: clock.now, consumers, withProxy });
  const wish = wishFor({ strategy, ...more });
  const plan = await planRotation(world.parts, wish, { now: clock.now });
  expect(plan).toMatchObject({ ending: { next: 'closed' }, isOpen: false, drainMs: 1_000 });
  const planned = plan.steps.flatMap((step) => (step.step === 'effect' ? [step.title] : []));
  const report = await rotate(testContext(), world.parts, wish, { journal: memoryJournal(), clock });
  expect(report.effects.map(({ title }) => title)).toEqual(planned);
  expect(report.outcome).toBe('closed');
});

test('a plan names what has to be seen to first', async () => {
  const world = new MemoryWorld({ clock: () => 0, consumers });
  const plan = await planRotation(world.parts, wishFor({ strategy: 'single' }));
  expect(plan).toMatchObject({ steps: [], ending: { next: 'stop', code: 'WINDOW_NOT_ACCEPTED', exit: 2 } });
});

test('the status says who holds what, and what is open', async () => {
  const clock = new FakeClock();
  const world = new MemoryWorld({ clock: clock.now, consumers });
  const journal = memoryJournal();
  const before = await statusOf(world.parts, journal, { retire: 'scramble' }, clock.now());
  expect(before).toMatchObject({ isOpen: false, past: [], versions: [{ label: 'current', login: 'ok' }] });
  world.consumers[1]!.prove = async () => ({ ok: false, detail: 'it timed out', user: 'shop_b' });
  const waiting = await rotate(testContext(), world.parts, wishFor(), { journal, clock, patienceMs: 1_000 });
  expect(waiting).toMatchObject({ outcome: 'waiting', exit: 3 });
  const open = await statusOf(world.parts, journal, { retire: 'scramble' }, clock.now());
  expect(open.isOpen).toBe(true);
  expect(open.rotation).toBe(waiting.rotation);
  expect(open.versions.map(({ label, user, login }) => [label, user, login])).toEqual([
    ['current', 'shop_b', 'ok'],
    ['previous', 'shop_a', 'ok'],
  ]);
  expect(open.past).toMatchObject([{ rotation: waiting.rotation, outcome: 'waiting' }]);
  expect(open.consumers.map(({ holds }) => holds)).toEqual(['current', 'current', 'current']);
});
