import { exitCodes } from '../../errors.ts';
import { describeEffect } from '../describe-effect.ts';
import { memoryJournal } from '../journal.ts';
import type { Observation } from '../observation.ts';
import { observe } from '../observe.ts';
import type { RotationParts } from '../parts.ts';
import { proxyReadiness } from '../proxy-readiness.ts';
import { Remembered } from '../remembered.ts';
import { decide } from './decide.ts';
import { isOpen } from './decide-consumer.ts';
import { drainMsOf } from './decide-retire.ts';
import type { Decision, Effect, Wish } from './decision.ts';
import { simulateEffect, simulateWait } from './simulate.ts';

/** One thing that would happen. */
export type PlannedStep =
  | { readonly step: 'effect'; readonly effect: Effect; readonly title: string; readonly why: string }
  | { readonly step: 'wait'; readonly for: string; readonly why: string; readonly ms?: number };

export interface RotationPlan {
  /** In their order, if all goes well. */
  readonly steps: readonly PlannedStep[];
  /** How it would end: `closed`, or what a person has to see to first. */
  readonly ending: Exclude<Decision, { next: 'effect' | 'wait' }> | Extract<Decision, { next: 'wait' }>;
  /** Something is open: it would be finished, and nothing new begun. */
  readonly isOpen: boolean;
  readonly drainMs: number;
}

const mostSteps = 500;

/**
 * What a run would do, from one look at the world, with every effect assumed to succeed. Nothing is changed.
 *
 * @throws what the store throws when it cannot be read
 */
export async function planRotation(
  parts: RotationParts,
  wish: Wish,
  options: { readonly soakMs?: number; readonly now?: () => number } = {},
): Promise<RotationPlan> {
  const soakMs = options.soakMs ?? 60_000;
  const { observation } = await observe(parts, new Remembered(), (options.now ?? Date.now)(), {
    key: await memoryJournal().key(),
    wish,
    soakMs,
    soakErrors: 0.05,
    readiness: proxyReadiness(),
  });
  return planFrom(observation, wish, soakMs);
}

/** The pure half of `planRotation`. */
export function planFrom(first: Observation, wished: Wish, soakMs: number): RotationPlan {
  const steps: PlannedStep[] = [];
  let [seen, wish] = [first, wished];
  const plan = (ending: RotationPlan['ending']): RotationPlan => ({
    steps,
    ending,
    isOpen: isOpen(first, wished),
    drainMs: drainMsOf(first, wished),
  });
  while (steps.length < mostSteps) {
    if (isOpen(seen, wish)) {
      const { start: _begun, ...rest } = wish;
      wish = rest;
    }
    const decision = decide(seen, wish);
    if (decision.next === 'effect') {
      for (const effect of [decision.effect, decision.atOnce].filter((one) => one !== undefined)) {
        steps.push({ step: 'effect', effect, title: describeEffect(effect), why: decision.why });
        seen = simulateEffect(seen, effect);
      }
      continue;
    }
    const after = decision.next === 'wait' ? simulateWait(seen, decision) : undefined;
    if (after === undefined || decision.next !== 'wait') return plan(decision);
    const ms = decision.for === 'soak' ? soakMs : decision.untilMs && decision.untilMs - seen.now;
    steps.push({ step: 'wait', for: decision.for, why: decision.why, ...(ms !== undefined && { ms }) });
    seen = after;
  }
  return plan({
    next: 'stop',
    code: 'NO_END',
    why: 'the plan has no end',
    suggestions: ['report this: it is a fault of lambdapg'],
    exit: exitCodes.bug,
  });
}
