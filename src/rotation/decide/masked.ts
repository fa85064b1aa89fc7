import type { Observation } from '../observation.ts';
import type { Decision, Effect, Wish } from './decision.ts';

/** The steps by which Secrets Manager has a function rotate a secret, in their order. */
export const rotationSteps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;
export type RotationStep = (typeof rotationSteps)[number];

export type Decide = (observation: Observation, wish: Wish) => Decision;

/** What a step has to do next. */
export type StepDecision =
  | { readonly next: 'effect'; readonly effect: Effect; readonly why: string }
  | { readonly next: 'done'; readonly why: string }
  /** It may become possible while the step waits. */
  | { readonly next: 'wait'; readonly why: string }
  | { readonly next: 'fail'; readonly why: string; readonly suggestions: readonly string[] };

/** As the functions of AWS's samples spell it, or as its guide does (`create_secret`). */
export function parseRotationStep(text: string): RotationStep | undefined {
  const spelled = text.replaceAll(/_([a-z])/g, (_all, letter: string) => letter.toUpperCase());
  return rotationSteps.find((step) => step === spelled);
}

/**
 * What one step of Secrets Manager's protocol does, by the same decisions as every other rotation. Pure.
 *
 * Secrets Manager calls each step once, in order, and again from the first when one fails; a step may not outlast Lambda's 15
 * minutes. So the end of a rotation, which waits until nobody uses the old login, is done by the first step of the next one.
 *
 * @param token version of the new value, which RotateSecret has put AWSPENDING on
 */
export function decideStep(
  step: RotationStep,
  token: string,
  observation: Observation,
  wish: Omit<Wish, 'start'>,
  decide: Decide,
): StepDecision {
  if (observation.current?.versionId === token) return { next: 'done', why: 'it is AWSCURRENT' };
  if (step === 'createSecret') return decideCreate(token, observation, wish, decide);
  return mask(step, token, decide(observation, { ...wish, start: token }));
}

function decideCreate(
  token: string,
  observation: Observation,
  wish: Omit<Wish, 'start'>,
  decide: Decide,
): StepDecision {
  if (observation.pending?.versionId === token) return { next: 'done', why: 'the new value is there' };
  // As though RotateSecret had not called yet: what the rotation before has left open.
  const { pending: _pending, emptyPending: _empty, ...before } = observation;
  const last = decide(before, wish);
  if (last.next !== 'closed') return mask('createSecret', token, last);
  return mask('createSecret', token, decide({ ...before, emptyPending: token }, { ...wish, start: token }));
}

const isPermitted: Readonly<Record<RotationStep, (effect: Effect, token: string) => boolean>> = {
  createSecret: (effect, token) =>
    effect.do === 'put-pending'
      ? effect.token === token
      : effect.do === 'retire' ||
        effect.do === 'end-sessions' ||
        effect.do === 'renew-slot-secret' ||
        effect.do === 'clear-pending' ||
        (effect.do === 'set-password' && effect.of === 'slot-secret'),
  setSecret: (effect) =>
    (effect.do === 'set-password' || effect.do === 'put-slot-secret') && effect.of === 'pending',
  testSecret: () => false,
  finishSecret: (effect, token) => effect.do === 'promote' && effect.to === token,
};

/** What is next when a step has nothing left to do. */
const isAfter: Readonly<Record<RotationStep, (effect: Effect, token: string) => boolean>> = {
  createSecret: () => false,
  setSecret: isPermitted.finishSecret,
  testSecret: isPermitted.finishSecret,
  finishSecret: () => false,
};

function mask(step: RotationStep, token: string, decision: Decision): StepDecision {
  const { next } = decision;
  if (next === 'closed') return { next: 'fail', why: 'there is nothing to rotate', suggestions: [] };
  if (next === 'stop') return { next: 'fail', why: decision.why, suggestions: decision.suggestions };
  if (next === 'hold') return { next: 'wait', why: decision.why };
  if (next === 'wait') return maskWait(step, decision);
  const { effect, why } = decision;
  if (isPermitted[step](effect, token)) return { next: 'effect', effect, why };
  if (isAfter[step](effect, token)) return { next: 'done', why };
  return {
    next: 'fail',
    why: `${step} may not ${effect.do}, which is what has to be done (${why})`,
    suggestions: [
      'Secrets Manager calls again, from the first step on',
      'lambdapg rotate-creds --status says more',
    ],
  };
}

/** Drains last for minutes and are the next rotation's; endpoints and proxies converge in seconds. */
function maskWait(step: RotationStep, { for: what, why }: Extract<Decision, { next: 'wait' }>): StepDecision {
  if (step !== 'createSecret' || what !== 'drain') return { next: 'wait', why };
  return {
    next: 'fail',
    why: `the rotation before is too young to begin another: ${why}`,
    suggestions: ['rotate again later: the schedule does by itself'],
  };
}
