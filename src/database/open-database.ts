import type { Job } from './route.ts';
import type { ConnectionTarget } from './target.ts';

/** A database that a command works on, wherever it is and however it is reached. */
export interface OpenDatabase {
  /** For migrations and seeds. */
  readonly admin: ConnectionTarget;
  /** What the functions log in as. */
  readonly app: ConnectionTarget;
  /** What everything made by migrations belongs to; absent on a server without the project's roles. */
  readonly ownerRole?: string;
  /** Does a job by the first open route that can do it. */
  run<Input, Output>(job: Job<Input, Output>, target: ConnectionTarget, input: Input): Promise<Output>;
  /**
   * The target as it is dialled from here, for a program that speaks PostgreSQL itself.
   *
   * @throws UserError NO_DIRECT_ROUTE
   */
  dial(target: ConnectionTarget): Promise<ConnectionTarget>;
}
