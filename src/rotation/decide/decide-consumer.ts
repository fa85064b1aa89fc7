import { exitCodes } from '../../errors.ts';
import { type ConsumerSeen, loginOf, type Observation } from '../observation.ts';
import { outgoingOf, unlabelledOf } from './decide-incident.ts';
import type { Decision, Wish } from './decision.ts';

/** How often one run asks a consumer that has failed. */
const mostAttempts = 3;

/** Whether all of its traffic uses that login from now on. */
export function isShifted(consumer: ConsumerSeen, fingerprint: string): boolean {
  if (consumer.holds !== fingerprint) return false;
  if (consumer.state === 'hidden' || consumer.state === 'unreachable') return false;
  if (consumer.added !== undefined && consumer.added.holds !== fingerprint) return false;
  // One that follows by itself gets no change from us that could be busy or fail.
  return consumer.kind === 'follows' || consumer.state === 'ready';
}

/** Something that only another run, or this one, brings to its end. */
export const isOpen = (observation: Observation, wish: Pick<Wish, 'retire'>): boolean =>
  observation.pending !== undefined ||
  observation.emptyPending !== undefined ||
  observation.pendingIsCurrent ||
  (wish.retire !== 'keep' && loginOf(outgoingOf(observation)) === 'ok') ||
  loginOf(unlabelledOf(observation)) === 'ok';

/** @returns what stands against counting on this consumer; undefined when it is ready, or follows by itself */
export function consumerProblem(
  consumer: ConsumerSeen,
  observation: Observation,
  wish: Wish,
): Decision | undefined {
  const why = `${consumer.id}${consumer.why === undefined ? '' : `: ${consumer.why}`}`;
  const exit = isOpen(observation, wish) ? exitCodes.open : exitCodes.notDone;
  if (consumer.state === 'hidden' || consumer.state === 'unreachable')
    return {
      next: 'stop',
      code: consumer.state === 'hidden' ? 'CONSUMER_HIDDEN' : 'CONSUMER_UNREACHABLE',
      why: `what ${why} holds cannot be seen, so no password may be retired`,
      suggestions: [
        'give the caller access to it, or take it out of cloud.rotation.consumers in lambdapg.json',
      ],
      exit,
    };
  if (consumer.kind === 'follows') return undefined;
  if (consumer.state === 'busy')
    return { next: 'wait', for: 'consumer', why: `a change of ${why} is in progress` };
  if (consumer.state === 'failed' && (exit === exitCodes.notDone || (consumer.attempts ?? 0) >= mostAttempts))
    return {
      next: 'stop',
      code: 'CONSUMER_FAILED',
      why: `${why} has failed`,
      suggestions: [
        'put it right and run: lambdapg rotate-creds --resume',
        'until then both passwords stay valid',
      ],
      exit,
    };
  return undefined;
}

/**
 * The step by which that consumer gets the current login.
 *
 * @param percentOf the share that it gets now, or what comes before; asked only where a change of ours can help
 * @returns undefined when it has the login, and no other
 */
export function toCurrent(
  consumer: ConsumerSeen,
  observation: Observation,
  wish: Wish,
  percentOf: (fingerprint: string) => number | Decision,
): Decision | undefined {
  const fingerprint = observation.current?.fingerprint ?? '';
  const problem = consumerProblem(consumer, observation, wish);
  if (problem !== undefined) return problem;
  if (isShifted(consumer, fingerprint) && consumer.added === undefined) return undefined;
  if (consumer.kind === 'follows')
    return { next: 'wait', for: 'consumer', why: `${consumer.id} does not get the current login yet` };
  const percent = percentOf(fingerprint);
  if (typeof percent !== 'number') return percent;
  return {
    next: 'effect',
    effect: { do: 'shift', consumer: consumer.id, to: 'current', percent },
    why: `${consumer.id} holds ${consumer.holds === undefined ? 'an unknown' : 'another'} login`,
  };
}

/** Row 10: going by steps is for those that can go back: what is dead, or not known at all, is left at once. */
export function bringToCurrent(
  consumer: ConsumerSeen,
  observation: Observation,
  wish: Wish,
): Decision | undefined {
  const isAlive = [observation.previous, observation.pending].some(
    (version) => version?.fingerprint === consumer.holds && loginOf(version) !== 'bad',
  );
  return toCurrent(consumer, observation, wish, (fingerprint) => {
    if (!isAlive) return 100;
    return soaking(consumer, fingerprint) ?? nextShare(consumer, fingerprint, wish.canary);
  });
}

/** How a share with that login fares: a wait while it soaks. */
export function soaking(consumer: ConsumerSeen, fingerprint: string): Decision | undefined {
  const { added } = consumer;
  if (added?.holds !== fingerprint || added.soak !== 'soaking') return undefined;
  return {
    next: 'wait',
    for: 'soak',
    why: `${added.percent} % of ${consumer.id} is watched`,
    ...(added.untilMs === undefined ? {} : { untilMs: added.untilMs }),
  };
}

/** The share after the present one; 100 where none can be had. */
export function nextShare(consumer: ConsumerSeen, fingerprint: string, canary: readonly number[]): number {
  if (!consumer.staged || consumer.holds === fingerprint) return 100;
  const present = consumer.added?.holds === fingerprint ? consumer.added.percent : 0;
  return canary.find((percent) => percent > present) ?? 100;
}

/** R1: that consumer gets rid of everything but the current login. */
export function takeBack(consumer: ConsumerSeen, observation: Observation, wish: Wish): Decision | undefined {
  const back = toCurrent(consumer, observation, wish, (fingerprint) =>
    consumer.holds === fingerprint ? 0 : 100,
  );
  if (back?.next !== 'effect') return back;
  return { ...back, why: `${consumer.id} goes back to the login of ${observation.current?.user}` };
}

/** A share of the traffic with the new login that does badly: everything goes back. */
export function badShareOf({ consumers, current, pending }: Observation): ConsumerSeen | undefined {
  const incoming = pending ?? current;
  return consumers.find(({ added }) => added?.soak === 'bad' && added.holds === incoming?.fingerprint);
}

/** The first that `decide` has something for. */
export function firstOf<T>(
  items: readonly T[],
  decide: (item: T) => Decision | undefined,
): Decision | undefined {
  for (const item of items) {
    const decision = decide(item);
    if (decision !== undefined) return decision;
  }
  return undefined;
}
