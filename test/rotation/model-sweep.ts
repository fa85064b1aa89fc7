import { describe, expect, test } from 'vitest';
import { decide } from '../../src/rotation/decide/decide.ts';
import type { Wish } from '../../src/rotation/decide/decision.ts';
import {
  type Decide,
  firstWorld,
  mischiefs,
  observationOf,
  passings,
  tamperings,
  turn,
  violations,
  type World,
} from './model.ts';

/** Every world that can be reached from the first one. */
export function reach(first: World, how: Decide): World[] {
  const known = new Map([[JSON.stringify(first), first]]);
  for (const world of known.values()) {
    const { after, decision } = turn(world, how);
    const begun = decision.next === 'closed' && world.rollback ? [ended(world)] : [];
    for (const next of [...(after ? [after] : []), ...begun, ...passings(world), ...mischiefs(world)]) {
      const key = JSON.stringify(next);
      if (!known.has(key)) known.set(key, next);
    }
  }
  return [...known.values()];
}

/** The next run begins without the turn of the last. */
function ended({ rollingBack: _turn, ...world }: World): World {
  return { ...world, rollback: false };
}

interface End {
  readonly effects: number;
  /** How it ended: an outcome, or the code of a stop. */
  readonly end: string;
  readonly world: World;
}

const settled = new Map<string, End>();
const endless: End = { effects: 1_000, end: 'endless', world: firstWorld('slots', []) };

/** From there on nothing disturbs: how many effects until the end, and which end. */
function settle(world: World, repair = false): End {
  const key = `${repair} ${JSON.stringify(world)}`;
  const known = settled.get(key);
  if (known !== undefined) return known;
  // Whoever comes by here again goes in a circle.
  settled.set(key, endless);
  const end = step(world, repair);
  settled.set(key, end);
  return end;
}

function step(world: World, repair: boolean): End {
  const { decision, after } = turn(world, (seen, wish) => decide(seen, { ...wish, repair }));
  if (after !== undefined) {
    const rest = settle(after, repair);
    return { ...rest, effects: rest.effects + 1 };
  }
  if (decision.next === 'stop') return { effects: 0, end: decision.code, world };
  if (decision.next === 'closed') return { effects: 0, end: decision.outcome, world };
  return settle(everythingPasses(world), repair);
}

function everythingPasses(world: World): World {
  let seen = world;
  for (let index = 0; index < passings(seen).length; index += 1) seen = passings(seen)[index] ?? seen;
  return seen;
}

type Kinds = Parameters<typeof firstWorld>[1];

export type Topology = readonly [
  name: string,
  strategy: Wish['strategy'],
  kinds: Kinds,
  withProxy: boolean,
  terminate?: Wish['terminate'],
];

const named = ([name, strategy, kinds, withProxy, terminate]: Topology) =>
  [name, strategy, kinds, withProxy, terminate ?? 'idle'] as const;

/** Walks through every world of these topologies. */
export function sweep(topologies: readonly Topology[]): void {
  describe.each(topologies.map(named))('%s (%s)', (_name, strategy, kinds, withProxy, terminate) => {
    const worlds = reach(firstWorld(strategy, kinds, withProxy, terminate), decide);

    test('no login fails in any world', () => {
      expect(worlds.length).toBeGreaterThan(20);
      const broken = worlds.filter((world) => violations(world).length > 0);
      expect(broken.slice(0, 2).map((world) => [violations(world), world])).toEqual([]);
    });

    test('from every world it comes to its end', () => {
      const ends = worlds.map((world) => ({ from: world, ...settle(world) }));
      expect(ends.filter(({ end }) => end !== 'closed' && end !== 'rolled back').slice(0, 2)).toEqual([]);
      expect(Math.max(...ends.map(({ effects }) => effects))).toBeLessThan(50);
    });

    test('at the end one login is alive, everybody holds it, and nothing more is done', () => {
      for (const from of worlds) {
        const { world } = settle(from);
        const { current, previous, unlabelled, consumers, pending } = observationOf(world);
        expect(pending).toBeUndefined();
        expect(current?.logins.every(({ login }) => login === 'ok')).toBe(true);
        expect(previous?.logins.some(({ login }) => login === 'ok') ?? false).toBe(false);
        // Whoever takes the label away says that nothing is open: what is unused then stays, and is told.
        const isTold = terminate === 'idle' && from.pend === undefined && from.toStart === 0;
        if (previous !== undefined && previous.user !== current?.user && !isTold)
          expect(world.sessions).not.toContain(previous.user);
        expect(unlabelled).toBeUndefined();
        expect(consumers.every(({ holds }) => holds === current?.fingerprint)).toBe(true);
        if (world.toStart === 0) expect(turn(ended(world), decide).after).toBeUndefined();
      }
    });

    test('whatever is changed by hand in whatever world, it recovers, or stops where logins work', () => {
      if (strategy !== 'slots') return;
      const all = worlds.flatMap((world) =>
        tamperings(world).map(([what, after]) => ({ what, ...settle(after, true) })),
      );
      expect(all.length).toBeGreaterThan(worlds.length);
      const ends = new Set(all.map(({ end }) => end));
      // AWSCURRENT was moved onto the role that was about to be renewed: only a person knows which of the two is meant.
      ends.delete('SINGLE_ROLE_PENDING');
      expect([...ends].filter((end) => end !== 'closed' && end !== 'rolled back')).toEqual([]);
      expect(all.filter(({ world }) => violations(everythingPasses(world)).length > 0).slice(0, 2)).toEqual(
        [],
      );
      const open = all.filter(({ end, world }) => end === 'closed' && observationOf(world).unlabelled);
      expect(open.slice(0, 2)).toEqual([]);
      expect(Math.max(...all.map(({ effects }) => effects))).toBeLessThan(50);
    });
  });
}
