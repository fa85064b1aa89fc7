import type { Report } from '../../context.ts';
import type { EnvironmentPools, InvokeRequest } from './environment-pool.ts';
import { reportRequest, reportThrottle } from './request-report.ts';

/**
 * Lambda retries a failed asynchronous event after one and after two more minutes; here after one and two seconds,
 * so that a person sees it.
 */
const retryDelaysMs = [1_000, 2_000];
/** A throttled event stays in the queue and is tried again (Lambda: up to six hours). */
const throttledDelayMs = 1_000;

/** The queue of asynchronous events (`X-Amz-Invocation-Type: Event`). What waits in it at the end is dropped. */
export class AsyncInvocations {
  readonly #pools: EnvironmentPools;
  readonly #report: Report;
  readonly #timers = new Set<NodeJS.Timeout>();
  #stopped = false;

  constructor(pools: EnvironmentPools, report: Report) {
    this.#pools = pools;
    this.#report = report;
  }

  start(name: string, request: InvokeRequest): void {
    void this.#attempt(name, request, 0);
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  async #attempt(name: string, request: InvokeRequest, failures: number): Promise<void> {
    const result = await this.#pools.invoke(name, request);
    const requested = { functionName: name, method: 'EVENT', path: name, status: 202 };
    if ('throttled' in result) {
      reportThrottle(this.#report, requested, result);
      this.#later(throttledDelayMs, name, request, failures);
      return;
    }
    reportRequest(this.#report, requested, result);
    if (result.failure === undefined) return;
    const delayMs = retryDelaysMs[failures];
    if (delayMs !== undefined) this.#later(delayMs, name, request, failures + 1);
    else {
      const { requestId } = result;
      const message = `${name} failed ${failures + 1} times for the event ${requestId}, which is dropped`;
      this.#report({ type: 'event-dropped', message, function: name, requestId });
    }
  }

  #later(delayMs: number, name: string, request: InvokeRequest, failures: number): void {
    if (this.#stopped) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#attempt(name, request, failures);
    }, delayMs);
    this.#timers.add(timer);
  }
}
