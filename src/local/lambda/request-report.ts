import type { Report } from '../../context.ts';
import type { Throttled } from './environment-pool.ts';
import type { InvocationOutcome } from './execution-environment.ts';

/** Where an event came from, and what its sender was told. */
export interface Requested {
  readonly functionName: string;
  /** The HTTP method; `INVOKE` for a call from within, `EVENT` for an asynchronous event. */
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/** Tells of one served event, in numbers for `--json` and in one line for the terminal. */
export function reportRequest(report: Report, requested: Requested, result: InvocationOutcome): void {
  const { functionName, method, path, status } = requested;
  const { environment, requestId, durationMs, initMs, billedMs, memoryMb, failure } = result;
  const init = initMs === undefined ? '' : `, init ${Math.round(initMs)} ms`;
  const error = failure === undefined ? '' : `, ${failure.errorType}`;
  report({
    type: 'request',
    message: `${method} ${path} ${status} ${durationMs.toFixed(1)} ms${init} ${functionName}@${environment}${error}`,
    function: functionName,
    environment,
    requestId,
    method,
    path,
    status,
    durationMs,
    ...(initMs !== undefined && { initMs }),
    billedMs,
    memoryMb,
    ...(failure !== undefined && { errorType: failure.errorType }),
  });
}

export function reportThrottle(report: Report, requested: Requested, result: Throttled): void {
  const { functionName, method, path, status } = requested;
  report({
    type: 'throttle',
    message: `${method} ${path} ${status} ${functionName} throttled: ${result.throttled}`,
    function: functionName,
    method,
    path,
    status,
    reason: result.throttled,
  });
}
