import type { Context } from '../../../context.ts';
import type { OpenDatabase } from '../../../database/open-database.ts';
import type { Step } from '../../../provision/step.ts';
import type { Aws } from '../clients.ts';
import type { Look } from '../look.ts';
import type { Stage } from '../stage.ts';
import type { DatabaseHave } from './database-have.ts';

/** How the end of a stage is wanted. */
export interface Removal {
  /** Name of the last snapshot; absent: none is taken. */
  readonly finalSnapshot?: string;
  /** 7 to 30; 0: at once and for good. */
  readonly keepSecretsDays: number;
}

/** What every step of a stage works with. */
export interface World {
  readonly context: Context;
  readonly aws: Aws;
  readonly stage: Stage;
  /** Opens the ways to the database, for what is done by SQL. */
  readonly openDatabase: (database: DatabaseHave) => Promise<OpenDatabase>;
  /** Present while the stage is taken down. */
  readonly removal?: Removal;
}

export type AwsStep<Have> = Step<Look, Have>;
