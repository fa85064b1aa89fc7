import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type { Wish } from '../../../src/rotation/decide/decision.ts';
import { resumeWish, wishFor } from '../test-run.ts';
import { type Fault, type FaultAt, faults } from './faulty-parts.ts';
import type { BegunWorld, KillBed } from './kill-bed.ts';
import type { Ended } from './kill-process.ts';
import { currentOf, type World } from './world-file.ts';

export interface Scenario {
  readonly wish: Partial<Wish>;
  readonly proxied?: boolean;
  /** The world in which it begins, unless it is the first one. */
  readonly world?: (bed: KillBed) => Promise<World>;
}

const canary = [50, 100];

/** After the new login has become current, and a first consumer has been given it. */
const halfWay = (bed: KillBed): Promise<World> =>
  killedAt(bed, (calls) => calls.indexOf('shift', calls.indexOf('promote')));

export const scenarios = {
  'two slots': { wish: { canary } },
  'two slots behind a proxy': { wish: { canary }, proxied: true },
  'one role, with a next password': { wish: { strategy: 'next', canary } },
  'one role, with a window': { wish: { strategy: 'single', acceptWindow: true, canary } },
  'back from half-way': { wish: { rollback: true, canary }, world: halfWay },
  'back from half-way behind a proxy': { wish: { rollback: true, canary }, proxied: true, world: halfWay },
  'back from a first share': {
    wish: { rollback: true, canary },
    world: (bed) => killedAt(bed, (calls) => calls.indexOf('shift')),
  },
} satisfies Record<string, Scenario>;

/** What is left of a rotation of two slots that was killed after one of its effects. */
async function killedAt(bed: KillBed, find: (calls: readonly string[]) => number): Promise<World> {
  const clean = await (await bed.begin()).rotate([begun({ canary })]);
  const at = find(clean.runs[0]?.calls ?? []);
  const world = await bed.begin();
  expect(await world.rotate([begun({ canary })], { at, fault: 'after' })).toMatchObject({ isKilled: true });
  return world.file.read();
}

/** With one role AWSCURRENT alone does not always log in. */
const isTwoSlots = ({ wish }: Scenario): boolean => wish.strategy === undefined;

const begun = (wish: Partial<Wish>): Wish => ({ ...wishFor(wish), start: randomUUID() });

/** As the command says it: what is begun has an id, a way back and what is resumed have none. */
const wishOf = ({ wish }: Scenario): Wish => (wish.rollback ? resumeWish(wish) : begun(wish));

const outcomeOf = ({ wish }: Scenario): string => (wish.rollback ? 'rolled back' : 'closed');

/** What an undisturbed run changes, in its order; the effects that can be killed at. */
export async function callsOf(bed: KillBed, scenario: Scenario): Promise<readonly string[]> {
  const world = await bed.begin(await scenario.world?.(bed));
  const { runs } = await world.rotate([wishOf(scenario), resumeWish({ ...scenario.wish, rollback: false })]);
  const outcome = outcomeOf(scenario);
  expect(runs, JSON.stringify(runs)).toMatchObject([{ outcome }, { outcome: 'closed', effects: [] }]);
  if (isTwoSlots(scenario)) expect(runs[0]?.refused).toEqual([]);
  await expectDone(world, scenario);
  return runs[0]?.calls ?? [];
}

/** Kills at each of these effects in each way, resumes, and looks. @returns how many kills there were */
export async function killAtEach(
  bed: KillBed,
  scenario: Scenario,
  { calls, at: points, faults: wanted = faults }: KillPlan,
): Promise<number> {
  const first = await scenario.world?.(bed);
  let killed = 0;
  for (const at of points ?? calls.keys())
    for (const fault of wanted) {
      const where = `${fault} ${calls[at]} (effect ${at} of ${calls.join(', ')})`;
      const world = await bed.begin(first);
      const ended = await world.rotate([wishOf(scenario)], { at, fault });
      expect(ended.isKilled, where).toBe(fault !== 'lost');
      if (ended.isKilled) killed += 1;
      // Without an answer the run itself looks whether it was done.
      else expect(ended.runs, where).toMatchObject([{ outcome: outcomeOf(scenario) }]);
      await expectUsable(world, scenario, { calls, fault: { at, fault }, ended, where });
      await expectResumed(world, scenario, where);
    }
  return killed;
}

export interface KillPlan {
  readonly calls: readonly string[];
  /** Positions among them; all unless told. */
  readonly at?: readonly number[];
  readonly faults?: readonly Fault[];
}

interface Moment {
  readonly calls: readonly string[];
  readonly fault: FaultAt;
  readonly ended: Ended;
  readonly where: string;
}

/** At the moment of the kill: whoever needs a login has one that works, unless the window of one role is open. */
async function expectUsable(
  world: BegunWorld,
  { wish }: Scenario,
  { calls, fault, ended, where }: Moment,
): Promise<void> {
  const refused = ended.runs.flatMap((run) => run.refused);
  const broken = await world.broken(wish.strategy === 'next');
  if (wish.strategy !== 'single') {
    expect({ broken, refused: wish.strategy === 'next' ? [] : refused }, where).toEqual({
      broken: [],
      refused: [],
    });
    return;
  }
  if (!ended.isKilled) return;
  const file = world.file.read();
  const { user, password } = currentOf(file);
  const isRefused = (await world.refusal({ user, password: password.reveal() })) !== '';
  expect(isRefused, where).toBe(isInWindow(calls, fault));
}

/** One role: between the new password in the database and its promotion. */
function isInWindow(calls: readonly string[], { at, fault }: FaultAt): boolean {
  const done = fault === 'before' ? at - 1 : at;
  return done >= calls.indexOf('setPassword') && done < calls.indexOf('promote');
}

async function expectResumed(world: BegunWorld, scenario: Scenario, where: string): Promise<void> {
  const { wish } = scenario;
  // A way back that was killed at its end has nothing to go on with.
  const isOpen = world.file.read().labels.pending !== undefined;
  const resume = resumeWish({ ...wish, rollback: wish.rollback === true && isOpen });
  const { runs } = await world.rotate([resume, resumeWish({ ...wish, rollback: false })]);
  const said = `${where}: ${JSON.stringify(runs)}`;
  expect(runs, said).toMatchObject([
    { outcome: resume.rollback ? 'rolled back' : 'closed' },
    { outcome: 'closed', effects: [] },
  ]);
  if (isTwoSlots(scenario)) expect(runs[0]?.refused, said).toEqual([]);
  await expectDone(world, scenario, where);
}

/** All hold what is current, it works, and nothing else does. */
async function expectDone(world: BegunWorld, scenario: Scenario, where = 'undisturbed'): Promise<void> {
  const { versions, labels, consumers } = world.file.read();
  const current = versions[labels.current];
  expect(labels.pending, where).toBeUndefined();
  for (const [id, holding] of Object.entries(consumers))
    expect(holding, `${where}: ${id}`).toEqual({ holds: current });
  for (const [version, login] of Object.entries(versions)) {
    const isCurrent = version === labels.current;
    expect((await world.refusal(login)) === '', `${where}: ${login.user} of ${version}`).toBe(isCurrent);
  }
  if (scenario.wish.rollback) expect(current?.user, where).toBe('library_a');
}
