/** One thing that happened, for a person (`message`) and for a program (all of it, one JSON object a line). */
export interface ReportEvent {
  /** Kebab-case and stable: `postgres-ready`, `request`, `migration-applied`. */
  readonly type: string;
  /** One line for the terminal, without colour. */
  readonly message: string;
  readonly [detail: string]: unknown;
}

/** Where an operation tells what it is doing. It never prints by itself. */
export type Report = (event: ReportEvent) => void;

/** The values that an operation may need, made once per run by the command that starts it. */
export interface Context {
  /** Absolute: where the person stands. */
  readonly cwd: string;
  /** The environment; nothing below `commands/` reads `process.env` itself. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted by the first Ctrl-C, with a `Cancelled` as its reason. */
  readonly signal: AbortSignal;
  readonly report: Report;
  /** Absolute: the folder of the lambdapg package itself (`package.json`, `templates/`, `schema/`). */
  readonly packageDir: string;
  /** lambdapg's own version. */
  readonly version: string;
}
