import type { Found } from '../../../provision/step.ts';
import type { Look } from '../look.ts';
import type { AwsStep } from './world.ts';

/** For a step that others ask too and whose question is dear: within one look it is asked once. */
export function oncePerLook<Have>(step: AwsStep<Have>): AwsStep<Have> {
  const asked = new WeakMap<Look, Promise<Found<Have>>>();
  return {
    ...step,
    find(look) {
      const answer = asked.get(look) ?? step.find(look);
      asked.set(look, answer);
      return answer;
    },
  };
}
