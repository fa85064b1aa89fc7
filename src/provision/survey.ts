import type { Found, Step } from './step.ts';

export type Survey = ReadonlyMap<string, Found<unknown>>;

/** Looks at every step's resource, side by side. `look` is taken once, so that each list is asked for once. */
export async function survey<Look>(steps: readonly Step<Look>[], look: Look): Promise<Survey> {
  const found = await Promise.all(steps.map(async (step) => [step.id, await step.find(look)] as const));
  return new Map(found);
}
