import { exitCodes } from '../../errors.ts';
import { loginOf, type Observation, type StoredVersion } from '../observation.ts';
import type { Decision, Wish } from './decision.ts';

/** Behind a proxy: the secret of that user's slot. */
export const slotSecretOf = (observation: Observation, user: string) =>
  observation.slotSecrets?.find((slot) => slot.user === user);

/** Whose turn it is next: the slot that the current login is not; after an adoption, slot a. */
export const standbyOf = ({ slots, current }: Observation): string =>
  current?.user === slots.a ? slots.b : slots.a;

export const isSlot = ({ slots }: Observation, user: string): boolean => user === slots.a || user === slots.b;

/** The login that is to be retired: the previous one of another role. One of the same role dies with its password. */
export const outgoingOf = ({ current, previous }: Observation): StoredVersion | undefined =>
  previous !== undefined && previous.user !== current?.user ? previous : undefined;

/** A slot out of use that somebody may still log in as though no label names the login. Roles that are no slots are not ours to lock out. */
export const unlabelledOf = (observation: Observation): StoredVersion | undefined =>
  observation.unlabelled?.find(({ user }) => user !== observation.current?.user && isSlot(observation, user));

/** Why nothing may be done on a login that some endpoints take and others do not, or that nobody could try. */
export function notKnown(version: StoredVersion, which: string): Decision {
  const refusing = version.logins.filter(({ login }) => login !== 'ok');
  const where = refusing.map(({ endpoint, why }) => (why === undefined ? endpoint : `${endpoint} (${why})`));
  if (refusing.every(({ login }) => login === 'bad') && refusing.length > 0) {
    const why = `the ${which} login of ${version.user} is not yet accepted by ${where.join(', ')}`;
    return { next: 'wait', for: 'endpoints', why };
  }
  const why = `nobody knows whether the ${which} login of ${version.user} is accepted: ${where.join(', ') || 'no endpoint was tried'}`;
  return { next: 'hold', why };
}

/** Why a pending value cannot be the next login of two slots; undefined when it can. */
export function pendingProblem(observation: Observation): Decision | undefined {
  const { current, pending, slots } = observation;
  if (current === undefined || pending === undefined) return undefined;
  const stop = (code: string, why: string, suggestions: readonly string[]): Decision => ({
    next: 'stop',
    code,
    why,
    suggestions,
    exit: exitCodes.notDone,
  });
  const giveUp = 'run: lambdapg rotate-creds --rollback (takes the label AWSPENDING away)';
  if (pending.user === current.user)
    return stop(
      'SINGLE_ROLE_PENDING',
      `the pending value is for "${pending.user}", the role that is in use: it belongs to a rotation of one role`,
      ['finish it with --strategy next, or clear it', giveUp],
    );
  if (!isSlot(observation, pending.user))
    return stop(
      'FOREIGN_PENDING',
      `the pending value is for "${pending.user}", which is neither "${slots.a}" nor "${slots.b}"`,
      ['look who put it there: another rotation may be at work', giveUp],
    );
  return placeProblem(observation);
}

/** A pending value that names another server would send consumers, and their login, there. */
export function placeProblem({ current, pending }: Observation): Decision | undefined {
  if (pending === undefined || pending.place === current?.place) return undefined;
  return {
    next: 'stop',
    code: 'PENDING_PLACE',
    why: `the pending value names the server ${pending.place ?? '(none)'}, the current one ${current?.place ?? '(none)'}: it may have been tampered with`,
    suggestions: [
      'look who put it there before anything else',
      'run: lambdapg rotate-creds --rollback (takes the label AWSPENDING away)',
    ],
    exit: exitCodes.notDone,
  };
}

/**
 * Rows 1 to 4: what comes first, whatever is wished. The current login is refused (consumers cannot log in), or nobody knows.
 *
 * @returns undefined when the current login is accepted everywhere and the pending one is not in doubt
 */
export function decideIncident(observation: Observation, wish: Wish): Decision | undefined {
  const { current, pending, previous } = observation;
  if (current === undefined) return noCurrent();
  const [cur, pend] = [loginOf(current), loginOf(pending)];
  // While the previous login lives, it becomes current first: promoted past it, the pending one would leave it alive without a label.
  if (cur === 'bad' && pending !== undefined && pend === 'ok' && loginOf(previous) !== 'ok')
    if (mayPromote(observation, pending)) return promotePending(observation, current, pending);
  if (cur === 'unknown' || cur === 'none') return notKnown(current, 'current');
  if (pending !== undefined && pend === 'unknown') return notKnown(pending, 'pending');
  if (cur === 'ok') return undefined;
  if (previous !== undefined && loginOf(previous) === 'ok')
    return {
      next: 'effect',
      effect: { do: 'promote', to: previous.versionId, from: current.versionId },
      why: `the current login of ${current.user} is refused, the previous one of ${previous.user} is accepted`,
      incident: true,
    };
  return repair(current, wish);
}

/** Whoever can write AWSPENDING could otherwise hand the consumers another role, or send them to another server. */
const mayPromote = (observation: Observation, pending: StoredVersion): boolean =>
  placeProblem(observation) === undefined &&
  (isSlot(observation, pending.user) || pending.user === observation.current?.user);

function promotePending(observation: Observation, current: StoredVersion, pending: StoredVersion): Decision {
  const why = `the current login of ${current.user} is refused, the pending one of ${pending.user} is accepted`;
  const slot = slotSecretOf(observation, pending.user);
  if (slot !== undefined && slot.fingerprint !== pending.fingerprint)
    return {
      next: 'effect',
      effect: { do: 'put-slot-secret', user: pending.user, of: 'pending' },
      why,
      incident: true,
    };
  return {
    next: 'effect',
    effect: { do: 'promote', to: pending.versionId, from: current.versionId },
    why,
    incident: true,
  };
}

function repair(current: StoredVersion, wish: Wish): Decision {
  const said = current.logins.find(({ why }) => why !== undefined)?.why;
  const why = `the current login of ${current.user} is refused, and no other stored one is accepted${said === undefined ? '' : ` (${said})`}`;
  if (wish.repair)
    return {
      next: 'effect',
      effect: { do: 'set-password', user: current.user, of: 'current' },
      why,
      incident: true,
    };
  return {
    next: 'stop',
    code: 'CURRENT_REFUSED',
    why,
    suggestions: ['run: lambdapg rotate-creds --repair (gives the role its stored password again)'],
    exit: exitCodes.incident,
  };
}

const noCurrent = (): Decision => ({
  next: 'stop',
  code: 'NO_CURRENT',
  why: 'the store has no current login',
  suggestions: ['deploy or provision the stage first'],
  exit: exitCodes.notDone,
});
