/** How a command ends. One number, one meaning; documented in docs/glossary.md. */
export const exitCodes = {
  done: 0,
  notDone: 1,
  usage: 2,
  open: 3,
  incident: 6,
  bug: 70,
  temporary: 75,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface UserErrorOptions {
  /** What to run or change, one sentence or command each. */
  readonly suggestions?: readonly string[];
  /** A URL or a docs page with more. */
  readonly ref?: string;
  /** Exit code; `notDone` (1) unless told. */
  readonly exit?: ExitCode;
  readonly cause?: unknown;
}

/**
 * Something that the person at the keyboard can put right. Everything else that is thrown is a bug and is
 * shown as one.
 *
 * `message`: lowercase, no final period, contains the offending value (never a secret). `code`: a stable name
 * in SCREAMING_SNAKE_CASE for scripts that read `--json`.
 */
export class UserError extends Error {
  override readonly name: string = 'UserError';
  readonly code: string;
  readonly suggestions: readonly string[];
  readonly ref: string | undefined;
  readonly exit: ExitCode;

  constructor(code: string, message: string, options: UserErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.suggestions = options.suggestions ?? [];
    this.ref = options.ref;
    this.exit = options.exit ?? exitCodes.notDone;
  }
}

/** The person said no, or pressed Ctrl-C: nothing is wrong, and nothing more will be done. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
  readonly exit: ExitCode;

  constructor(message = 'cancelled', exit: ExitCode = exitCodes.interrupted) {
    super(message);
    this.exit = exit;
  }
}

/** The `code` of a Node or PostgreSQL error (`ENOENT`, `28P01`), or undefined. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string') {
    return error.code;
  }
  return undefined;
}

/** The message of anything that was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
