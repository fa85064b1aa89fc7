import { describe, expect, test } from 'vitest';
import type { Decision, Effect, Wish } from '../../src/rotation/decide/decision.ts';
import {
  type Decide,
  decideStep,
  parseRotationStep,
  type RotationStep,
  rotationSteps,
} from '../../src/rotation/decide/masked.ts';
import type { Observation, StoredVersion } from '../../src/rotation/observation.ts';

const wish: Omit<Wish, 'start'> = {
  ...{ strategy: 'slots', rollback: false, repair: false, acceptWindow: false },
  ...{ canary: [100], retire: 'scramble', terminate: 'idle' },
};
const version = (versionId: string, user: string): StoredVersion => ({
  ...{ versionId, user, fingerprint: `${user}-print`, logins: [], proxyLogins: [] },
});
const observation: Observation = {
  ...{ now: 0, pendingIsCurrent: false, slots: { a: 'shop_a', b: 'shop_b' }, consumers: [] },
  current: version('old', 'shop_a'),
};

const run = (effect: Effect): Decision => ({ next: 'effect', effect, why: 'so' });
const put: Effect = { do: 'put-pending', token: 'new', user: 'shop_b' };
const set: Effect = { do: 'set-password', user: 'shop_b', of: 'pending' };
const slot: Effect = { do: 'put-slot-secret', user: 'shop_b', of: 'pending' };
const promote: Effect = { do: 'promote', to: 'new', from: 'old' };
const every: readonly Effect[] = [
  ...[put, set, slot, promote],
  { ...put, token: 'another' },
  { ...set, of: 'current' },
  { ...set, of: 'slot-secret' },
  { ...slot, of: 'current' },
  { do: 'renew-slot-secret', user: 'shop_b' },
  { do: 'shift', consumer: 'one', to: 'pending', percent: 5 },
  { do: 'give-next', consumer: 'one', on: true },
  { ...promote, to: 'old', from: 'new' },
  { do: 'prove', consumer: 'one' },
  { do: 'retire', user: 'shop_b', how: 'scramble' },
  { do: 'end-sessions', user: 'shop_b', which: 'idle' },
  { do: 'clear-pending', version: 'new' },
];

describe('steps', () => {
  test.each([
    ...rotationSteps.map((step) => [step, step] as const),
    ['create_secret', 'createSecret'],
    ['set_secret', 'setSecret'],
    ['test_secret', 'testSecret'],
    ['finish_secret', 'finishSecret'],
    ['deleteSecret', undefined],
    ['CREATESECRET', undefined],
    ['', undefined],
  ] as const)('%s', (text, step) => {
    expect(parseRotationStep(text)).toBe(step);
  });
});

describe('of all effects each step does only its own', () => {
  test.each([
    [
      'createSecret',
      [
        ...['put-pending new', 'set-password slot-secret', 'renew-slot-secret', 'retire', 'end-sessions'],
        'clear-pending',
      ],
      [],
    ],
    ['setSecret', ['set-password pending', 'put-slot-secret pending'], ['promote new']],
    ['testSecret', [], ['promote new']],
    ['finishSecret', ['promote new'], []],
  ] as const)('%s', (step, own, after) => {
    const name = (effect: Effect): string =>
      [
        effect.do,
        'of' in effect ? effect.of : '',
        effect.do === 'promote' ? effect.to : '',
        effect.do === 'put-pending' ? effect.token : '',
      ]
        .filter((word) => word !== '')
        .join(' ');
    const by = (next: string) =>
      every
        .filter((effect) => decideStep(step, 'new', observation, wish, () => run(effect)).next === next)
        .map(name);
    expect(by('effect').sort()).toEqual([...own].sort());
    expect(by('done')).toEqual(after);
    expect(by('fail')).toHaveLength(every.length - own.length - after.length);
  });
});

describe('what is no effect', () => {
  const others: readonly (readonly [Decision, string])[] = [
    [{ next: 'hold', why: 'nobody answers' }, 'wait'],
    [{ next: 'wait', for: 'endpoints', why: 'a reader lags' }, 'wait'],
    [{ next: 'wait', for: 'proxy', why: 'the proxy lags' }, 'wait'],
    [{ next: 'stop', code: 'X', why: 'tampered', suggestions: ['look'], exit: 6 }, 'fail'],
  ];
  test.each(
    rotationSteps.flatMap((step) => others.map(([decision, next]) => [step, decision, next] as const)),
  )('%s: %j', (step, decision, next) => {
    expect(decideStep(step, 'new', observation, wish, () => decision)).toMatchObject({ next });
  });

  test('a drain is not waited for: the next rotation comes again', () => {
    const drain: Decide = () => ({ next: 'wait', for: 'drain', why: '4 minutes left' });
    expect(decideStep('createSecret', 'new', observation, wish, drain)).toMatchObject({
      next: 'fail',
      why: 'the rotation before is too young to begin another: 4 minutes left',
    });
  });

  test('nothing to rotate is no success', () => {
    const closed: Decide = () => ({ next: 'closed', outcome: 'closed' });
    expect(decideStep('setSecret', 'new', observation, wish, closed)).toMatchObject({ next: 'fail' });
  });
});

describe('a rotation in Secrets Manager', () => {
  const never: Decide = () => {
    throw new Error('asked');
  };

  test.each(rotationSteps)('%s of a rotation that is done does nothing', (step: RotationStep) => {
    const done = { ...observation, current: version('new', 'shop_b') };
    expect(decideStep(step, 'new', done, wish, never).next).toBe('done');
  });

  test('createSecret called again finds the value', () => {
    const there = { ...observation, pending: version('new', 'shop_b') };
    expect(decideStep('createSecret', 'new', there, wish, never).next).toBe('done');
  });

  test('createSecret ends the rotation before, as though nothing else were asked, and then begins its own', () => {
    const seen: [Observation, Wish][] = [];
    const decide: Decide = (looked, wanted) => {
      seen.push([looked, wanted]);
      return wanted.start === undefined ? { next: 'closed', outcome: 'closed' } : run(put);
    };
    const called = { ...observation, emptyPending: 'new', previous: version('older', 'shop_b') };
    expect(decideStep('createSecret', 'new', called, wish, decide)).toMatchObject({ effect: put });
    const [before, own] = seen;
    expect(before?.[0]).not.toHaveProperty('emptyPending');
    expect(before?.[1]).not.toHaveProperty('start');
    expect(own?.[0].emptyPending).toBe('new');
    expect(own?.[1].start).toBe('new');
    const retire: Effect = { do: 'retire', user: 'shop_b', how: 'scramble' };
    expect(decideStep('createSecret', 'new', called, wish, () => run(retire))).toMatchObject({
      next: 'effect',
      effect: retire,
    });
  });
});
