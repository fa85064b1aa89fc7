import type { Step } from '../../../provision/step.ts';
import type { Aws } from '../clients.ts';
import type { Look } from '../look.ts';
import type { Stage } from '../stage.ts';

/** How the end of a stage is wanted. */
export interface Removal {
  /** Name of the last snapshot; absent: none is taken. */
  readonly finalSnapshot?: string;
  /** 7 to 30; 0: at once and for good. */
  readonly keepSecretsDays: number;
}

/** What every step of a stage works with. */
export interface World {
  readonly aws: Aws;
  readonly stage: Stage;
  /** Present while the stage is taken down. */
  readonly removal?: Removal;
}

export type AwsStep<Have> = Step<Look, Have>;
