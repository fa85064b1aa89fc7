import { fingerprintOf } from '../database/fingerprint.ts';
import { isShifted } from './decide/decide-consumer.ts';
import type { Wish } from './decide/decision.ts';
import { LoginAttempts, seenVersion } from './login-attempts.ts';
import {
  type ConsumerSeen,
  type Observation,
  type SlotSecretSeen,
  type Soak,
  type StoredVersion,
  worstLogin,
} from './observation.ts';
import { withLeftBehind, withSessions } from './observe-sessions.ts';
import { seeUnlabelled } from './observe-unlabelled.ts';
import type { Consumer, ConsumerRead, ReadVersion, RotationParts, StoredLogin, StoreSeen } from './parts.ts';
import type { Readiness } from './proxy-readiness.ts';
import { readConsumer } from './read-consumer.ts';
import type { Remembered } from './remembered.ts';

export interface ObserveOptions {
  /** Of the fingerprints. */
  readonly key: Buffer;
  /** Without `terminate` nobody asks for sessions that are to be ended. */
  readonly wish: Pick<Wish, 'drainMs'> & Partial<Pick<Wish, 'terminate'>>;
  /** A share has done well after this time without too many errors. */
  readonly soakMs: number;
  /** Errors per call from which on a share does badly. */
  readonly soakErrors: number;
  /** Counts logins through the proxy from one look to the next. */
  readonly readiness: Readiness;
  /** Logins without a label that have been refused: a run does not try them again and again. */
  readonly refused?: Set<string>;
}

/** What was seen, with the logins themselves for whoever carries out an effect. */
export interface Seen {
  readonly observation: Observation;
  readonly store: StoreSeen;
  readonly slotLogins: ReadonlyMap<string, StoredLogin>;
}

/**
 * Looks at everything once: labels, real logins with every stored value at every endpoint, what each consumer holds, sessions
 * of the login that is to be retired. Nothing is changed but `remembered`.
 *
 * @throws what the store throws when it cannot be read; a consumer that cannot be read is `unreachable` or `busy`, an endpoint that does
 *   not answer is `unknown`
 */
export async function observe(
  parts: RotationParts,
  remembered: Remembered,
  now: number,
  options: ObserveOptions,
): Promise<Seen> {
  const [store, slotLogins] = await Promise.all([parts.store.read(), readSlots(parts)]);
  const print = (login: StoredLogin): string => fingerprintOf(options.key, login);
  const logins = new LoginAttempts(parts, print);
  const current = store.current && seenVersion(store.current, print, logins, true);
  const pending =
    store.pending && seenVersion(store.pending, print, logins, isAtProxy(store.pending, slotLogins, print));
  const previous = otherThan(store.previous, store.current, print);
  const [currentSeen, pendingSeen, previousSeen, unlabelled, slotSecrets, reads] = await Promise.all([
    current,
    pending,
    previous && seenVersion(previous, print, logins, false),
    seeUnlabelled(parts, store, logins, print, options.refused ?? new Set()),
    parts.slotStores &&
      Promise.all([...slotsOf(parts)].map((user) => seenSlot(user, slotLogins, print, logins))),
    Promise.all(parts.consumers.map((consumer) => readConsumer(consumer, store))),
  ]);
  const consumers = await Promise.all(
    reads.map(({ consumer, read }) =>
      seenConsumer(consumer, read, { print, remembered, now, options, current: currentSeen }),
    ),
  );
  const base: Observation = {
    now,
    pendingIsCurrent: store.pendingIsCurrent,
    slots: parts.slots,
    consumers,
    ...(currentSeen && { current: currentSeen }),
    ...(pendingSeen && { pending: pendingSeen }),
    ...(previousSeen && { previous: previousSeen }),
    ...unlabelled,
    ...(store.emptyPending !== undefined && { emptyPending: store.emptyPending }),
    ...(slotSecrets && {
      slotSecrets,
      proxyReady: isProxyReady(pendingSeen ?? currentSeen, now, options),
    }),
    ...(remembered.rollingBack !== undefined && { rollingBack: remembered.rollingBack }),
  };
  const seen = await withSessions(parts, withClocks(base, remembered), remembered, options.wish);
  const observation = await withLeftBehind(parts, seen, remembered, options.wish);
  return { observation, store, slotLogins };
}

const slotsOf = ({ slotStores = [] }: RotationParts): ReadonlySet<string> =>
  new Set(slotStores.map(({ user }) => user));

async function readSlots({ slotStores = [] }: RotationParts): Promise<ReadonlyMap<string, StoredLogin>> {
  const read = await Promise.all(slotStores.map(async (slot) => [slot.user, await slot.read()] as const));
  return new Map(read.flatMap(([user, login]) => (login === undefined ? [] : [[user, login] as const])));
}

/** The proxy can only take what the slot's secret says; trying before that teaches nothing. */
function isAtProxy(
  { login }: ReadVersion,
  slotLogins: ReadonlyMap<string, StoredLogin>,
  print: (login: StoredLogin) => string,
): boolean {
  const slot = slotLogins.get(login.user);
  return slot !== undefined && print(slot) === print(login);
}

const otherThan = (
  version: ReadVersion | undefined,
  current: ReadVersion | undefined,
  print: (login: StoredLogin) => string,
): ReadVersion | undefined =>
  version !== undefined && current !== undefined && print(version.login) === print(current.login)
    ? undefined
    : version;

async function seenSlot(
  user: string,
  slotLogins: ReadonlyMap<string, StoredLogin>,
  print: (login: StoredLogin) => string,
  attempts: LoginAttempts,
): Promise<SlotSecretSeen> {
  const login = slotLogins.get(user);
  if (login === undefined) return { user, fingerprint: undefined, login: 'none' };
  return { user, fingerprint: print(login), login: worstLogin(await attempts.direct(login)) };
}

interface ConsumerScene {
  readonly print: (login: StoredLogin) => string;
  readonly remembered: Remembered;
  readonly now: number;
  readonly options: ObserveOptions;
  readonly current: StoredVersion | undefined;
}

async function seenConsumer(
  { id, prove, unproved }: Consumer,
  { holds, next, added, ...rest }: ConsumerRead,
  scene: ConsumerScene,
): Promise<ConsumerSeen> {
  const { print, remembered, current } = scene;
  const fingerprint = current?.fingerprint ?? '';
  const refusal = remembered.refusal(id, fingerprint);
  const reason = unproved ?? (prove === undefined ? 'it cannot be asked' : undefined);
  return {
    ...rest,
    id,
    holds: holds && print(holds),
    proved: remembered.isProved(id, fingerprint),
    attempts: remembered.attempts(id, rest.state === 'ready'),
    ...(next && { holdsNext: print(next) }),
    ...(added && { added: await seenShare(id, added, scene) }),
    ...(reason !== undefined && { unproved: reason }),
    ...(refusal && { refusal }),
  };
}

async function seenShare(
  id: string,
  { holds, percent, measure }: NonNullable<ConsumerRead['added']>,
  { print, remembered, now, options }: ConsumerScene,
): Promise<NonNullable<ConsumerSeen['added']>> {
  const fingerprint = holds && print(holds);
  const since = remembered.soakSince(id, fingerprint ?? '', percent, now);
  const untilMs = since + options.soakMs;
  const soak = await measure(since).then(
    ({ calls, errors }): Soak => {
      if (errors > calls * options.soakErrors) return 'bad';
      return now >= untilMs ? 'good' : 'soaking';
    },
    // What cannot be measured is not known to do well.
    (): Soak => 'soaking',
  );
  return { holds: fingerprint, percent, soak, untilMs };
}

const isProxyReady = (
  version: StoredVersion | undefined,
  now: number,
  { readiness }: ObserveOptions,
): boolean => version !== undefined && readiness.see(version.fingerprint, version.proxyLogins, now);

/** The clocks run from when something was first seen under the same labels. */
function withClocks(base: Observation, remembered: Remembered): Observation {
  const { now, current, pending, previous, unlabelled = [], consumers } = base;
  const labels = [current, previous, pending, ...unlabelled]
    .map((version) => version?.versionId ?? '-')
    .join(' ');
  const allShifted = consumers.every(
    (consumer) => isShifted(consumer, current?.fingerprint ?? '') && consumer.added === undefined,
  );
  const shiftedAt = remembered.shiftedSince(labels, current !== undefined && allShifted, now);
  const allGiven =
    pending !== undefined &&
    consumers.every(
      ({ kind, takesNext, holdsNext, state }) =>
        kind === 'follows' || !takesNext || (holdsNext === pending.fingerprint && state === 'ready'),
    );
  const nextAt = remembered.givenSince(labels, allGiven, now);
  return { ...base, ...(shiftedAt !== undefined && { shiftedAt }), ...(nextAt !== undefined && { nextAt }) };
}
