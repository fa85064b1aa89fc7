import { exitCodes } from '../../errors.ts';
import { loginOf, type Observation, type SessionSeen, type StoredVersion } from '../observation.ts';
import { isOpen } from './decide-consumer.ts';
import { notKnown, slotSecretOf, unlabelledOf } from './decide-incident.ts';
import type { Decision, Wish } from './decision.ts';

/** How long after an answer that was no proof a consumer is asked again. */
const askAgainMs = 2_000;

const longestWatchMs = 60_000;

/** Another rotation is wished for, and not begun. */
export const isBeginning = (
  { current }: Pick<Observation, 'current'>,
  { start }: Pick<Wish, 'start'>,
): boolean => start !== undefined && start !== current?.versionId;

/** How long the longest of the consumers may still do something with a login that it no longer holds. Milliseconds. */
export const drainMsOf = (
  { consumers }: Pick<Observation, 'consumers'>,
  wish: Pick<Wish, 'drainMs'>,
): number => wish.drainMs ?? Math.max(0, ...consumers.map(({ drainMs }) => drainMs));

/**
 * After the drain, for how long nobody may be seen to log in with the outgoing login: who still can is a client that nobody has
 * listed, and it is seen only when it opens a connection.
 */
const watchMsOf = (drainMs: number): number => Math.min(drainMs / 4, longestWatchMs);

/** Every consumer that can be asked says that a new connection of it has the current login. */
export function proveConsumers({ consumers, current, now }: Observation): Decision | undefined {
  const open = consumers.filter(({ proved, unproved }) => !proved && unproved === undefined);
  const next = open.find(({ refusal }) => refusal === undefined || now - refusal.at >= askAgainMs);
  if (next !== undefined)
    return {
      next: 'effect',
      effect: { do: 'prove', consumer: next.id },
      why: `${next.id} has not shown yet that it logs in as ${current?.user}`,
    };
  const refused = open[0];
  if (refused === undefined) return undefined;
  return {
    next: 'wait',
    for: 'consumer',
    why: `${refused.id} does not log in as ${current?.user} yet: ${refused.refusal?.detail ?? ''}`,
  };
}

/** Row 12: nobody uses the outgoing login any more; undefined when that is so. */
export function drain(observation: Observation, wish: Wish, outgoing: StoredVersion): Decision | undefined {
  const { now, shiftedAt = now, lateSessions = [] } = observation;
  const inUse = outlast(observation, wish, outgoing);
  if (inUse !== undefined) return inUse;
  const wait = { next: 'wait', for: 'drain' } as const;
  const drainMs = drainMsOf(observation, wish);
  if (lateSessions.length > 0)
    return {
      ...wait,
      why: `somebody still logs in as ${outgoing.user}: ${lateSessions.map(describeSession).join(', ')}`,
    };
  // Where sessions cannot be seen there is nothing to watch for.
  const watchedMs = shiftedAt + drainMs + (observation.lateSessions === undefined ? 0 : watchMsOf(drainMs));
  if (now >= watchedMs) return undefined;
  return {
    ...wait,
    untilMs: watchedMs,
    why: `whether somebody still logs in as ${outgoing.user} is watched`,
  };
}

/** What was read before the shift may still be in use. */
function outlast(observation: Observation, wish: Wish, { user }: StoredVersion): Decision | undefined {
  const { now, shiftedAt } = observation;
  const wait = { next: 'wait', for: 'drain' } as const;
  if (shiftedAt === undefined) return { ...wait, why: 'not everybody holds the current login' };
  const untilMs = shiftedAt + drainMsOf(observation, wish);
  if (now >= untilMs) return undefined;
  return { ...wait, untilMs, why: `what was read before the shift may still be used as ${user}` };
}

/** `lpg/api/3/1a2b3c4d at 10.0.1.7`. */
export const describeSession = ({ application, address, pid }: SessionSeen): string =>
  `${application || 'a session without a name'} at ${address || 'an unknown address'} (pid ${pid})`;

/**
 * Row 13: the login dies. Behind a proxy its slot's secret first gets a password that nobody has, then the database gets
 * that: a secret that does not log in would make the proxy's target unhealthy.
 */
export function retireLogin(observation: Observation, wish: Wish, outgoing: StoredVersion): Decision {
  const { user } = outgoing;
  const why = `nobody uses the login of ${user} any more`;
  if (user === observation.current?.user)
    return {
      next: 'stop',
      code: 'OUTGOING_IS_CURRENT',
      why: `"${user}" is in use and cannot be retired`,
      suggestions: ['report this: it is a fault of lambdapg'],
      exit: exitCodes.bug,
    };
  const slot = slotSecretOf(observation, user);
  if (slot === undefined) {
    const how = wish.retire === 'nologin' ? 'nologin' : 'scramble';
    return { next: 'effect', effect: { do: 'retire', user, how }, why };
  }
  if (slot.fingerprint === outgoing.fingerprint || slot.fingerprint === undefined)
    return { next: 'effect', effect: { do: 'renew-slot-secret', user }, why };
  return { next: 'effect', effect: { do: 'set-password', user, of: 'slot-secret' }, why };
}

/**
 * Row 13, then: a login that is dead has no new sessions, so those that are left become fewer until none is to be ended. Those
 * that are in use end by `all` alone, and only when whoever held the login has had the time to give it up. Once the rotation is closed,
 * one after another becomes unused at its own time: without a new rotation that is no reason to do anything, or nothing would come to rest.
 */
export function endLeftBehind(
  observation: Observation,
  wish: Wish,
  outgoing: StoredVersion,
): Decision | undefined {
  const { user } = outgoing;
  const left = observation.leftBehind?.find((one) => one.user === user);
  if (left === undefined || wish.terminate === 'none') return undefined;
  const isAll = wish.terminate === 'all';
  if (!isAll && !isOpen(observation, wish) && !isBeginning(observation, wish)) return undefined;
  const count = isAll ? left.all : left.unused;
  if (count === 0) return undefined;
  const inUse = isAll ? outlast(observation, wish, outgoing) : undefined;
  return (
    inUse ?? {
      next: 'effect',
      effect: { do: 'end-sessions', user, which: wish.terminate },
      why: `${count} of the sessions of ${user} ${count === 1 ? 'has' : 'have'} outlived its login`,
    }
  );
}

/** A login that lost its label while it lived is retired like any former one, and never kept: nobody would know of it. */
export function retireUnlabelled(observation: Observation, wish: Wish): Decision | undefined {
  const version = unlabelledOf(observation);
  if (version === undefined) return undefined;
  if (loginOf(version) === 'unknown') return notKnown(version, 'unlabelled');
  return (
    proveConsumers(observation) ??
    drain(observation, wish, version) ??
    retireLogin(observation, wish, version)
  );
}

/** A slot out of use whose secret does not log in makes the proxy's target unhealthy. */
export function mendSlotSecrets({ slotSecrets, current }: Observation): Decision | undefined {
  const broken = slotSecrets?.find(({ user, login }) => user !== current?.user && login === 'bad');
  if (broken === undefined) return undefined;
  return {
    next: 'effect',
    effect: { do: 'set-password', user: broken.user, of: 'slot-secret' },
    why: `the proxy cannot log in as ${broken.user}`,
  };
}

/** Row 14, last of all: until then a label says that something is open. */
export function clearPending({ pendingIsCurrent, current }: Observation): Decision | undefined {
  if (!pendingIsCurrent || current === undefined) return undefined;
  return {
    next: 'effect',
    effect: { do: 'clear-pending', version: current.versionId },
    why: 'the rotation is done',
  };
}
