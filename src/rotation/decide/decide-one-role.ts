import { exitCodes } from '../../errors.ts';
import { type ConsumerSeen, loginOf, type Observation, type StoredVersion } from '../observation.ts';
import { consumerProblem, firstOf, toCurrent } from './decide-consumer.ts';
import { decideIncident, outgoingOf, placeProblem, slotSecretOf, unlabelledOf } from './decide-incident.ts';
import { clearPending, isBeginning, proveConsumers } from './decide-retire.ts';
import type { Decision, Wish } from './decision.ts';

type Row = (observation: Observation, wish: Wish) => Decision | undefined;

/**
 * One role, so one password at a time. `next`: every consumer first gets the next password as a second candidate, then the
 * database changes, so that no login fails. `single`: between the database's change and the last consumer's shift logins
 * fail; the person has to accept that window. Pure, like `decide`.
 */
export function decideOneRole(observation: Observation, wish: Wish): Decision {
  const all = wish.rollback ? backRows : rows;
  return firstOf(all, (row) => row(observation, wish)) ?? { next: 'closed', outcome: 'closed' };
}

const rows: readonly Row[] = [
  refuseSlots,
  refusePending,
  promoteSet,
  decideIncident,
  fillPending,
  verifyTakers,
  giveNext,
  setPending,
  promote,
  shiftCopies,
  takeNext,
  prove,
  clearPending,
  start,
];

/** A pending value that is nobody's loses its label like any other. */
const backRows: readonly Row[] = [refuseSlots, setBack, decideIncident, clearBack];

/** Two slots that are half-way are none of this strategy's. */
function refuseSlots(observation: Observation): Decision | undefined {
  const { current, pending } = observation;
  const other = [pending, outgoingOf(observation), unlabelledOf(observation)].find(
    (version) => version !== undefined && version.user !== current?.user && loginOf(version) === 'ok',
  );
  if (other === undefined && (current === undefined || slotSecretOf(observation, current.user) === undefined))
    return undefined;
  return {
    next: 'stop',
    code: 'STRATEGY_MISMATCH',
    why:
      other === undefined
        ? 'behind this proxy the two slots take turns'
        : `the login of "${other.user}" is alive too: a rotation of two slots is open`,
    suggestions: ['run: lambdapg rotate-creds --resume --strategy slots'],
    exit: exitCodes.notDone,
  };
}

function refusePending(observation: Observation): Decision | undefined {
  const { current, pending } = observation;
  if (current === undefined || pending === undefined) return undefined;
  if (pending.user === current.user) return placeProblem(observation);
  return {
    next: 'stop',
    code: 'FOREIGN_PENDING',
    why: `the pending value is for "${pending.user}", not for "${current.user}"`,
    suggestions: [
      'finish that rotation with --strategy slots',
      'or run: lambdapg rotate-creds --rollback (takes the label AWSPENDING away)',
    ],
    exit: exitCodes.notDone,
  };
}

/** The database has the next password already: that is no incident here, the candidates bridge it. */
function promoteSet(observation: Observation, wish: Wish): Decision | undefined {
  const { current, pending } = observation;
  if (current === undefined || loginOf(current) !== 'bad' || loginOf(pending) !== 'ok') return undefined;
  const decision = promote(observation);
  return wish.strategy === 'single' && decision?.next === 'effect'
    ? { ...decision, incident: true }
    : decision;
}

function fillPending({ emptyPending, current }: Observation): Decision | undefined {
  if (emptyPending === undefined || current === undefined) return undefined;
  return {
    next: 'effect',
    effect: { do: 'put-pending', token: emptyPending, user: current.user },
    why: 'AWSPENDING stands on a version without a value',
  };
}

/** Before anything is begun, and again before the database changes. */
function verifyTakers(observation: Observation, wish: Wish): Decision | undefined {
  const { pending } = observation;
  if (wish.acceptWindow || (pending === undefined && !isBeginning(observation, wish))) return undefined;
  if (wish.strategy === 'single')
    return {
      next: 'stop',
      code: 'WINDOW_NOT_ACCEPTED',
      why: 'with one role and one password, logins fail between the change in the database and the last consumer',
      suggestions: ['use --strategy slots or next', 'or accept that with --accept-window'],
      exit: exitCodes.usage,
    };
  const without = observation.consumers.filter(({ takesNext }) => !takesNext).map(({ id }) => id);
  if (without.length === 0) return undefined;
  return {
    next: 'stop',
    code: 'NEXT_NOT_TAKEN',
    why: `no second candidate can be given to ${without.join(', ')}`,
    suggestions: [
      'name its variable for the next password (variables.next in lambdapg.json), or use the connection module',
      'or accept that its logins fail for a while with --accept-window',
    ],
    exit: pending === undefined ? exitCodes.notDone : exitCodes.open,
  };
}

/** Who has to be given the candidate; those that follow the store try AWSPENDING by themselves. */
const isGiven = ({ kind, takesNext }: ConsumerSeen): boolean => kind === 'holds' && takesNext;

function giveNext(observation: Observation, wish: Wish): Decision | undefined {
  const { pending, consumers, nextAt, now } = observation;
  if (wish.strategy !== 'next' || pending === undefined || loginOf(pending) !== 'bad') return undefined;
  const given = firstOf(consumers, (consumer) => {
    const problem = consumerProblem(consumer, observation, wish);
    if (problem !== undefined) return problem;
    if (!isGiven(consumer) || consumer.holdsNext === pending.fingerprint) return undefined;
    return {
      next: 'effect',
      effect: { do: 'give-next', consumer: consumer.id, on: true },
      why: `${consumer.id} does not have the next password as a candidate`,
    };
  });
  if (given !== undefined) return given;
  const drainMs =
    wish.drainMs ?? Math.max(0, ...consumers.filter(isGiven).map((consumer) => consumer.drainMs));
  if (drainMs === 0) return undefined;
  const wait = { next: 'wait', for: 'next' } as const;
  if (nextAt === undefined) return { ...wait, why: 'not everybody has the next password as a candidate' };
  const untilMs = nextAt + drainMs;
  if (now >= untilMs) return undefined;
  return { ...wait, untilMs, why: 'environments without the next password may still be at work' };
}

function setPending(observation: Observation, wish: Wish): Decision | undefined {
  const { pending, current } = observation;
  if (pending === undefined || current === undefined || loginOf(pending) !== 'bad') return undefined;
  const decision: Decision = {
    next: 'effect',
    effect: { do: 'set-password', user: pending.user, of: 'pending' },
    why: `the database gets the next password of ${pending.user}`,
  };
  if (wish.strategy === 'next') return decision;
  return { ...decision, atOnce: { do: 'promote', to: pending.versionId, from: current.versionId } };
}

function promote({ current, pending }: Observation): Decision | undefined {
  if (current === undefined || pending === undefined) return undefined;
  return {
    next: 'effect',
    effect: { do: 'promote', to: pending.versionId, from: current.versionId },
    why: `every endpoint takes the next password of ${pending.user}`,
  };
}

function shiftCopies(observation: Observation, wish: Wish): Decision | undefined {
  return firstOf(observation.consumers, (consumer) => toCurrent(consumer, observation, wish, () => 100));
}

function takeNext({ consumers }: Observation): Decision | undefined {
  const holder = consumers.find((consumer) => isGiven(consumer) && consumer.holdsNext !== undefined);
  if (holder === undefined) return undefined;
  return {
    next: 'effect',
    effect: { do: 'give-next', consumer: holder.id, on: false },
    why: `${holder.id} does not need its candidate any more`,
  };
}

function prove(observation: Observation): Decision | undefined {
  return observation.pendingIsCurrent ? proveConsumers(observation) : undefined;
}

function start({ current }: Observation, wish: Wish): Decision | undefined {
  if (current === undefined || wish.start === undefined || wish.start === current.versionId) return undefined;
  return {
    next: 'effect',
    effect: { do: 'put-pending', token: wish.start, user: current.user },
    why: 'a rotation begins',
  };
}

/** Back before the promotion: the database gets the stored current password again. */
function setBack({ current, pending }: Observation): Decision | undefined {
  if (current === undefined || pending === undefined) return undefined;
  if (loginOf(current) !== 'bad' || loginOf(pending) !== 'ok') return undefined;
  return {
    next: 'effect',
    effect: { do: 'set-password', user: current.user, of: 'current' },
    why: `the current password of ${current.user} is accepted again`,
  };
}

function clearBack(observation: Observation): Decision | undefined {
  const { pending, emptyPending, pendingIsCurrent, rollingBack } = observation;
  const given = takeNext(observation);
  if (given !== undefined) return given;
  const version: StoredVersion['versionId'] | undefined = pending?.versionId ?? emptyPending;
  if (version !== undefined)
    return {
      next: 'effect',
      effect: { do: 'clear-pending', version },
      why: 'the rotation is rolled back',
    };
  if (rollingBack !== undefined && !pendingIsCurrent && observation.current?.versionId !== rollingBack)
    return { next: 'closed', outcome: 'rolled back' };
  return {
    next: 'stop',
    code: 'ROLLBACK_TOO_LATE',
    why: 'one role has one password, and the old one is gone',
    suggestions: ['rotate forward instead: lambdapg rotate-creds'],
    exit: exitCodes.notDone,
  };
}
