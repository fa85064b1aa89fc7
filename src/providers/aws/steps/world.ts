import type { Step } from '../../../provision/step.ts';
import type { Aws } from '../clients.ts';
import type { Look } from '../look.ts';
import type { Stage } from '../stage.ts';

/** What every step of a stage works with. */
export interface World {
  readonly aws: Aws;
  readonly stage: Stage;
}

export type AwsStep<Have> = Step<Look, Have>;
