import { loginOf, type Observation, type StoredVersion, worstLogin } from '../observation.ts';
import {
  badShareOf,
  bringToCurrent,
  consumerProblem,
  firstOf,
  isShifted,
  nextShare,
  soaking,
} from './decide-consumer.ts';
import {
  decideIncident,
  notKnown,
  outgoingOf,
  pendingProblem,
  slotSecretOf,
  standbyOf,
  unlabelledOf,
} from './decide-incident.ts';
import { decideOneRole } from './decide-one-role.ts';
import {
  clearPending,
  drain,
  endLeftBehind,
  isBeginning,
  mendSlotSecrets,
  proveConsumers,
  retireLogin,
  retireUnlabelled,
} from './decide-retire.ts';
import { decideRollback } from './decide-rollback.ts';
import type { Decision, Wish } from './decision.ts';

type Row = (observation: Observation, wish: Wish) => Decision | undefined;

/**
 * What to do next, from what is seen alone. Pure: the same observation always gives the same answer, so a run that was
 * killed anywhere goes on by looking. The rows stand in the order in which they win; the numbers are those of the table that
 * was model-checked (test/rotation/model.test.ts).
 */
export function decide(observation: Observation, wish: Wish): Decision {
  if (wish.strategy !== 'slots') return decideOneRole(observation, wish);
  if (wish.rollback) return decideRollback(observation, wish);
  return firstOf(rows, (row) => row(observation, wish)) ?? { next: 'closed', outcome: 'closed' };
}

const rows: readonly Row[] = [
  decideIncident, // 1 to 4
  currentAtProxy,
  fillPending, // 5
  refusePending, // 6
  setPending, // 7
  tellProxy,
  canary, // 8
  promote, // 9
  shiftRest, // 10
  retirePrevious, // 11 to 13
  retireUnlabelled,
  mendSlotSecrets,
  clearPending, // 14
  start, // 15
];

/** Behind a proxy the slot's secret has to say what the database says, or nobody comes through. */
function currentAtProxy(observation: Observation): Decision | undefined {
  const { current } = observation;
  if (current === undefined) return undefined;
  const slot = slotSecretOf(observation, current.user);
  if (slot !== undefined && slot.fingerprint !== current.fingerprint)
    return {
      next: 'effect',
      effect: { do: 'put-slot-secret', user: current.user, of: 'current' },
      why: `the proxy has another password of ${current.user} than the database`,
      incident: true,
    };
  const login = worstLogin(current.proxyLogins);
  if (login !== 'bad' && login !== 'unknown') return undefined;
  const refusing = current.proxyLogins.filter((at) => at.login !== 'ok');
  const where = refusing.map(({ endpoint, why }) => (why === undefined ? endpoint : `${endpoint} (${why})`));
  const why = `the current login of ${current.user} does not come through ${where.join(', ')}`;
  return login === 'bad' ? { next: 'wait', for: 'proxy', why } : { next: 'hold', why };
}

/** A version without a value (left behind by a rotation that died) gets one: another version would be refused by the store. */
function fillPending(observation: Observation): Decision | undefined {
  if (observation.emptyPending === undefined) return undefined;
  return {
    next: 'effect',
    effect: { do: 'put-pending', token: observation.emptyPending, user: standbyOf(observation) },
    why: 'AWSPENDING stands on a version without a value',
  };
}

/** A pending value that is not for the standby is none of ours; who holds a dead login gets the current one all the same. */
function refusePending(observation: Observation, wish: Wish): Decision | undefined {
  const problem = pendingProblem(observation);
  if (problem === undefined) return undefined;
  const decisions = observation.consumers.map((consumer) => bringToCurrent(consumer, observation, wish));
  return decisions.find((decision) => decision?.next === 'effect') ?? problem;
}

function setPending(observation: Observation, wish: Wish): Decision | undefined {
  const { pending } = observation;
  if (pending === undefined || loginOf(pending) !== 'bad') return undefined;
  return (
    standbyInUse(observation, wish, pending) ?? {
      next: 'effect',
      effect: { do: 'set-password', user: pending.user, of: 'pending' },
      why: `the database does not take the pending login of ${pending.user} yet`,
    }
  );
}

/** A new password ends the old one of that role: nobody may hold it, or still use what was read before. */
function standbyInUse(observation: Observation, wish: Wish, pending: StoredVersion): Decision | undefined {
  const { consumers, current } = observation;
  const stragglers = consumers.filter(
    (consumer) => !isShifted(consumer, current?.fingerprint ?? '') && consumer.holds !== pending.fingerprint,
  );
  const straggler = firstOf(stragglers, (consumer) => bringToCurrent(consumer, observation, wish));
  if (straggler !== undefined) return straggler;
  const former = [outgoingOf(observation), unlabelledOf(observation)].filter(
    (version) => version?.user === pending.user,
  );
  const doubtful = former.find((version) => loginOf(version) === 'unknown');
  if (doubtful !== undefined) return notKnown(doubtful, 'former');
  const alive = former.find((version) => loginOf(version) === 'ok');
  return alive && (proveConsumers(observation) ?? drain(observation, wish, alive));
}

function tellProxy(observation: Observation): Decision | undefined {
  const { pending, proxyReady } = observation;
  if (pending === undefined) return undefined;
  const slot = slotSecretOf(observation, pending.user);
  if (slot === undefined) return undefined;
  if (slot.fingerprint !== pending.fingerprint)
    return {
      next: 'effect',
      effect: { do: 'put-slot-secret', user: pending.user, of: 'pending' },
      why: `the proxy does not have the new password of ${pending.user} yet`,
    };
  if (proxyReady === true) return undefined;
  const why = pending.proxyLogins.find(({ login }) => login !== 'ok')?.why;
  return {
    next: 'wait',
    for: 'proxy',
    why: `the new login of ${pending.user} does not come through the proxy often enough${why === undefined ? '' : `: ${why}`}`,
  };
}

/** The first that can be given a share of the traffic gets one before everybody does. */
function canary(observation: Observation, wish: Wish): Decision | undefined {
  const { pending, consumers } = observation;
  const [percent = 100] = wish.canary;
  if (pending === undefined || percent >= 100) return undefined;
  const first = consumers.find(({ kind, staged }) => kind === 'holds' && staged);
  if (first === undefined || first.holds === pending.fingerprint) return undefined;
  const problem = consumerProblem(first, observation, wish);
  if (problem !== undefined) return problem;
  if (first.added?.holds === pending.fingerprint)
    return soaking(first, pending.fingerprint) ?? badShare(observation, wish);
  return {
    next: 'effect',
    effect: {
      do: 'shift',
      consumer: first.id,
      to: 'pending',
      percent: nextShare(first, pending.fingerprint, wish.canary),
    },
    why: `${first.id} tries the new login first`,
  };
}

function badShare(observation: Observation, wish: Wish): Decision | undefined {
  return badShareOf(observation) === undefined
    ? undefined
    : decideRollback(observation, { ...wish, rollback: true });
}

function promote({ current, pending }: Observation): Decision | undefined {
  if (current === undefined || pending === undefined) return undefined;
  return {
    next: 'effect',
    effect: { do: 'promote', to: pending.versionId, from: current.versionId },
    why: `every endpoint takes the new login of ${pending.user}`,
  };
}

/** One after another, so that at most one is between two logins. */
function shiftRest(observation: Observation, wish: Wish): Decision | undefined {
  if (loginOf(outgoingOf(observation)) === 'ok') {
    const back = badShare(observation, wish);
    if (back !== undefined) return back;
  }
  return firstOf(observation.consumers, (consumer) => bringToCurrent(consumer, observation, wish));
}

function retirePrevious(observation: Observation, wish: Wish): Decision | undefined {
  const outgoing = outgoingOf(observation);
  if (outgoing === undefined) return undefined;
  const login = loginOf(outgoing);
  if (login === 'unknown') return notKnown(outgoing, 'previous');
  const isKept = wish.retire === 'keep';
  if (login !== 'ok') return isKept ? undefined : endLeftBehind(observation, wish, outgoing);
  // A login that was kept is in nobody's way until the next rotation gives its role a new password.
  if (isKept && !observation.pendingIsCurrent && !isBeginning(observation, wish)) return undefined;
  return (
    proveConsumers(observation) ??
    drain(observation, wish, outgoing) ??
    (isKept ? undefined : retireLogin(observation, wish, outgoing))
  );
}

function start(observation: Observation, wish: Wish): Decision | undefined {
  if (wish.start === undefined || wish.start === observation.current?.versionId) return undefined;
  return {
    next: 'effect',
    effect: { do: 'put-pending', token: wish.start, user: standbyOf(observation) },
    why: 'a rotation begins',
  };
}
