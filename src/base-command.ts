import { Command, Flags, type Interfaces } from '@oclif/core';
import type { Context, Report } from './context.ts';
import { Cancelled, type ExitCode, errorCode, exitCodes, UserError } from './errors.ts';
import { postgresMajors } from './project/postgres-packages.ts';
import { ask } from './terminal/ask.ts';
import { formatError } from './terminal/format-error.ts';
import { isInteractive } from './terminal/interactive.ts';
import { lineReporter } from './terminal/reporter.ts';

const issuesUrl = 'https://github.com/lambdapg/lambdapg/issues/new';

/** An error in the form that oclif's printer and its exit code read. */
type PrintableError = Error & {
  code?: string;
  suggestions?: readonly string[];
  ref?: string | undefined;
  exitCode?: number;
  oclif?: { exit?: number };
  skipOclifErrorHandling?: boolean;
};

/** A flag without a value; false when it is not given, where oclif leaves a hole. */
export const toggle = (description: string, char?: 'v' | 'y') =>
  Flags.boolean({ default: false, description, ...(char !== undefined && { char }) });

/** The flags of every command that works on the project's database; read by `parseDatabaseChoice`. */
export const databaseFlags = {
  'database-url': Flags.string({
    description:
      "another server than the project's own; the variable keeps the password out of the shell history",
    env: 'LAMBDAPG_DATABASE_URL',
    helpValue: 'postgres://…',
    noCacheDefault: true,
  }),
  'pg-version': Flags.string({
    options: postgresMajors.map(String),
    description: 'default: the one in lambdapg.json',
  }),
};

/**
 * A terminal sends Ctrl-C to npm and to its child, and npm passes it on to the child once more, some milliseconds later. A person
 * who presses it again means more than that.
 */
const sameInterruptMs = 1_000;

/** What every command shares: the context, `--json`, questions, and one home for errors. */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;

  readonly #stop = new AbortController();
  readonly #kill = new AbortController();
  readonly #lines = lineReporter(process.stderr);

  /** True when questions may be asked: a terminal at both ends, not CI, not `--json`. */
  protected get interactive(): boolean {
    return !this.jsonEnabled() && isInteractive(process.env, process.stdin, process.stderr);
  }

  /** Aborted by a second Ctrl-C: children must be killed synchronously, the process ends right after. */
  protected get killSignal(): AbortSignal {
    return this.#kill.signal;
  }

  /** From here on Ctrl-C is for a program that has the terminal; our own process waits for it. */
  protected leaveInterrupts(): void {
    process.off('SIGINT', this.#interrupt);
    process.on('SIGINT', () => {});
  }

  /** Ends a command that runs until it is told to. */
  protected stopNow(reason: Cancelled): void {
    this.#stop.abort(reason);
  }

  protected context(overrides: { report?: Report } = {}): Context {
    return {
      cwd: process.cwd(),
      env: process.env,
      signal: this.#stop.signal,
      report: overrides.report ?? ((event) => this.report(event)),
      packageDir: this.config.root,
      version: this.config.version,
    };
  }

  /**
   * Asks whether to go on with what was just shown.
   *
   * @throws UserError NOT_APPROVED (exit 2) where nobody can be asked; Cancelled (exit 1) for a no
   */
  protected async confirm(question: string, yes: boolean): Promise<void> {
    if (yes) return;
    if (!this.interactive) {
      throw new UserError('NOT_APPROVED', 'nobody is here to approve the plan', {
        exit: exitCodes.usage,
        suggestions: ['--yes approves it', '--plan only shows it'],
      });
    }
    const answer = await ask({
      message: question,
      choices: ['yes', 'no'],
      fallback: 'no',
      findFault: () => undefined,
    });
    if (answer !== 'yes') throw new Cancelled('nothing was changed', exitCodes.notDone);
  }

  /**
   * Destruction is never a matter of `--yes`: the project's name is typed, at the prompt or as `--confirm`.
   *
   * @throws UserError NOT_CONFIRMED: exit 2 where nobody can be asked, 1 for a wrong name
   */
  protected async confirmDestruction(name: string, given: string | undefined, what: string): Promise<void> {
    if (given === undefined && !this.interactive) {
      throw new UserError('NOT_CONFIRMED', `this ${what}`, {
        exit: exitCodes.usage,
        suggestions: [`add --confirm ${name}`],
      });
    }
    const typed =
      given ??
      (await ask({
        message: `This ${what}. Type ${name} to go on`,
        fallback: '',
        findFault: () => undefined,
      }));
    if (typed !== name) {
      throw new UserError('NOT_CONFIRMED', `"${typed}" is not the project's name, so nothing was done`, {
        suggestions: [`--confirm ${name}`],
      });
    }
  }

  /** Shows `result` to a person by `format`; `--json` prints what `run` returns by itself. */
  protected print<T>(result: T, format: (result: T) => string): T {
    if (!this.jsonEnabled()) this.log(format(result));
    return result;
  }

  /** Progress goes to standard error, so that standard output is the answer alone. */
  protected report(event: Parameters<Report>[0]): void {
    if (!this.jsonEnabled()) this.#lines(event);
  }

  protected override async init(): Promise<void> {
    await super.init();
    process.on('SIGINT', this.#interrupt);
    process.on('SIGTERM', this.#interrupt);
    process.on('SIGHUP', this.#interrupt);
  }

  #interruptedAt = Number.NEGATIVE_INFINITY;

  readonly #interrupt = (signal: NodeJS.Signals): void => {
    const isFirst = this.#interruptedAt === Number.NEGATIVE_INFINITY;
    if (isFirst) {
      this.#interruptedAt = performance.now();
      this.#stop.abort(new Cancelled(`stopped by ${signal === 'SIGINT' ? 'Ctrl-C' : signal}`));
    }
    if (performance.now() - this.#interruptedAt < sameInterruptMs) return;
    this.#kill.abort();
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, this.#interrupt);
    process.kill(process.pid, signal);
  };

  protected override async catch(error: Interfaces.CommandError): Promise<unknown> {
    const printable = describeError(error);
    if (!this.jsonEnabled() && printable.code !== 'EEXIT') {
      process.stderr.write(`${formatError(printable, process.stderr)}\n`);
      printable.skipOclifErrorHandling = true;
    }
    return super.catch(printable as Interfaces.CommandError);
  }

  protected override toErrorJson(error: unknown): unknown {
    const { message, code, suggestions, ref, exitCode } = error as PrintableError;
    return {
      error: {
        code: code ?? 'USAGE',
        message,
        suggestions: suggestions ?? [],
        ...(ref && { ref }),
        exit: exitCode,
      },
    };
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, this.#interrupt);
    await super.finally(error);
  }
}

/**
 * Gives any thrown value its exit code and its words: ours as they are, oclif's usage errors as 2, everything else as
 * a bug with its stack.
 */
function describeError(error: unknown): PrintableError {
  if (error instanceof UserError) return withExit(error, error.exit);
  if (error instanceof Cancelled) return withExit(error, error.exit);
  const printable = (error instanceof Error ? error : new Error(String(error))) as PrintableError;
  if (printable.oclif?.exit !== undefined) return withExit(printable, printable.oclif.exit as ExitCode);
  const bug = new Error(
    `this is a bug in lambdapg, not in what you did\n${printable.stack ?? printable.message}`,
    { cause: error },
  ) as PrintableError;
  bug.code = errorCode(error) ?? 'BUG';
  bug.ref = issuesUrl;
  delete bug.stack;
  return withExit(bug, exitCodes.bug);
}

/** oclif 4.14 reads `oclif.exit` on a terminal and `exitCode` under `--json`. */
function withExit<E extends Error>(error: E, exit: ExitCode): E & PrintableError {
  return Object.assign(error, { exitCode: exit, oclif: { exit } }) as E & PrintableError;
}
