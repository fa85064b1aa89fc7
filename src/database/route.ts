import type { Context } from '../context.ts';
import type { ConnectionTarget } from './target.ts';

/**
 * Work on a database that can be done here or beside the database. `input` and `output` are JSON (and `Secret`s), so that
 * they can travel to the in-VPC runner, which knows the jobs of `src/jobs/registry.ts`.
 */
export interface Job<Input, Output> {
  /** Kebab-case and stable. */
  readonly name: string;
  work(context: Context, target: ConnectionTarget, input: Input): Promise<Output>;
  /**
   * What must travel along when `work` is done elsewhere, with faults of the files found here, before anything is sent.
   * Absent: nothing but the input.
   */
  pack?(context: Context, input: Input): Promise<Packed<Input>>;
}

/** Any job, by its name alone. */
export type AnyJob = Pick<Job<never, unknown>, 'name'>;

export interface Packed<Input> {
  readonly input: Input;
  /** On the other side `input.projectDir` becomes the folder that holds them. */
  readonly project?: PackedFiles;
}

export interface PackedFiles {
  /** Absolute. */
  readonly dir: string;
  /** Relative to `dir`, with forward slashes. */
  readonly files: readonly string[];
}

export const routeKinds = ['direct', 'data-api', 'runner'] as const;
export type RouteKind = (typeof routeKinds)[number];

/** An open way to one database. */
export interface Route {
  readonly kind: RouteKind;
  /** For people: `directly`, `through the runner my-api-dev-runner`. */
  readonly title: string;
  /** @throws what the job throws; UserError when the way itself fails */
  run<Input, Output>(job: Job<Input, Output>, target: ConnectionTarget, input: Input): Promise<Output>;
}

/** The job is done here, over a connection of our own. */
export function directRoute(
  context: Context,
  dial: (target: ConnectionTarget) => Promise<ConnectionTarget>,
): Route {
  return {
    kind: 'direct',
    title: 'directly',
    run: async (job, target, input) => job.work(context, await dial(target), input),
  };
}
