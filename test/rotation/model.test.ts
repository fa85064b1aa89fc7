import { expect, test } from 'vitest';
import { decide } from '../../src/rotation/decide/decide.ts';
import type { Observation } from '../../src/rotation/observation.ts';
import { type Decide, firstWorld, observationOf, violations, wishOf } from './model.ts';
import { reach, sweep } from './model-sweep.ts';

sweep([
  ['one that follows', 'slots', ['follows'], false],
  ['two', 'slots', ['follows', 'staged'], false],
  ['two, whose sessions are all ended', 'slots', ['follows', 'staged'], false, 'all'],
  ['two behind a proxy', 'slots', ['follows', 'staged'], true],
  ['one role, one that follows', 'next', ['follows'], false],
  ['one role, three', 'next', ['follows', 'copy', 'copy'], false],
]);

/** Mistakes that somebody might make in `decide`; each has to be noticed. */
const faults: Record<string, Decide> = {
  'promoted on the evidence of the writer alone': (seen, wish) => {
    const writer = (version: Observation['pending']) =>
      version && { ...version, logins: version.logins.filter(({ endpoint }) => endpoint === 'writer') };
    const [pending, current] = [writer(seen.pending), writer(seen.current)];
    return decide({ ...seen, ...(pending && { pending }), ...(current && { current }) }, wish);
  },
  'retired before the shift': (seen, wish) => {
    const { previous, pendingIsCurrent } = seen;
    if (previous === undefined || !pendingIsCurrent || previous.logins.some(({ login }) => login !== 'ok'))
      return decide(seen, wish);
    return {
      next: 'effect',
      why: '',
      effect: { do: 'retire', user: previous.user, how: 'scramble' },
    };
  },
  'promoted unverified': (seen, wish) => {
    const { pending, current } = seen;
    if (pending === undefined || current === undefined) return decide(seen, wish);
    return {
      next: 'effect',
      why: '',
      effect: { do: 'promote', to: pending.versionId, from: current.versionId },
    };
  },
  'the next rotation begun before the old slot is retired': (seen, wish) => {
    const { previous: _previous, ...rest } = seen;
    return decide({ ...rest, consumers: [] }, wish);
  },
  'a login without a label forgotten': ({ unlabelled: _unlabelled, ...seen }, wish) => decide(seen, wish),
  'drained by another clock': (seen, wish) => decide({ ...seen, shiftedAt: 0 }, wish),
};

test.each(Object.entries(faults))('the model notices: %s', (_name, faulty) => {
  const worlds = reach(firstWorld('slots', ['follows', 'staged']), faulty);
  const broken = worlds.filter((world) => violations(world).length > 0);
  expect(broken.length).toBeGreaterThan(0);
});

test.each<[string, Decide]>([
  ['as soon as the login is dead', (seen, wish) => decide({ ...seen, shiftedAt: 0 }, wish)],
  [
    'while consumers still hold the login',
    (seen, wish) => {
      const user = seen.previous?.user ?? '';
      const isOut =
        seen.pendingIsCurrent && seen.consumers.some(({ holds }) => holds !== seen.current?.fingerprint);
      if (!isOut) return decide(seen, wish);
      return { next: 'effect', why: '', effect: { do: 'end-sessions', user, which: 'all' } };
    },
  ],
])('the model notices sessions that are ended too early: %s', (_name, faulty) => {
  const worlds = reach(firstWorld('slots', ['follows', 'staged'], false, 'all'), faulty);
  const broken = worlds.flatMap(violations);
  expect(broken.filter((violation) => /the sessions of [ab] were in use/.test(violation))).not.toEqual([]);
});

test('the model notices a candidate that is not waited for', () => {
  const worlds = reach(firstWorld('next', ['copy']), (seen, wish) => decide({ ...seen, nextAt: 0 }, wish));
  expect(worlds.some((world) => violations(world).length > 0)).toBe(true);
});

test('with a single role and no candidates logins fail, and in no other way than in its window', () => {
  const worlds = reach(firstWorld('single', ['copy']), decide);
  const broken = worlds.filter((world) => violations(world).length > 0);
  expect(broken.length).toBeGreaterThan(0);
  for (const world of broken) {
    // From the database's change until the last environment with the old password has ended.
    const { current, consumers, shiftedAt, now } = observationOf(world);
    const isLagging = current?.logins.some(({ login }) => login === 'bad');
    const isShifting = consumers.some(({ holds }) => holds !== current?.fingerprint);
    const isDraining = shiftedAt !== undefined && shiftedAt + 1_000 > now;
    expect(
      isLagging || isShifting || isDraining || world.consumers.some(({ former }) => former.length > 0),
    ).toBe(true);
  }
  expect(worlds.every((world) => wishOf(world).acceptWindow)).toBe(true);
});
