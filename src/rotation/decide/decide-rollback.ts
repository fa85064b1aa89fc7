import { exitCodes } from '../../errors.ts';
import { type ConsumerSeen, loginOf, type Observation, type StoredVersion } from '../observation.ts';
import { badShareOf, firstOf, takeBack } from './decide-consumer.ts';
import { decideIncident, isSlot, notKnown, outgoingOf } from './decide-incident.ts';
import { drain, endLeftBehind, mendSlotSecrets, retireLogin, retireUnlabelled } from './decide-retire.ts';
import type { Decision, Wish } from './decision.ts';

/**
 * The way back, as long as the old login is alive: AWSCURRENT returns to it (R2), consumers return to it (R1), the new login
 * dies, AWSPENDING goes. Once the old login is retired there is no way back, only another rotation.
 *
 * Pure, like `decide`. Which version is rolled back is seen by AWSPENDING; where that label is gone, by
 * `observation.rollingBack`, without which a second look would turn the turned back again.
 */
export function decideRollback(observation: Observation, wish: Wish): Decision {
  const { current, pending, emptyPending } = observation;
  const target = rolledBackVersion(observation);
  if (target?.versionId === current?.versionId && pending === undefined) {
    if (emptyPending !== undefined) return clear(emptyPending);
    return decideIncident(observation, wish) ?? promoteBack(observation);
  }
  return decideIncident(observation, wish) ?? undo(observation, wish, target);
}

/** The share of the new login that does badly while there is a way back. */
export function reasonToTurnBack(observation: Observation): ConsumerSeen | undefined {
  const canTurn = observation.pending !== undefined || loginOf(outgoingOf(observation)) === 'ok';
  return canTurn ? badShareOf(observation) : undefined;
}

/** The version whose login is to die. */
export function rolledBackVersion(observation: Observation): StoredVersion | undefined {
  const { current, pending, previous, rollingBack } = observation;
  if (pending !== undefined) return pending;
  if (rollingBack !== undefined && !observation.pendingIsCurrent)
    return [current, previous].find((version) => version?.versionId === rollingBack);
  return current;
}

/** R2. */
function promoteBack(observation: Observation): Decision {
  const { current } = observation;
  const old = outgoingOf(observation);
  const login = loginOf(old);
  if (old !== undefined && login === 'unknown') return notKnown(old, 'previous');
  if (old !== undefined && current !== undefined && login === 'ok')
    return {
      next: 'effect',
      effect: { do: 'promote', to: old.versionId, from: current.versionId },
      why: `the login of ${old.user} is current again`,
    };
  return {
    next: 'stop',
    code: 'ROLLBACK_TOO_LATE',
    why:
      old === undefined
        ? 'nothing is open that could be rolled back'
        : `the login of ${old.user} is retired, so there is nothing to go back to`,
    suggestions: ['rotate forward instead: lambdapg rotate-creds'],
    exit: exitCodes.notDone,
  };
}

/** R1: AWSCURRENT stands on the old login. */
function undo(observation: Observation, wish: Wish, target: StoredVersion | undefined): Decision {
  const { pending, consumers } = observation;
  const isDead = target === undefined || !isOurs(observation, target);
  const login = isDead ? 'none' : loginOf(target);
  const back = firstOf(consumers, (consumer) => takeBack(consumer, observation, wish));
  if (back !== undefined) return back;
  if (target !== undefined && login === 'unknown') return notKnown(target, 'new');
  // A new login is never kept: nobody would know of it.
  if (target !== undefined && login === 'ok')
    return (
      drain(observation, wish, target) ?? retireLogin(observation, { ...wish, retire: 'scramble' }, target)
    );
  const dead = [isDead ? undefined : target, outgoingOf(observation)].filter((one) => one !== undefined);
  const left = firstOf(dead, (one) => endLeftBehind(observation, wish, one));
  if (left !== undefined) return left;
  const open = retireUnlabelled(observation, wish) ?? mendSlotSecrets(observation);
  if (open !== undefined) return open;
  return pending === undefined ? { next: 'closed', outcome: 'rolled back' } : clear(pending.versionId);
}

/** Only a slot out of use is ours to lock out: AWSPENDING may name any role. */
const isOurs = (observation: Observation, { user, place }: StoredVersion): boolean =>
  user !== observation.current?.user && isSlot(observation, user) && place === observation.current?.place;

const clear = (version: string): Decision => ({
  next: 'effect',
  effect: { do: 'clear-pending', version },
  why: 'the rotation is rolled back',
});
