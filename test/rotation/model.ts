import { reasonToTurnBack, rolledBackVersion } from '../../src/rotation/decide/decide-rollback.ts';
import type { Decision, Effect, Wish } from '../../src/rotation/decide/decision.ts';
import type {
  ConsumerSeen,
  EndpointLogin,
  Observation,
  StoredVersion,
} from '../../src/rotation/observation.ts';
import { deadUsers } from '../../src/rotation/observe-sessions.ts';
import { wishFor } from './test-run.ts';

/*
 * A small world in which every way that a rotation can go is walked through. A password is named for the version that holds
 * it; `dead a` is one that nobody has. Time is what may pass at any moment: a replica catches up, a drain is over.
 */

export type User = 'a' | 'b';
type Passwords = Readonly<Record<User, string>>;

export interface ModelConsumer {
  readonly kind: 'follows' | 'holds';
  readonly staged: boolean;
  readonly holds: string;
  readonly next?: string;
  readonly added?: {
    readonly holds: string;
    readonly percent: number;
    readonly soak: 'soaking' | 'good' | 'bad';
  };
  /** What it may still present until time passes: the login and, after a slash, its candidate. */
  readonly former: readonly string[];
  readonly proved: boolean;
}

export interface World {
  readonly strategy: Wish['strategy'];
  readonly cur: string;
  readonly pend?: string;
  readonly prev?: string;
  /** Whose login a version is; one that is missing has no value. */
  readonly users: Readonly<Record<string, User>>;
  readonly writer: Passwords;
  readonly reader: Passwords;
  /** Behind a proxy: the secrets of the slots, and what the proxy knows of them. */
  readonly slots?: Passwords;
  readonly proxy?: Passwords;
  readonly consumers: readonly ModelConsumer[];
  readonly shifted: Clock;
  readonly given: Clock;
  /** Roles that somebody is connected as; not kept for one role, nor behind a proxy, whose they are. */
  readonly sessions: readonly User[];
  readonly terminate: Wish['terminate'];
  /** A role whose sessions were ended while somebody may have been at work with one. */
  readonly cut?: string;
  /** Rotations that are still to be begun. */
  readonly toStart: number;
  /** The run has turned back, from that version. */
  readonly rollback: boolean;
  readonly rollingBack?: string;
}

interface Clock {
  readonly state: 'none' | 'running' | 'over';
  readonly labels: string;
}

const now = 1_000_000;
const drainMs = 1_000;
const noClock: Clock = { state: 'none', labels: '' };

export function firstWorld(
  strategy: Wish['strategy'],
  kinds: readonly ('follows' | 'staged' | 'copy')[],
  withProxy = false,
  terminate: Wish['terminate'] = 'idle',
): World {
  const passwords: Passwords = { a: 'v0', b: 'dead b' };
  const consumers = kinds.map(
    (kind): ModelConsumer => ({
      kind: kind === 'follows' ? 'follows' : 'holds',
      staged: kind === 'staged',
      holds: 'v0',
      former: [],
      proved: false,
    }),
  );
  return withClocks({
    strategy,
    cur: 'v0',
    users: { v0: 'a' },
    writer: passwords,
    reader: passwords,
    ...(withProxy && { slots: passwords, proxy: passwords }),
    consumers,
    shifted: noClock,
    given: noClock,
    ...{ sessions: [], terminate },
    toStart: 2,
    rollback: false,
  });
}

export const wishOf = (world: World): Wish => {
  const { start: _start, ...wish } = wishFor({
    strategy: world.strategy,
    rollback: world.rollback,
    acceptWindow: world.strategy === 'single',
    canary: [50, 100],
    terminate: world.terminate,
  });
  return world.toStart > 0 ? { ...wish, start: `v${3 - world.toStart}` } : wish;
};

const userOf = (world: World, version: string): User => world.users[version] as User;

const accepts = (world: World, version: string): EndpointLogin[] =>
  (['writer', 'reader'] as const).map((endpoint) => ({
    endpoint,
    login: world[endpoint][userOf(world, version)] === version ? 'ok' : 'bad',
  }));

const proxyAccepts = (world: World, version: string): EndpointLogin[] => {
  if (world.proxy === undefined) return [];
  const user = userOf(world, version);
  const isTaken = world.proxy[user] === version && world.writer[user] === version;
  return [{ endpoint: 'proxy', login: isTaken ? 'ok' : 'bad' }];
};

function seenVersion(world: World, version: string | undefined): StoredVersion | undefined {
  if (version === undefined || world.users[version] === undefined) return undefined;
  return {
    versionId: version,
    user: userOf(world, version),
    fingerprint: version,
    logins: accepts(world, version),
    proxyLogins: proxyAccepts(world, version),
  };
}

/** Values of the other role that have lost their labels and are still taken somewhere. */
const unlabelledIn = (world: World): string[] =>
  Object.entries(world.users)
    .filter(
      ([version, user]) =>
        ![world.cur, world.pend, world.prev].includes(version) && user !== world.users[world.cur],
    )
    .map(([version]) => version)
    .filter((version) => accepts(world, version).some(({ login }) => login === 'ok'));

const isEmptyPending = ({ pend, users }: World): boolean => pend !== undefined && users[pend] === undefined;

export function observationOf(world: World): Observation {
  const seen = observationWithoutSessions(world);
  const left = deadUsers(seen).filter((user) => world.sessions.includes(user as User));
  if (left.length === 0) return seen;
  const used = usersInUse(world);
  return {
    ...seen,
    leftBehind: left.map((user) => ({ user, all: 1, unused: used.has(user as User) ? 0 : 1 })),
  };
}

function observationWithoutSessions(world: World): Observation {
  const { cur, pend, prev, slots, shifted, given } = world;
  const current = seenVersion(world, cur);
  const pending = pend === cur ? undefined : seenVersion(world, pend);
  const previous = seenVersion(world, prev);
  const unlabelled = unlabelledIn(world).flatMap((version) => seenVersion(world, version) ?? []);
  const slotSecrets = slots && (['a', 'b'] as const).map((user) => slotSeen(world, slots, user));
  const tried = pending ?? current;
  return {
    now,
    pendingIsCurrent: pend === cur,
    slots: { a: 'a', b: 'b' },
    consumers: world.consumers.map((consumer, index) => seenConsumer(world, consumer, index)),
    ...(current && { current }),
    ...(pending && { pending }),
    ...(previous && { previous }),
    ...(unlabelled.length > 0 && { unlabelled }),
    ...(isEmptyPending(world) && pend !== undefined && { emptyPending: pend }),
    ...(slotSecrets && {
      slotSecrets,
      proxyReady: tried?.proxyLogins.every(({ login }) => login === 'ok') ?? false,
    }),
    ...(shifted.state !== 'none' && { shiftedAt: shifted.state === 'over' ? now - 2 * drainMs : now }),
    ...(given.state !== 'none' && { nextAt: given.state === 'over' ? now - drainMs : now }),
    ...(world.rollingBack !== undefined && { rollingBack: world.rollingBack }),
    lateSessions: [],
  };
}

const slotSeen = (world: World, slots: Passwords, user: User) =>
  ({
    user,
    fingerprint: slots[user],
    login: world.writer[user] !== slots[user] ? 'bad' : world.reader[user] === slots[user] ? 'ok' : 'unknown',
  }) as const;

function seenConsumer(world: World, consumer: ModelConsumer, index: number): ConsumerSeen {
  const { kind, staged, holds, next, added, proved } = consumer;
  return {
    id: String(index),
    kind,
    staged,
    holds: kind === 'follows' ? world.cur : holds,
    takesNext: true,
    state: 'ready',
    proved,
    drainMs,
    ...(next !== undefined && { holdsNext: next }),
    ...(added && { added }),
  };
}

/** Whether this set of candidates comes through everywhere that its holder may go. */
function comesThrough(world: World, candidates: readonly string[]): boolean {
  const stored = candidates.filter((version) => world.users[version] !== undefined);
  const reach = (of: (version: string) => EndpointLogin[]): boolean => {
    const seen = stored.map(of);
    return (seen[0] ?? []).every((_at, index) => seen.some((logins) => logins[index]?.login === 'ok'));
  };
  if (stored.length === 0) return false;
  return world.proxy === undefined
    ? reach((version) => accepts(world, version))
    : reach((version) => proxyAccepts(world, version));
}

/** Sets of logins, each of which that consumer may present; one of a set has to be accepted. */
function presentedBy(
  { cur }: World,
  { kind, holds, next, added, former }: ModelConsumer,
): readonly (readonly string[])[] {
  const present = kind === 'follows' ? [cur] : [holds, ...(next ? [next] : [])];
  return [present, ...(added ? [[added.holds]] : []), ...former.map((text) => text.split('/'))];
}

const usersInUse = (world: World): ReadonlySet<User> =>
  new Set(
    world.consumers
      .flatMap((consumer) => presentedBy(world, consumer).flat())
      .filter((version) => world.users[version] !== undefined)
      .map((version) => userOf(world, version)),
  );

/** INV: logins that somebody may present and that are not accepted everywhere; sessions that were ended under somebody's hands. */
export function violations(world: World): string[] {
  const refused = world.consumers.flatMap((consumer, index) => {
    const { kind } = consumer;
    const fromStore = world.strategy === 'next' ? [world.cur, ...(world.pend ? [world.pend] : [])] : [];
    const more = kind === 'follows' ? fromStore : [];
    return presentedBy(world, consumer)
      .filter((set) => !comesThrough(world, [...set, ...more]))
      .map((set) => `${index} (${kind}) presents ${set.join('/')}`);
  });
  return world.cut === undefined ? refused : [...refused, `the sessions of ${world.cut} were in use`];
}

const withUser = (passwords: Passwords, user: string, password: string): Passwords => ({
  ...passwords,
  [user]: password,
});

const left = (consumer: ModelConsumer, ...gone: readonly string[]): readonly string[] =>
  [...new Set([...consumer.former, ...gone])].sort();

const present = ({ holds, next }: ModelConsumer): string => (next === undefined ? holds : `${holds}/${next}`);

/** The world after an effect. */
export function apply(world: World, effect: Effect): World {
  const changed = (consumer: string, change: (seen: ModelConsumer) => ModelConsumer): World => ({
    ...world,
    consumers: world.consumers.map((seen, index) => (String(index) === consumer ? change(seen) : seen)),
  });
  return withClocks(step());

  function step(): World {
    switch (effect.do) {
      case 'put-pending': {
        const isNew = world.users[effect.token] === undefined && effect.token === wishOf(world).start;
        const users = { ...world.users, [effect.token]: effect.user as User };
        return { ...world, users, pend: effect.token, toStart: world.toStart - (isNew ? 1 : 0) };
      }
      case 'set-password': {
        const password =
          effect.of === 'slot-secret'
            ? (world.slots?.[effect.user as User] ?? '')
            : effect.of === 'pending'
              ? (world.pend ?? '')
              : world.cur;
        return { ...world, writer: withUser(world.writer, effect.user, password) };
      }
      case 'put-slot-secret': {
        const password = effect.of === 'pending' ? (world.pend ?? '') : world.cur;
        return world.slots ? { ...world, slots: withUser(world.slots, effect.user, password) } : world;
      }
      case 'renew-slot-secret':
        return world.slots
          ? { ...world, slots: withUser(world.slots, effect.user, `dead ${effect.user}`) }
          : world;
      case 'shift':
        return changed(effect.consumer, (seen) => shift(world, seen, effect));
      case 'give-next':
        return changed(effect.consumer, ({ next: _next, ...seen }) => ({
          ...seen,
          former: left(seen, present({ ...seen, ...(_next !== undefined && { next: _next }) })),
          ...(effect.on && world.pend !== undefined && { next: world.pend }),
        }));
      case 'promote':
        return {
          ...world,
          cur: effect.to,
          prev: effect.from,
          consumers: world.consumers.map((seen) => ({
            ...seen,
            proved: false,
            former: seen.kind === 'follows' ? left(seen, world.cur) : seen.former,
          })),
        };
      case 'prove':
        return changed(effect.consumer, (seen) => ({ ...seen, proved: true }));
      case 'retire':
        return { ...world, writer: withUser(world.writer, effect.user, `dead ${effect.user}`) };
      case 'end-sessions': {
        const inUse = usersInUse(world).has(effect.user as User);
        if (inUse && effect.which === 'idle') return world;
        const sessions = world.sessions.filter((user) => user !== effect.user);
        return { ...world, sessions, ...(inUse && { cut: effect.user }) };
      }
      case 'clear-pending': {
        const { pend: _pend, ...rest } = world;
        return rest;
      }
    }
  }
}

function shift(
  world: World,
  { added, ...consumer }: ModelConsumer,
  { to, percent }: Extract<Effect, { do: 'shift' }>,
): ModelConsumer {
  const value = to === 'current' ? world.cur : (world.pend ?? '');
  const share = added ? [added.holds] : [];
  if (percent === 0) return { ...consumer, former: left(consumer, ...share) };
  if (percent === 100)
    return { ...consumer, holds: value, former: left(consumer, ...share, present(consumer)) };
  return { ...consumer, added: { holds: value, percent, soak: 'soaking' }, former: left(consumer, ...share) };
}

/** Clocks start when all is there, and start again under other labels. */
function withClocks(world: World): World {
  const pending = world.pend === world.cur ? undefined : world.pend;
  const labels = [world.cur, world.prev, pending, ...unlabelledIn(world)].join(' ');
  const tick = (clock: Clock, isThere: boolean): Clock => {
    if (!isThere) return noClock;
    return clock.state !== 'none' && clock.labels === labels ? clock : { state: 'running', labels };
  };
  const isShifted = world.consumers.every(
    ({ kind, holds, added }) => (kind === 'follows' || holds === world.cur) && added === undefined,
  );
  const isGiven = world.consumers.every(
    ({ kind, next }) => kind === 'follows' || (next !== undefined && next === world.pend),
  );
  return withSessions({
    ...world,
    shifted: tick(world.shifted, isShifted),
    given: tick(world.given, isGiven),
  });
}

/** Whoever may present a login that is accepted may be connected with it, and stays so. */
function withSessions(world: World): World {
  if (world.strategy !== 'slots' || world.slots !== undefined) return world;
  const opened = world.consumers
    .flatMap((consumer) => presentedBy(world, consumer).flat())
    .filter((version) => accepts(world, version).some(({ login }) => login === 'ok'))
    .map((version) => userOf(world, version));
  return { ...world, sessions: [...new Set([...world.sessions, ...opened])].sort() };
}

/** What may happen at any moment without anybody's fault. */
export function passings(world: World): World[] {
  const over = (clock: Clock): Clock => (clock.state === 'running' ? { ...clock, state: 'over' } : clock);
  const soaked = (soak: 'good' | 'bad') =>
    world.consumers.map(({ added, ...seen }) => ({
      ...seen,
      ...(added && { added: { ...added, soak: added.soak === 'soaking' ? soak : added.soak } }),
    }));
  return [
    withClocks({ ...world, reader: world.writer }),
    ...(world.proxy && world.slots ? [{ ...world, proxy: world.slots }] : []),
    // Longer than any cache and any function: nobody presents what it has given up.
    {
      ...world,
      shifted: over(world.shifted),
      given: over(world.given),
      consumers: world.consumers.map((seen) => ({ ...seen, former: [] })),
    },
    { ...world, consumers: soaked('good') },
  ];
}

/** What an adversary may do without touching a password or AWSCURRENT: no login may fail by that. */
export function mischiefs(world: World): World[] {
  const { pend: _pend, ...withoutPending } = world;
  const { prev: _prev, ...withoutPrevious } = world;
  const { rollingBack: _turn, ...withoutTurn } = world;
  const bad = world.consumers.map(({ added, ...seen }) => ({
    ...seen,
    ...(added && { added: { ...added, soak: 'bad' as const } }),
  }));
  return [
    // The journal is lost, and with it every clock, proof and turn.
    withClocks({
      ...withoutTurn,
      shifted: noClock,
      given: noClock,
      rollback: false,
      consumers: world.consumers.map((seen) => ({ ...seen, proved: false })),
    }),
    // A rotation of another tool died before it stored a value.
    ...(world.pend === undefined && world.toStart > 0 ? [{ ...world, pend: `v${3 - world.toStart}` }] : []),
    // AWSPENDING is taken away by hand.
    ...(world.strategy === 'slots' && world.pend !== undefined ? [withClocks(withoutPending)] : []),
    // AWSPREVIOUS is taken away by hand, whether its login is retired or not.
    ...(world.strategy === 'slots' && world.prev !== undefined ? [withClocks(withoutPrevious)] : []),
    { ...world, consumers: bad },
  ];
}

/** What a person may do to a rotation with a database client and the store's console. */
export function tamperings(world: World): [string, World][] {
  const { pend: _pend, ...withoutPending } = world;
  const { prev: _prev, ...withoutPrevious } = world;
  return [
    ['slot a gets another password', { ...world, writer: withUser(world.writer, 'a', 'x a') }],
    ['slot b gets another password', { ...world, writer: withUser(world.writer, 'b', 'x b') }],
    ...(world.prev === undefined
      ? []
      : [
          ['AWSCURRENT goes back', withClocks({ ...world, cur: world.prev, prev: world.cur })] as [
            string,
            World,
          ],
        ]),
    ['AWSPENDING goes', withClocks(withoutPending)],
    ['AWSPREVIOUS goes', withClocks(withoutPrevious)],
  ];
}

export type Decide = (observation: Observation, wish: Wish) => Decision;

/** One turn of the loop, with what it keeps in mind; no `after` when there is nothing to do now. */
export function turn(world: World, decide: Decide): { decision: Decision; after?: World } {
  const isBad = reasonToTurnBack(observationOf(world)) !== undefined;
  const version = rolledBackVersion(observationOf(world))?.versionId;
  const turned =
    isBad && !world.rollback && world.strategy === 'slots' && version !== undefined
      ? { ...world, rollback: true, rollingBack: version }
      : world;
  const decision = decide(observationOf(turned), wishOf(turned));
  if (decision.next === 'stop' && decision.code === 'ROLLBACK_TOO_LATE')
    return turn({ ...turned, rollback: false }, decide);
  if (decision.next !== 'effect') return { decision };
  const after = apply(turned, decision.effect);
  return { decision, after: decision.atOnce === undefined ? after : apply(after, decision.atOnce) };
}
