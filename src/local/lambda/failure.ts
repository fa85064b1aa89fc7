import type { ProcessExit } from './environment-process.ts';
import type { Happening } from './happenings.ts';
import { responseLimit } from './runtime-api.ts';

/** A failed init or invocation, as Lambda tells it to the caller. */
export interface Failure {
  readonly status: 'error' | 'timeout';
  /** `Runtime.ExitError`, `Sandbox.Timedout`, `Error`: as in the body, and in REPORT. */
  readonly errorType: string;
  /** JSON with at least `errorType` and `errorMessage`. */
  readonly body: Buffer;
}

/** What the runtime client posted to `/error` or `/init/error`, passed on as it is. */
export function reportedFailure(body: Buffer, errorType: string | undefined): Failure {
  return { status: 'error', errorType: findErrorType(body) ?? errorType ?? 'Unhandled', body };
}

/** @param limitMs how long it was waited for, in milliseconds */
export function failureOf(requestId: string, happening: Happening, limitMs: number): Failure {
  switch (happening.kind) {
    case 'exit':
      return exitFailure(requestId, happening.exit);
    case 'out-of-memory':
      // Lambda's kernel kills the process, and that is all that Lambda says of it.
      return exitFailure(requestId, { status: null, signal: 'SIGKILL' });
    case 'timeout':
      return timeoutFailure(requestId, limitMs);
    case 'init-error':
      return reportedFailure(happening.body, happening.errorType);
    default:
      throw new Error(`a runtime said "${happening.kind}" where that has no meaning`);
  }
}

function timeoutFailure(requestId: string, timeoutMs: number): Failure {
  const seconds = (timeoutMs / 1000).toFixed(2);
  return platformFailure(
    'timeout',
    'Sandbox.Timedout',
    `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`,
  );
}

export function exitFailure(requestId: string, exit: ProcessExit): Failure {
  return platformFailure(
    'error',
    'Runtime.ExitError',
    `RequestId: ${requestId} Error: ${describeExit(exit)}`,
  );
}

export function tooLargeFailure(): Failure {
  return platformFailure(
    'error',
    'Function.ResponseSizeTooLarge',
    `Response payload size exceeded maximum allowed payload size (${responseLimit} bytes).`,
  );
}

function platformFailure(status: Failure['status'], errorType: string, errorMessage: string): Failure {
  return { status, errorType, body: Buffer.from(JSON.stringify({ errorType, errorMessage })) };
}

/** In the words of Go's os/exec, which Lambda's own supervisor is written with. */
export function describeExit(exit: ProcessExit): string {
  if (exit.startError !== undefined) return exit.startError.message;
  if (exit.signal !== null) {
    return `Runtime exited with error: signal: ${signalNames[exit.signal] ?? exit.signal.toLowerCase()}`;
  }
  if (exit.status === 0) return 'Runtime exited without providing a reason';
  return `Runtime exited with error: exit status ${exit.status}`;
}

const signalNames: Partial<Record<NodeJS.Signals, string>> = {
  SIGKILL: 'killed',
  SIGTERM: 'terminated',
  SIGABRT: 'aborted',
  SIGSEGV: 'segmentation fault',
  SIGBUS: 'bus error',
  SIGINT: 'interrupt',
  SIGHUP: 'hangup',
};

function findErrorType(body: Buffer): string | undefined {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    if (typeof parsed === 'object' && parsed !== null && 'errorType' in parsed)
      return String(parsed.errorType);
  } catch {
    // A runtime client may post anything.
  }
  return undefined;
}
