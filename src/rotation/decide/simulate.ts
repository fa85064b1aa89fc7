import type { ConsumerSeen, EndpointLogin, Observation, StoredVersion } from '../observation.ts';
import type { Decision, Effect } from './decision.ts';

const accepted = (logins: readonly EndpointLogin[]): readonly EndpointLogin[] =>
  logins.map(({ endpoint }) => ({ endpoint, login: 'ok' as const }));
const refused = (logins: readonly EndpointLogin[]): readonly EndpointLogin[] =>
  logins.map(({ endpoint }) => ({ endpoint, login: 'bad' as const }));

/** What would be seen next when this effect did what it is for. Pure; a plan is made of it. */
export function simulateEffect(seen: Observation, effect: Effect): Observation {
  const { pending, current, previous, unlabelled } = seen;
  switch (effect.do) {
    case 'put-pending':
      return withPending(seen, effect.token, effect.user);
    case 'set-password':
      return withPassword(seen, effect.user, effect.of);
    case 'put-slot-secret': {
      const value = effect.of === 'pending' ? pending : current;
      return withSlot(seen, effect.user, value?.fingerprint);
    }
    case 'renew-slot-secret':
      return withSlot(seen, effect.user, `renewed ${effect.user}`);
    case 'shift':
      return withConsumer(seen, effect.consumer, (consumer) => shifted(seen, consumer, effect));
    case 'give-next':
      return withConsumer(seen, effect.consumer, ({ holdsNext: _next, ...consumer }) =>
        effect.on && pending ? { ...consumer, holdsNext: pending.fingerprint } : consumer,
      );
    case 'promote':
      return promoted(seen, effect.to);
    case 'prove':
      return withConsumer(seen, effect.consumer, (consumer) => ({ ...consumer, proved: true }));
    case 'retire': {
      const dead = (version: StoredVersion): StoredVersion =>
        version.user === effect.user ? { ...version, logins: refused(version.logins) } : version;
      return {
        ...seen,
        ...(previous && { previous: dead(previous) }),
        ...(pending && { pending: dead(pending) }),
        ...(unlabelled && { unlabelled: unlabelled.filter(({ user }) => user !== effect.user) }),
      };
    }
    case 'end-sessions': {
      const { leftBehind = [], ...rest } = seen;
      return { ...rest, leftBehind: leftBehind.filter(({ user }) => user !== effect.user) };
    }
    case 'clear-pending': {
      const { pending: _pending, emptyPending: _empty, ...rest } = seen;
      return { ...rest, pendingIsCurrent: false };
    }
  }
}

/** What would be seen when what is waited for has come; undefined when nobody knows that it will. */
export function simulateWait(
  seen: Observation,
  decision: Extract<Decision, { next: 'wait' }>,
): Observation | undefined {
  switch (decision.for) {
    case 'drain':
    case 'next':
      return decision.untilMs === undefined || decision.untilMs <= seen.now
        ? undefined
        : { ...seen, now: decision.untilMs };
    case 'soak':
      return {
        ...seen,
        consumers: seen.consumers.map((consumer) =>
          consumer.added?.soak === 'soaking'
            ? { ...consumer, added: { ...consumer.added, soak: 'good' } }
            : consumer,
        ),
      };
    case 'proxy':
      return seen.proxyReady === true ? undefined : { ...seen, proxyReady: true };
    case 'endpoints':
    case 'consumer':
      return undefined;
  }
}

function withPending(seen: Observation, versionId: string, user: string): Observation {
  const { emptyPending: _filled, ...rest } = seen;
  const logins = refused(seen.current?.logins ?? []);
  const place = seen.current?.place;
  const pending: StoredVersion = {
    versionId,
    user,
    fingerprint: `new ${versionId}`,
    logins,
    proxyLogins: [],
    ...(place !== undefined && { place }),
  };
  return { ...rest, pending, proxyReady: false };
}

/** A role has one password: every other stored login of it is refused from now on. */
function withPassword(
  seen: Observation,
  user: string,
  of: 'pending' | 'current' | 'slot-secret',
): Observation {
  const slotSecret = seen.slotSecrets?.find((slot) => slot.user === user)?.fingerprint;
  const valid = of === 'slot-secret' ? slotSecret : seen[of]?.fingerprint;
  const after = (version: StoredVersion): StoredVersion => {
    if (version.user !== user) return version;
    const logins = version.fingerprint === valid ? accepted(version.logins) : refused(version.logins);
    return { ...version, logins };
  };
  const { current, pending, previous, unlabelled, slotSecrets } = seen;
  return {
    ...seen,
    ...(unlabelled && { unlabelled: unlabelled.filter((version) => version.user !== user) }),
    ...(current && { current: after(current) }),
    ...(pending && { pending: after(pending) }),
    ...(previous && { previous: after(previous) }),
    ...(slotSecrets && {
      slotSecrets: slotSecrets.map((slot) =>
        slot.user === user ? { ...slot, login: slot.fingerprint === valid ? 'ok' : 'bad' } : slot,
      ),
    }),
  };
}

function withSlot(seen: Observation, user: string, fingerprint: string | undefined): Observation {
  const valid = [seen.current, seen.pending, seen.previous].find(
    (version) => version?.fingerprint === fingerprint,
  );
  const login = valid?.logins.every((at) => at.login === 'ok') ? 'ok' : 'bad';
  const slotSecrets = seen.slotSecrets?.map((slot) =>
    slot.user === user ? { ...slot, fingerprint, login: login as 'ok' | 'bad' } : slot,
  );
  return { ...seen, ...(slotSecrets && { slotSecrets }), proxyReady: false };
}

function withConsumer(
  seen: Observation,
  id: string,
  change: (consumer: ConsumerSeen) => ConsumerSeen,
): Observation {
  const consumers = seen.consumers.map((consumer) => (consumer.id === id ? change(consumer) : consumer));
  return withShiftedAt({ ...seen, consumers });
}

function shifted(
  seen: Observation,
  { added: _added, ...consumer }: ConsumerSeen,
  { to, percent }: Extract<Effect, { do: 'shift' }>,
): ConsumerSeen {
  const holds = seen[to]?.fingerprint;
  if (percent === 0) return { ...consumer, state: 'ready' };
  if (percent === 100) return { ...consumer, holds, state: 'ready' };
  return { ...consumer, added: { holds, percent, soak: 'soaking' } };
}

function promoted(seen: Observation, to: string): Observation {
  const { current, pending, previous, pendingIsCurrent, shiftedAt: _before, ...rest } = seen;
  const next = [pending, previous].find((version) => version?.versionId === to);
  if (next === undefined || current === undefined) return seen;
  const consumers = seen.consumers.map((consumer) =>
    consumer.kind === 'follows' ? { ...consumer, holds: next.fingerprint } : consumer,
  );
  const isPending = next.versionId === pending?.versionId;
  const left = isPending ? undefined : (pending ?? (pendingIsCurrent ? current : undefined));
  return withShiftedAt({
    ...rest,
    current: { ...next, proxyLogins: accepted(current.proxyLogins) },
    previous: current,
    pendingIsCurrent: isPending,
    consumers: consumers.map((consumer) => ({ ...consumer, proved: false })),
    ...(left && { pending: left }),
  });
}

/** The clock starts when everybody is there, and not again. */
function withShiftedAt(seen: Observation): Observation {
  const { shiftedAt, nextAt, ...rest } = seen;
  const isThere = seen.consumers.every(
    ({ holds, added }) => holds === seen.current?.fingerprint && added === undefined,
  );
  const isGiven = seen.consumers.every(
    ({ kind, takesNext, holdsNext }) =>
      kind === 'follows' || !takesNext || holdsNext === seen.pending?.fingerprint,
  );
  return {
    ...rest,
    ...(isThere && { shiftedAt: shiftedAt ?? seen.now }),
    ...(isGiven && { nextAt: nextAt ?? seen.now }),
  };
}
