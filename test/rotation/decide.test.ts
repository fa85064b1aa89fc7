import { describe, expect, test } from 'vitest';
import { decide } from '../../src/rotation/decide/decide.ts';
import type { Wish } from '../../src/rotation/decide/decision.ts';
import type {
  ConsumerSeen,
  EndpointLogin,
  Login,
  Observation,
  StoredVersion,
} from '../../src/rotation/observation.ts';
import { resumeWish, wishFor } from './test-run.ts';

const at = (...logins: Login[]): EndpointLogin[] =>
  logins.map((login, index) => ({ endpoint: index === 0 ? 'writer' : `reader ${index}`, login }));

const version = (name: string, user: string, ...logins: Login[]): StoredVersion => ({
  versionId: name,
  user,
  fingerprint: name,
  logins: at(...logins),
  proxyLogins: [],
});

const follower: ConsumerSeen = {
  id: 'api',
  kind: 'follows',
  holds: 'v0',
  takesNext: true,
  staged: false,
  state: 'ready',
  proved: false,
  drainMs: 100,
};
const env: ConsumerSeen = { ...follower, id: 'env', kind: 'holds', staged: true };

/** Slot a is current and good; nothing is open. */
const idle: Observation = {
  now: 1_000,
  current: version('v0', 'a', 'ok', 'ok'),
  pendingIsCurrent: false,
  slots: { a: 'a', b: 'b' },
  consumers: [follower],
  shiftedAt: 0,
  lateSessions: [],
};
const pending = (...logins: Login[]): Partial<Observation> => ({ pending: version('v1', 'b', ...logins) });
/** After the promotion: v1 of slot b is current, v0 of slot a the previous one. */
const promoted = (...logins: Login[]): Partial<Observation> => ({
  current: version('v1', 'b', 'ok', 'ok'),
  previous: version('v0', 'a', ...logins),
  pendingIsCurrent: true,
  consumers: [{ ...follower, holds: 'v1', proved: true }],
});

const closed: Partial<Observation> = { ...promoted('bad', 'bad'), pendingIsCurrent: false };

/** Three sessions of slot a, so many of them unused. */
const leftBehind = (unused: number): Partial<Observation> => ({
  leftBehind: [{ user: 'a', all: 3, unused }],
});
const endAll = resumeWish({ terminate: 'all' });

/** In one line: what is decided. */
function inShort(seen: Partial<Observation>, wish: Wish = wishFor({ start: 'v9' })): string {
  const decision = decide({ ...idle, ...seen }, wish);
  switch (decision.next) {
    case 'effect': {
      const { do: name, ...rest } = decision.effect;
      const words = [name, ...Object.values(rest)].join(' ');
      return decision.incident ? `incident: ${words}` : words;
    }
    case 'wait':
      return `wait for ${decision.for}`;
    case 'stop':
      return `stop ${decision.code} ${decision.exit}`;
    default:
      return decision.next;
  }
}

const bad = version('v0', 'a', 'bad', 'bad');
const previousOk = { previous: version('vp', 'b', 'ok', 'ok') };

const stray = (one: Login, other: Login, user = 'b'): Partial<Observation> => ({
  unlabelled: [version('vu', user, one, other)],
});
const proved: ConsumerSeen = { ...follower, proved: true };

const table: readonly [string, Partial<Observation>, string, Wish?][] = [
  ['1 current bad, pending ok', { current: bad, ...pending('ok', 'ok') }, 'incident: promote v1 v0'],
  [
    '1 but the previous login comes first while it lives',
    { current: bad, ...pending('ok', 'ok'), ...previousOk },
    'incident: promote vp v0',
  ],
  ['2 current mixed', { current: version('v0', 'a', 'ok', 'bad') }, 'wait for endpoints'],
  ['2 current unknown', { current: version('v0', 'a', 'unknown', 'unknown') }, 'hold'],
  ['2 pending mixed', pending('ok', 'bad'), 'wait for endpoints'],
  ['2 pending unknown at one', pending('ok', 'unknown'), 'hold'],
  [
    '2 nobody knows comes before the previous',
    { current: bad, ...pending('ok', 'bad'), ...previousOk },
    'wait for endpoints',
  ],
  ['3 current bad, previous ok', { current: bad, ...previousOk }, 'incident: promote vp v0'],
  ['4 current bad, nothing else', { current: bad }, 'stop CURRENT_REFUSED 6'],
  [
    '4 and to be repaired',
    { current: bad },
    'incident: set-password a current',
    resumeWish({ repair: true }),
  ],
  ['5 an empty pending', { emptyPending: 've' }, 'put-pending ve b', resumeWish()],
  ['6 a pending for the role in use', { pending: version('v1', 'a', 'bad') }, 'stop SINGLE_ROLE_PENDING 1'],
  ['6 a pending for another role', { pending: version('v1', 'admin', 'ok') }, 'stop FOREIGN_PENDING 1'],
  [
    '6 a pending for another server',
    { pending: { ...version('v1', 'b', 'bad'), place: 'evil:5432/shop' } },
    'stop PENDING_PLACE 1',
  ],
  [
    '1 never promotes another role',
    { current: bad, pending: version('v1', 'admin', 'ok') },
    'stop CURRENT_REFUSED 6',
  ],
  [
    '1 never promotes another server',
    { current: bad, pending: { ...version('v1', 'b', 'ok'), place: 'evil:5432/shop' } },
    'stop CURRENT_REFUSED 6',
  ],
  ['7 a pending that is not set', pending('bad', 'bad'), 'set-password b pending'],
  [
    '7 but its role is still in use',
    { ...pending('bad', 'bad'), ...previousOk, consumers: [{ ...env, holds: 'vp' }] },
    'shift env current 5',
  ],
  [
    '7 or is not drained',
    { ...pending('bad', 'bad'), ...previousOk, shiftedAt: 950, consumers: [{ ...follower, proved: true }] },
    'wait for drain',
  ],
  ['8 a share first', { ...pending('ok', 'ok'), consumers: [follower, env] }, 'shift env pending 5'],
  [
    '8 which is watched',
    { ...pending('ok', 'ok'), consumers: [{ ...env, added: { holds: 'v1', percent: 5, soak: 'soaking' } }] },
    'wait for soak',
  ],
  [
    '8 and does badly',
    { ...pending('ok', 'ok'), consumers: [{ ...env, added: { holds: 'v1', percent: 5, soak: 'bad' } }] },
    'shift env current 0',
  ],
  [
    '9 and does well',
    { ...pending('ok', 'ok'), consumers: [{ ...env, added: { holds: 'v1', percent: 5, soak: 'good' } }] },
    'promote v1 v0',
  ],
  ['9 nobody can have a share', pending('ok', 'ok'), 'promote v1 v0'],
  [
    '9 no share is wished',
    { ...pending('ok', 'ok'), consumers: [env] },
    'promote v1 v0',
    wishFor({ canary: [100] }),
  ],
  ['10 one that holds the old', { ...promoted('ok', 'ok'), consumers: [env] }, 'shift env current 5'],
  [
    '10 the next step',
    { ...promoted('ok', 'ok'), consumers: [{ ...env, added: { holds: 'v1', percent: 5, soak: 'good' } }] },
    'shift env current 50',
  ],
  [
    '10 the last step',
    { ...promoted('ok', 'ok'), consumers: [{ ...env, added: { holds: 'v1', percent: 50, soak: 'good' } }] },
    'shift env current 100',
  ],
  [
    '10 a copy at once',
    { ...promoted('ok', 'ok'), consumers: [{ ...env, staged: false }] },
    'shift env current 100',
  ],
  ['10 what is dead at once', { ...promoted('bad', 'bad'), consumers: [env] }, 'shift env current 100'],
  ['10 busy', { ...promoted('ok', 'ok'), consumers: [{ ...env, state: 'busy' }] }, 'wait for consumer'],
  [
    '10 failed',
    { ...promoted('ok', 'ok'), consumers: [{ ...env, state: 'failed', attempts: 2 }] },
    'shift env current 5',
  ],
  [
    '10 failed too often',
    { ...promoted('ok', 'ok'), consumers: [{ ...env, state: 'failed', attempts: 3 }] },
    'stop CONSUMER_FAILED 3',
  ],
  [
    '10 hidden',
    { ...promoted('ok', 'ok'), consumers: [{ ...env, state: 'hidden' }] },
    'stop CONSUMER_HIDDEN 3',
  ],
  ['10 one that follows late', { ...promoted('ok', 'ok'), consumers: [follower] }, 'wait for consumer'],
  ['11 previous unknown', promoted('unknown', 'unknown'), 'hold'],
  ['12 not proved', { ...promoted('ok', 'ok'), consumers: [{ ...follower, holds: 'v1' }] }, 'prove api'],
  [
    '12 asked a moment ago',
    { ...promoted('ok', 'ok'), consumers: [{ ...follower, holds: 'v1', refusal: { detail: '', at: 999 } }] },
    'wait for consumer',
  ],
  ['12 not drained', { ...promoted('ok', 'ok'), shiftedAt: 950 }, 'wait for drain'],
  [
    '12 somebody is late',
    {
      ...promoted('ok', 'ok'),
      lateSessions: [
        { pid: 1, user: 'a', application: '', address: '', state: 'idle', startedAt: 0, changedAt: 0 },
      ],
    },
    'wait for drain',
  ],
  ['13 drained', promoted('ok', 'ok'), 'retire a scramble'],
  [
    '13 a drain that is given',
    { ...promoted('ok', 'ok'), shiftedAt: 950 },
    'retire a scramble',
    resumeWish({ drainMs: 40 }),
  ],
  [
    '12 drained, and not yet watched for a quarter of that time',
    { ...promoted('ok', 'ok'), shiftedAt: 950 },
    'wait for drain',
    resumeWish({ drainMs: 45 }),
  ],
  ['13 the old login is kept', promoted('ok', 'ok'), 'clear-pending v1', resumeWish({ retire: 'keep' })],
  ['13 a login without a label', { ...stray('ok', 'ok'), consumers: [proved] }, 'retire b scramble'],
  [
    '13 which is never kept',
    { ...stray('ok', 'ok'), consumers: [proved] },
    'retire b scramble',
    resumeWish({ retire: 'keep' }),
  ],
  ['13 nor before everybody has proved the current one', stray('ok', 'ok'), 'prove api'],
  [
    '13 nor before it is drained',
    { ...stray('ok', 'ok'), consumers: [proved], shiftedAt: 950 },
    'wait for drain',
  ],
  ['13 nor while a reader lags', { ...stray('ok', 'bad'), consumers: [proved] }, 'wait for endpoints'],
  ['13 one of a role that is no slot is not ours', stray('ok', 'ok', 'admin'), 'put-pending v9 b'],
  ['13 the role in use is never retired so', stray('ok', 'ok', 'a'), 'put-pending v9 b'],
  [
    '7 a pending whose role has a login without a label, not drained',
    { ...pending('bad', 'bad'), ...stray('ok', 'ok'), consumers: [proved], shiftedAt: 950 },
    'wait for drain',
  ],
  ['14 the label last', promoted('bad', 'bad'), 'clear-pending v1'],
  ['13 then unused sessions', { ...promoted('bad', 'bad'), ...leftBehind(1) }, 'end-sessions a idle'],
  ['14 those in use stay', { ...promoted('bad', 'bad'), ...leftBehind(0) }, 'clear-pending v1'],
  ['13 in use or not', { ...promoted('bad', 'bad'), ...leftBehind(0) }, 'end-sessions a all', endAll],
  [
    '13 in use or not, but not before the drain is over',
    { ...promoted('bad', 'bad'), ...leftBehind(0), shiftedAt: 950 },
    'wait for drain',
    endAll,
  ],
  [
    '14 no sessions are to be ended',
    { ...promoted('bad', 'bad'), ...leftBehind(2) },
    'clear-pending v1',
    resumeWish({ terminate: 'none' }),
  ],
  [
    '14 a login that is kept keeps its sessions',
    { ...promoted('bad', 'bad'), ...leftBehind(2) },
    'clear-pending v1',
    resumeWish({ retire: 'keep' }),
  ],
  ['15 unused sessions go before the next rotation', { ...closed, ...leftBehind(1) }, 'end-sessions a idle'],
  ['16 what becomes unused later stays', { ...closed, ...leftBehind(1) }, 'closed', resumeWish()],
  ['16 but not where all are to end', { ...closed, ...leftBehind(0) }, 'end-sessions a all', endAll],
  ['15 sessions in use keep nobody from rotating', { ...closed, ...leftBehind(0) }, 'put-pending v9 a'],
  ['15 a rotation is wished', idle, 'put-pending v9 b'],
  [
    '15 but a consumer is not to be seen',
    { consumers: [{ ...env, state: 'unreachable' }] },
    'stop CONSUMER_UNREACHABLE 1',
  ],
  [
    '15 not before the old login is dead',
    { ...promoted('ok', 'ok'), pendingIsCurrent: false },
    'retire a scramble',
  ],
  ['16 nothing', idle, 'closed', resumeWish()],
];

test.each(table)('%s', (_name, seen, expected, wish) => {
  expect(inShort(seen, wish)).toBe(expected);
});

describe('behind a proxy', () => {
  const slots = (a: string, b: string, login: Login = 'ok'): Partial<Observation> => ({
    slotSecrets: [
      { user: 'a', fingerprint: a, login: 'ok' },
      { user: 'b', fingerprint: b, login },
    ],
  });
  test.each<[string, Partial<Observation>, string]>([
    [
      'the proxy gets the new password',
      { ...slots('v0', 'old'), ...pending('ok', 'ok') },
      'put-slot-secret b pending',
    ],
    [
      'and is waited for',
      { ...slots('v0', 'v1'), ...pending('ok', 'ok'), proxyReady: false },
      'wait for proxy',
    ],
    [
      'then the pointer moves',
      { ...slots('v0', 'v1'), ...pending('ok', 'ok'), proxyReady: true },
      'promote v1 v0',
    ],
    ['the proxy has another password', slots('else', 'old'), 'incident: put-slot-secret a current'],
    ['first its secret dies', { ...promoted('ok', 'ok'), ...slots('v0', 'v1') }, 'renew-slot-secret a'],
    ['then its login', { ...promoted('ok', 'ok'), ...slots('renewed', 'v1') }, 'set-password a slot-secret'],
    ['a slot whose secret does not log in', slots('v0', 'old', 'bad'), 'set-password b slot-secret'],
    [
      'current bad: the proxy first',
      { current: bad, ...slots('v0', 'old'), ...pending('ok', 'ok') },
      'incident: put-slot-secret b pending',
    ],
  ])('%s', (_name, seen, expected) => {
    expect(inShort(seen)).toBe(expected);
  });
});

describe('one role', () => {
  const next = (...logins: Login[]): Partial<Observation> => ({ pending: version('v1', 'a', ...logins) });
  const wish = wishFor({ strategy: 'next', start: 'v9' });
  const single = wishFor({ strategy: 'single', start: 'v9' });
  const back = resumeWish({ strategy: 'next', rollback: true });
  const copy: ConsumerSeen = { ...env, staged: false };
  const after = { current: version('v1', 'a', 'ok', 'ok'), previous: bad, pendingIsCurrent: true };
  test.each<[string, Partial<Observation>, string, Wish]>([
    ['begins', idle, 'put-pending v9 a', wish],
    ['gives the candidate first', { ...next('bad', 'bad'), consumers: [copy] }, 'give-next env true', wish],
    [
      'waits for those that began without',
      { ...next('bad', 'bad'), consumers: [{ ...copy, holdsNext: 'v1' }], nextAt: 950 },
      'wait for next',
      wish,
    ],
    [
      'then changes the database',
      { ...next('bad', 'bad'), consumers: [{ ...copy, holdsNext: 'v1' }], nextAt: 0 },
      'set-password a pending',
      wish,
    ],
    [
      'waits for the replicas',
      { current: version('v0', 'a', 'bad', 'ok'), ...next('ok', 'bad') },
      'wait for endpoints',
      wish,
    ],
    ['promotes', { current: bad, ...next('ok', 'ok') }, 'promote v1 v0', wish],
    [
      'shifts the copies',
      { ...after, consumers: [{ ...copy, holdsNext: 'v1' }] },
      'shift env current 100',
      wish,
    ],
    [
      'takes the candidate',
      { ...after, consumers: [{ ...copy, holds: 'v1', holdsNext: 'v1' }] },
      'give-next env false',
      wish,
    ],
    ['has it proved', { ...after, consumers: [{ ...copy, holds: 'v1' }] }, 'prove env', wish],
    [
      'clears the label',
      { ...after, consumers: [{ ...copy, holds: 'v1', proved: true }] },
      'clear-pending v1',
      wish,
    ],
    ['refuses who takes none', { consumers: [{ ...copy, takesNext: false }] }, 'stop NEXT_NOT_TAKEN 1', wish],
    ['is not for two slots half-way', { ...promoted('ok', 'ok') }, 'stop STRATEGY_MISMATCH 1', wish],
    ['is not for a pending of another', pending('bad', 'bad'), 'stop FOREIGN_PENDING 1', wish],
    ['a pending of another is given up', pending('bad', 'bad'), 'clear-pending v1', back],
    [
      'a pending for another server is given up',
      { pending: { ...version('v1', 'a', 'bad', 'bad'), place: 'elsewhere' } },
      'clear-pending v1',
      back,
    ],
    [
      'a pending for another server that the database has is undone first',
      { current: bad, pending: { ...version('v1', 'a', 'ok', 'ok'), place: 'elsewhere' } },
      'set-password a current',
      back,
    ],
    ['single: the window has to be accepted', idle, 'stop WINDOW_NOT_ACCEPTED 2', single],
    [
      'single: nothing is given before',
      { ...next('bad', 'bad'), consumers: [copy] },
      'set-password a pending',
      { ...single, acceptWindow: true },
    ],
  ])('%s', (_name, seen, expected, own) => {
    expect(inShort(seen, own)).toBe(expected);
  });

  test('single: the promotion follows at once', () => {
    const decision = decide({ ...idle, ...next('bad', 'bad') }, { ...single, acceptWindow: true });
    expect(decision).toMatchObject({ atOnce: { do: 'promote', to: 'v1', from: 'v0' } });
  });
});
