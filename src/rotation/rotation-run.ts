import { Cancelled, type ExitCode, errorCode, errorMessage, exitCodes, UserError } from '../errors.ts';
import { decide } from './decide/decide.ts';
import { isOpen } from './decide/decide-consumer.ts';
import { outgoingOf } from './decide/decide-incident.ts';
import { drainMsOf } from './decide/decide-retire.ts';
import { reasonToTurnBack, rolledBackVersion } from './decide/decide-rollback.ts';
import type { Decision, Effect, EffectName, Wish } from './decide/decision.ts';
import { describeEffect } from './describe-effect.ts';
import { loginOf, type Observation } from './observation.ts';
import { type ObserveOptions, observe, type Seen } from './observe.ts';
import { Patience, untilOf } from './patience.ts';
import { Performer, type PerformerScene } from './performer.ts';
import { proxyReadiness } from './proxy-readiness.ts';
import { leftSessions, type Outcome, type RotationReport, type WaitedMs, worldReport } from './report.ts';

/** How often in a row the world may be illegible for a moment. */
const mostBlindLooks = 3;
/** What a rotation without consumers takes at most; each consumer adds its steps. */
const mostEffects = 40;
const mostEffectsPerConsumer = 10;
/** How long an effect that was answered may stay invisible before it counts as without effect. */
const settleMs = 5_000;

interface RunScene extends PerformerScene {
  readonly wish: Wish;
  /** Of the fingerprints. */
  readonly key: Buffer;
}

type Ending = Pick<RotationReport, 'outcome' | 'exit' | 'waitingFor' | 'stopped'>;

/** One run of the machine; `rotate` starts it. */
export class RotationRun {
  readonly #scene: RunScene;
  readonly #performer: Performer;
  readonly #patience: Patience;
  readonly #observing: ObserveOptions;
  readonly #startedAt: number;
  readonly #incidents: string[] = [];
  readonly #waitedMs: { -readonly [reason in keyof WaitedMs]: number } = {};
  #wish: Wish;
  #seen: Seen | undefined;
  #blindLooks = 0;
  /** What was done last, and what the world looked like before. */
  #last: { readonly effect: string; readonly world: string; readonly at: number } | undefined;

  constructor(scene: RunScene) {
    const { options, wish, key, clock } = scene;
    this.#scene = scene;
    this.#wish = wish;
    this.#startedAt = clock.now();
    this.#performer = new Performer(scene);
    this.#patience = new Patience(options.pollMs ?? 500, options.patienceMs ?? 300_000);
    this.#observing = {
      key,
      wish,
      soakMs: options.soakMs ?? 60_000,
      soakErrors: options.soakErrors ?? 0.05,
      readiness: proxyReadiness(options.proxy),
      refused: new Set(),
    };
  }

  async run(): Promise<RotationReport> {
    for (let hasBegun = false; ; ) {
      this.#verifyNotCancelled();
      const seen = await this.#look();
      if (!hasBegun && seen !== undefined) await this.#begin(seen.observation);
      hasBegun ||= seen !== undefined;
      const ending = seen === undefined ? await this.#wait(blind) : await this.#follow(seen);
      if (ending !== undefined) return this.#end(ending);
    }
  }

  /** @returns undefined when the store gave no answer this time */
  async #look(): Promise<Seen | undefined> {
    const { parts, remembered, clock } = this.#scene;
    try {
      this.#seen = await observe(parts, remembered, clock.now(), this.#observing);
      this.#blindLooks = 0;
      await this.#performer.note();
      return this.#seen;
    } catch (error) {
      if (error instanceof Cancelled) throw error;
      if (error instanceof UserError && error.exit !== exitCodes.temporary) throw error;
      this.#blindLooks += 1;
      if (this.#blindLooks >= mostBlindLooks) throw error;
      return undefined;
    }
  }

  async #begin(observation: Observation): Promise<void> {
    const { context, rotation } = this.#scene;
    const { strategy, rollback, start } = this.#wish;
    const user = observation.current?.user ?? '';
    await this.#performer.note({ event: 'begun', strategy, user, rollback });
    if (start === undefined || !isOpen(observation, this.#wish)) return;
    const message = 'a rotation is open: it is finished, and no other is begun';
    context.report({ type: 'rotation-resumed', rotation, message });
  }

  /** One run begins one rotation: once anything is open, whoever opened it, nothing else is begun. */
  #dropStart(observation: Observation): void {
    if (!isOpen(observation, this.#wish)) return;
    const { start: _begun, ...wish } = this.#wish;
    this.#wish = wish;
  }

  /** @returns how the run ends, or undefined when it goes on */
  async #follow(seen: Seen): Promise<Ending | undefined> {
    const { observation } = seen;
    this.#dropStart(observation);
    this.#turnBackIfBad(observation);
    const decision = this.#decide(observation);
    switch (decision.next) {
      case 'effect':
        if (this.#wish.rollback) this.#rememberRollback(observation);
        return this.#effect(decision, seen);
      case 'wait':
      case 'hold':
        return this.#wait(decision);
      case 'stop': {
        const { code, why, suggestions, exit } = decision;
        return { outcome: outcomeOf(exit), exit, stopped: { code, why, suggestions } };
      }
      case 'closed': {
        const isAsked = decision.outcome === 'closed' || this.#scene.wish.rollback;
        return { outcome: decision.outcome, exit: isAsked ? exitCodes.done : exitCodes.notDone };
      }
    }
  }

  /** Back as far as there is a way back; a turn that nobody asked for goes forward again where there is none. */
  #decide(observation: Observation): Decision {
    const decision = decide(observation, this.#wish);
    const isTooLate = decision.next === 'stop' && decision.code === 'ROLLBACK_TOO_LATE';
    if (!isTooLate || this.#scene.wish.rollback) return decision;
    this.#wish = { ...this.#wish, rollback: false };
    return decide(observation, this.#wish);
  }

  /** A share that did badly is gone after the first step back: the turn has to be remembered. */
  #turnBackIfBad(observation: Observation): void {
    const bad = reasonToTurnBack(observation);
    if (bad === undefined || this.#wish.strategy !== 'slots' || this.#wish.rollback) return;
    this.#wish = { ...this.#wish, rollback: true };
    const message = `${bad.added?.percent} % of ${bad.id} did badly with the new login: everything goes back`;
    this.#scene.context.report({ type: 'rotation-canary-failed', consumer: bad.id, message });
  }

  #rememberRollback(observation: Observation): void {
    const { remembered } = this.#scene;
    const version = rolledBackVersion(observation)?.versionId ?? observation.emptyPending;
    if (remembered.rollingBack !== undefined || version === undefined) return;
    remembered.rollingBack = version;
    remembered.unwritten.push({ event: 'rolling-back', version });
  }

  async #wait(decision: Extract<Decision, { next: 'wait' | 'hold' }>): Promise<Ending | undefined> {
    const { context, clock } = this.#scene;
    const now = clock.now();
    const isKnown = decision.next === 'wait';
    const what = isKnown ? decision.for : 'knowledge';
    if (this.#patience.isNews(decision)) {
      const until = untilOf(decision);
      const time = until === undefined ? '' : ` until ${new Date(until).toISOString()}`;
      context.report({
        type: 'rotation-waiting',
        for: what,
        ...(until !== undefined && { until }),
        message: `waiting${time}: ${decision.why}`,
      });
    }
    if (this.#patience.isOver(decision, now))
      return {
        outcome: isKnown ? 'waiting' : 'unknown',
        exit: isKnown ? exitCodes.open : exitCodes.temporary,
        waitingFor: decision.why,
      };
    await clock.sleep(this.#patience.pauseMs(decision, now), context.signal);
    this.#waitedMs[what] = (this.#waitedMs[what] ?? 0) + clock.now() - now;
    return undefined;
  }

  async #effect(decision: Extract<Decision, { next: 'effect' }>, seen: Seen): Promise<Ending | undefined> {
    const { effect, why, incident, atOnce } = decision;
    const now = this.#scene.clock.now();
    const step = { effect: JSON.stringify(effect), world: worldText(seen.observation) };
    if (this.#last?.effect === step.effect && this.#last.world === step.world) {
      if (now - this.#last.at >= settleMs) return withoutEffect(effect);
      return this.#wait({
        next: 'wait',
        for: 'endpoints',
        why: `not to be seen yet: ${describeEffect(effect)}`,
      });
    }
    const most = mostEffects + mostEffectsPerConsumer * this.#scene.parts.consumers.length;
    if (this.#performer.effects.length >= most) return withoutEffect(effect);
    const doubt = await this.#doubtLease(effect);
    if (doubt !== undefined) return doubt === 'lost' ? leaseLost : this.#wait({ next: 'hold', why: doubt });
    // Asking a consumer again changes nothing that is waited for.
    if (effect.do !== 'prove') this.#patience.reset();
    if (incident === true) this.#incidents.push(why);
    const done = await this.#performer.perform(effect, why, seen, drainMsOf(seen.observation, this.#wish));
    if (done === 'lost') return leaseLost;
    this.#last = done === 'done' ? { ...step, at: now } : undefined;
    if (done === 'done' && atOnce !== undefined) await this.#performer.closeWindow(atOnce, why, seen);
    return undefined;
  }

  /** Nobody else may have taken over; in SQL that is checked with the effect. @returns why it is not known to be ours */
  async #doubtLease({ do: name }: Effect): Promise<string | undefined> {
    if (checkLeaseThemselves.has(name) || name === 'prove') return undefined;
    try {
      await this.#scene.parts.database.verifyLease?.();
      return undefined;
    } catch (error) {
      if (error instanceof Cancelled) throw error;
      return errorCode(error) === 'LEASE_LOST' ? 'lost' : errorMessage(error);
    }
  }

  #verifyNotCancelled(): void {
    if (!this.#scene.context.signal.aborted) return;
    throw new Cancelled('stopped between two effects; lambdapg rotate-creds --resume goes on from here');
  }

  async #end(ending: Ending): Promise<RotationReport> {
    const { parts, rotation, remembered, wish, clock } = this.#scene;
    const observation = this.#seen?.observation;
    const durationMs = clock.now() - this.#startedAt;
    await this.#performer.note({ event: 'ended', outcome: ending.outcome, durationMs });
    const outgoing = observation && outgoingOf(observation);
    const isKept = ending.outcome === 'closed' && loginOf(outgoing) === 'ok';
    return {
      rotation,
      strategy: wish.strategy,
      ...ending,
      ...worldReport(observation, this.#wish, remembered),
      effects: this.#performer.effects,
      leftSessions: await leftSessions(parts, observation),
      durationMs,
      waitedMs: this.#waitedMs,
      incidents: this.#incidents,
      ...(isKept && outgoing && { keptUser: outgoing.user }),
    };
  }
}

const checkLeaseThemselves: ReadonlySet<EffectName> = new Set(['set-password', 'retire', 'end-sessions']);

const blind: Decision & { next: 'hold' } = { next: 'hold', why: 'the store gave no answer' };

const leaseLost: Ending = {
  outcome: 'unknown',
  exit: exitCodes.temporary,
  waitingFor: 'another run has taken over',
};

const withoutEffect = (effect: Effect): Ending => ({
  outcome: 'unknown',
  exit: exitCodes.temporary,
  stopped: {
    code: 'NO_PROGRESS',
    why: `this has been done, and nothing has changed: ${describeEffect(effect)}`,
    suggestions: ['look whether somebody else is at work', 'run: lambdapg rotate-creds --status'],
  },
});

/** An observation without the passing of time. */
const worldText = ({ now: _now, ...rest }: Observation): string => JSON.stringify(rest);

function outcomeOf(exit: ExitCode): Outcome {
  switch (exit) {
    case exitCodes.incident:
      return 'incident';
    case exitCodes.open:
      return 'waiting';
    case exitCodes.temporary:
      return 'unknown';
    default:
      return 'refused';
  }
}
