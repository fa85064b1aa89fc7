import type { Context } from '../context.ts';
import type { ConnectionTarget } from './target.ts';

/**
 * Work on a database that can be done here or beside the database: `input` and `output` are plain JSON, so that it can
 * travel to the in-VPC runner. The registry in `jobs.ts` is what the runner knows.
 */
export interface Job<Input, Output> {
  /** Kebab-case and stable. */
  readonly name: string;
  work(context: Context, target: ConnectionTarget, input: Input): Promise<Output>;
}

/** An open way to one database. */
export interface Route {
  readonly kind: 'direct' | 'data-api' | 'runner';
  /** For people: `directly`, `through the runner my-api-dev-runner`. */
  readonly title: string;
  /** @throws what the job throws; UserError when the way itself fails */
  run<Input, Output>(job: Job<Input, Output>, target: ConnectionTarget, input: Input): Promise<Output>;
}
