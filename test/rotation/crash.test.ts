import { describe, expect, test } from 'vitest';
import { Cancelled } from '../../src/errors.ts';
import type { Wish } from '../../src/rotation/decide/decision.ts';
import { type Journal, type JournalLine, memoryJournal } from '../../src/rotation/journal.ts';
import type { RotationParts } from '../../src/rotation/parts.ts';
import type { RotationReport } from '../../src/rotation/report.ts';
import { rotate } from '../../src/rotation/rotate.ts';
import { FakeClock } from './fake-clock.ts';
import { guardedParts } from './guarded-parts.ts';
import type { MemoryConsumerOptions } from './memory-consumer.ts';
import { login } from './memory-store.ts';
import { MemoryWorld } from './memory-world.ts';
import { resumeWish, testContext, wishFor } from './test-run.ts';

const consumers: readonly MemoryConsumerOptions[] = [
  { id: 'function api' },
  { id: 'function env', kind: 'holds', staged: true },
  { id: 'parameter /shop/url', kind: 'holds', unproved: 'nobody can ask a parameter' },
];

type Fault = 'killed before' | 'killed after' | 'answer lost';
/** Parts of which the `at`th changing call meets that fault. */
function withFault(
  parts: RotationParts,
  at: number,
  fault: Fault,
): RotationParts & { readonly calls: () => number } {
  let calls = 0;
  let isDead = false;
  const die = (): never => {
    isDead = true;
    throw new Cancelled('killed');
  };
  const guarded = guardedParts(parts, async (_call, run) => {
    const isFaulty = calls === at;
    calls += 1;
    if (isDead || (isFaulty && fault === 'killed before')) die();
    const result = await run();
    if (isFaulty && fault === 'killed after') die();
    if (isFaulty) throw new Error('the answer is lost');
    return result;
  });
  return { ...guarded, calls: () => calls };
}

/** A journal of which, after a crash, only this is left. */
const remains: Record<string, (lines: readonly JournalLine[]) => readonly JournalLine[]> = {
  all: (lines) => lines,
  'all but the last line': (lines) => lines.slice(0, -1),
  'the first half': (lines) => lines.slice(0, lines.length / 2),
  nothing: () => [],
};

async function spoiled(journal: Journal, left: keyof typeof remains): Promise<Journal> {
  const after = memoryJournal();
  for (const rotation of await journal.rotations())
    for (const line of remains[left]?.(await journal.read(rotation)) ?? [])
      await after.append(rotation, line);
  return left === 'nothing' ? after : { ...after, key: journal.key };
}

interface Scenario {
  readonly wish: Partial<Wish>;
  readonly withProxy?: boolean;
  readonly lagMs?: number;
  /** What a resumed run is asked for. */
  readonly resume?: Partial<Wish>;
}

const scenarios: Record<string, Scenario> = {
  'two slots': { wish: {} },
  'two slots, a replica three seconds behind': { wish: {}, lagMs: 3_000 },
  'two slots, nologin, no canary': { wish: { retire: 'nologin', canary: [100] } },
  'two slots, whose sessions are all ended': { wish: { terminate: 'all' }, resume: { terminate: 'all' } },
  'two slots, the old login is kept': { wish: { retire: 'keep' }, resume: { retire: 'keep' } },
  'two slots behind a proxy': { wish: {}, withProxy: true },
  'two slots behind a proxy that is slow': { wish: {}, withProxy: true, lagMs: 3_000 },
  next: { wish: { strategy: 'next' }, resume: { strategy: 'next' } },
  single: {
    wish: { strategy: 'single', acceptWindow: true },
    resume: { strategy: 'single', acceptWindow: true },
  },
};

function worldOf({ withProxy = false, lagMs = 0 }: Scenario, clock: FakeClock): MemoryWorld {
  const endpoints = [
    { title: 'writer', lagMs: 0 },
    { title: 'reader', lagMs: withProxy ? 0 : lagMs },
  ];
  const world = new MemoryWorld({ clock: clock.now, consumers, withProxy, endpoints });
  for (const endpoint of world.database.proxyEndpoints) endpoint.lagMs = lagMs;
  world.database.open = [...sessions];
  return world;
}

/** Of slot a: one that nobody has used for long, one at work, one of another program. */
const sessions = [
  { pid: 1, state: 'idle', application: 'lpg/api/1/aaaaaaaa' },
  { pid: 2, state: 'active', application: 'lpg/api/1/bbbbbbbb' },
  { pid: 3, state: 'idle', application: 'psql' },
].map((session) => ({ ...session, user: 'shop_a', address: '10.0.1.7', startedAt: 0, changedAt: 0 }));

/** Which of them are ended, by their pid: those of a login that is dead, of another role than the new one. */
function endedOf({ wish, withProxy = false }: Scenario): readonly number[] {
  if (withProxy || wish.retire === 'keep' || (wish.strategy ?? 'slots') !== 'slots') return [];
  return wish.terminate === 'all' ? [1, 2, 3] : [1];
}

/** Not where it was killed before it had begun. */
const isRetired = ({ database }: MemoryWorld): boolean =>
  !database.accepts(login('shop_a', 'first password'));

/** Every change of the world is looked at as it stands. */
function watched(world: MemoryWorld): { readonly parts: RotationParts; readonly violations: string[] } {
  const violations: string[] = [];
  const parts = guardedParts(world.parts, async (call, run) => {
    const result = await run();
    violations.push(...world.violations().map((violation) => `after ${call}: ${violation}`));
    return result;
  });
  return { violations, parts };
}

/** Fewer looks while something is waited for: the matrix is large. */
const patient = { pollMs: 2_000, proxy: { successes: 2, overMs: 1_000 } } as const;

async function crashed(
  scenario: Scenario,
  at: number,
  fault: Fault,
): Promise<{
  world: MemoryWorld;
  clock: FakeClock;
  journal: Journal;
  parts: RotationParts;
  violations: string[];
  calls: number;
}> {
  const clock = new FakeClock();
  const world = worldOf(scenario, clock);
  const { parts, violations } = watched(world);
  const journal = memoryJournal();
  const faulty = withFault(parts, at, fault);
  await rotate(testContext(), faulty, wishFor(scenario.wish), { ...patient, journal, clock }).catch(
    (error: unknown) => {
      if (!(error instanceof Cancelled)) throw error;
    },
  );
  return { world, clock, journal, parts, violations, calls: faulty.calls() };
}

/** All of them for one scenario; for the others the two ends. */
function remainsOf(name: string, fault: Fault): readonly string[] {
  if (fault === 'answer lost') return ['all'];
  if (name === 'two slots') return Object.keys(remains);
  return fault === 'killed before' ? ['all'] : ['nothing'];
}

const isSingle = ({ wish }: Scenario): boolean => wish.strategy === 'single';

describe.each(Object.entries(scenarios))('%s', (name, scenario) => {
  const resume = resumeWish(scenario.resume);

  test.each<Fault>(['killed before', 'killed after', 'answer lost'])('%s any effect', async (fault) => {
    const { calls } = await crashed(scenario, -1, fault);
    for (let at = 0; at < calls; at += 1) {
      for (const left of remainsOf(name, fault)) {
        const crash = await crashed(scenario, at, fault);
        const options = { ...patient, journal: await spoiled(crash.journal, left), clock: crash.clock };
        const context = testContext();
        const where = `effect ${at}, journal: ${left}`;
        const first: RotationReport = await rotate(context, crash.parts, resume, options);
        expect(first, where).toMatchObject({ outcome: 'closed', exit: 0 });
        const second = await rotate(context, crash.parts, resume, options);
        expect(second, where).toMatchObject({ outcome: 'closed', effects: [] });
        expect([...crash.world.database.ended].sort(), where).toEqual(
          isRetired(crash.world) ? endedOf(scenario) : [],
        );
        if (!isSingle(scenario)) expect(crash.violations, where).toEqual([]);
        // What was given up may have been bad before; what is held is good.
        crash.clock.advance(10_000);
        expect(crash.world.violations(), where).toEqual([]);
      }
    }
    expect(calls).toBeGreaterThan(4);
  });
});

test('with one role and no candidate the window is open', async () => {
  const { violations } = await crashed(scenarios.single as Scenario, -1, 'killed before');
  expect(violations.length).toBeGreaterThan(0);
});
