import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { Report } from '../../context.ts';
import { EnvironmentLog } from './environment-log.ts';
import { type EnvironmentProcess, type ProcessExit, startEnvironmentProcess } from './environment-process.ts';
import { environmentVariables } from './environment-variables.ts';
import { exitFailure, type Failure, failureOf, reportedFailure, tooLargeFailure } from './failure.ts';
import { type Happening, Happenings } from './happenings.ts';
import { functionVersion, type LocalFunction } from './local-function.ts';
import { billedMs, endLine, initReportLine, reportLine, startLine, timeoutLine } from './log-lines.ts';
import { MemoryGauge } from './memory-gauge.ts';
import type { ProcessWatcher } from './process-watcher.ts';
import { type RuntimeApi, type RuntimeEvent, startRuntimeApi } from './runtime-api.ts';
import { type RuntimeClient, runtimeArguments } from './runtime-client.ts';

export interface EnvironmentSettings {
  readonly report: Report;
  /** The developer's environment, of which only what every process needs is passed on. */
  readonly machine: Readonly<Record<string, string | undefined>>;
  /** Stop the process between invocations, as Lambda freezes it. */
  readonly freeze: boolean;
  readonly watcher: ProcessWatcher;
  readonly runtimeClient: RuntimeClient;
  /** What the Init phase before the first invocation may take. */
  readonly initLimitMs: number;
  /** How long a process may take to end after SIGTERM. */
  readonly terminationGraceMs: number;
}

/** What came of one event. */
export interface InvocationOutcome {
  readonly environment: string;
  readonly requestId: string;
  readonly payload: Buffer;
  readonly failure?: Failure;
  readonly durationMs: number;
  readonly initMs?: number;
  readonly billedMs: number;
  readonly memoryMb: number;
  /** The last 4 KB of the log, base64. */
  readonly logTail: string;
}

export type EnvironmentState = 'starting' | 'idle' | 'busy' | 'stopped';

type Attempt = { readonly initMs: number; readonly failure?: Failure };

/**
 * One execution environment: one process behind one Runtime API, which gets one event at a time. Made for a first
 * event, with an Init phase; frozen between events.
 */
export class ExecutionEnvironment {
  readonly id = randomBytes(4).toString('hex');
  readonly fn: LocalFunction;
  readonly #settings: EnvironmentSettings;
  readonly #log: EnvironmentLog;
  readonly #happenings = new Happenings();
  #api: RuntimeApi | undefined;
  #process: EnvironmentProcess | undefined;
  #gauge: MemoryGauge | undefined;
  #state: EnvironmentState = 'starting';

  constructor(fn: LocalFunction, settings: EnvironmentSettings) {
    this.fn = fn;
    this.#settings = settings;
    this.#log = new EnvironmentLog((line) => this.#report('log', line, { line }));
  }

  get state(): EnvironmentState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** From idle to busy, at once: nobody else may have it. */
  reserve(): void {
    this.#state = 'busy';
  }

  /** Hands the event to the process, starting it if it is not there yet; never throws for what the function does. */
  async invoke(event: Omit<RuntimeEvent, 'deadlineMs'>): Promise<InvocationOutcome> {
    const first = this.#state === 'starting' ? await this.#start(event.requestId) : undefined;
    if (this.#state === 'starting') this.#state = 'busy';
    this.#log.startInvocation();
    this.#log.line(startLine(event.requestId, functionVersion(this.fn)));
    const startedAt = performance.now();
    const deadlineMs = Date.now() + this.fn.timeoutMs;
    // Lambda tries a failed init once more, inside the invocation and on its time.
    const failedAgain =
      first?.failure !== undefined ? await this.#init(event.requestId, deadlineMs, 'invoke') : undefined;
    const answer =
      failedAgain?.failure === undefined
        ? await this.#handle({ ...event, deadlineMs })
        : { failure: failedAgain.failure };
    const durationMs = performance.now() - startedAt;
    const initMs = first !== undefined && first.failure === undefined ? first.initMs : undefined;
    return this.#finish(event.requestId, answer, durationMs, initMs);
  }

  /** Ends the process, politely first. */
  async stop(reason: string): Promise<void> {
    const process = this.#process;
    this.#retire(reason);
    if (process === undefined) return;
    process.signal('SIGTERM');
    const timer = setTimeout(() => process.signal('SIGKILL'), this.#settings.terminationGraceMs);
    await process.ended;
    clearTimeout(timer);
  }

  /** At once, and without waiting. */
  kill(reason: string): void {
    const process = this.#process;
    this.#retire(reason);
    process?.signal('SIGKILL');
  }

  #retire(reason: string): void {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    // A process that is still there loses its Runtime API last: without it, it would end before it hears SIGTERM.
    if (!this.#process?.alive) this.#api?.close();
    this.#report('environment-stopped', `environment ${this.id} of ${this.fn.name} stopped: ${reason}`, {
      reason,
    });
  }

  async #start(requestId: string): Promise<Attempt> {
    this.#api = await startRuntimeApi({
      onNext: () => this.#happenings.push({ kind: 'next' }),
      onResponse: (_id, body) => this.#happenings.push({ kind: 'response', body }),
      onResponseTooLarge: () => this.#happenings.push({ kind: 'response-too-large' }),
      onError: (_id, body, errorType) => this.#happenings.push({ kind: 'error', body, errorType }),
      onInitError: (body, errorType) => this.#happenings.push({ kind: 'init-error', body, errorType }),
    });
    return this.#init(requestId, Date.now() + this.#settings.initLimitMs, 'init');
  }

  async #init(requestId: string, deadlineMs: number, phase: 'init' | 'invoke'): Promise<Attempt> {
    const startedAt = performance.now();
    this.#spawn();
    const happening = await this.#watched(deadlineMs);
    const initMs = performance.now() - startedAt;
    if (happening.kind === 'next') {
      await this.#readOutput();
      this.#report('init', `${this.fn.name} initialised in ${Math.round(initMs)} ms`, { initMs, phase });
      return { initMs };
    }
    const failure = failureOf(
      requestId,
      happening,
      phase === 'init' ? this.#settings.initLimitMs : this.fn.timeoutMs,
    );
    await this.#end();
    this.#log.line(initReportLine(initMs, phase, failure.errorType));
    return { initMs, failure };
  }

  #spawn(): void {
    const { runtimeClient, machine, watcher } = this.#settings;
    this.#happenings.clear();
    if (this.#state === 'stopped') {
      // Stopped while it was on its way here: nothing may be started that nobody would end.
      this.#api?.close();
      this.#happenings.push({ kind: 'exit', exit: { status: null, signal: 'SIGTERM' } });
      return;
    }
    const process = startEnvironmentProcess({
      file: this.fn.executable,
      args: runtimeArguments(this.fn, runtimeClient),
      cwd: this.fn.codeDir,
      env: environmentVariables(this.fn, machine, this.id, this.#api?.address ?? ''),
      onOutput: (stream, chunk) => this.#log.write(stream, chunk),
      onExit: (exit) => this.#exited(process, exit),
    });
    this.#process = process;
    if (process.pid === undefined) return;
    watcher.watch(process.pid);
    this.#gauge = new MemoryGauge(process.pid, this.fn.memoryMb, () => {
      process.signal('SIGKILL');
      this.#happenings.push({ kind: 'out-of-memory' });
    });
    this.#report('environment-started', `environment ${this.id} of ${this.fn.name} started`, {
      pid: process.pid,
    });
  }

  #exited(process: EnvironmentProcess, exit: ProcessExit): void {
    if (process.pid !== undefined) this.#settings.watcher.unwatch(process.pid);
    this.#log.flush();
    if (this.#process !== process) return;
    const wasIdle = this.#state === 'idle';
    this.#happenings.push({ kind: 'exit', exit });
    if (this.#state === 'stopped') this.#api?.close();
    if (wasIdle) this.#retire('its process ended between two events');
  }

  /** The answer to one event: complete when the process asks for the next one, so that nothing of it still runs. */
  async #handle(event: RuntimeEvent): Promise<{ payload?: Buffer; failure?: Failure }> {
    this.#process?.thaw();
    this.#happenings.clear();
    this.#api?.deliver(event);
    let answer: { payload?: Buffer; failure?: Failure } | undefined;
    while (true) {
      const happening = await this.#watched(event.deadlineMs);
      if (happening.kind === 'response') answer ??= { payload: happening.body };
      else if (happening.kind === 'error') {
        answer ??= { failure: reportedFailure(happening.body, happening.errorType) };
      } else if (happening.kind === 'response-too-large') answer ??= { failure: tooLargeFailure() };
      else if (happening.kind === 'next') {
        if (this.#settings.freeze) this.#process?.freeze();
        await this.#readOutput();
        return answer ?? { failure: exitFailure(event.requestId, { status: 0, signal: null }) };
      } else {
        const failure = failureOf(event.requestId, happening, this.fn.timeoutMs);
        await this.#end();
        return answer ?? { failure };
      }
    }
  }

  /** The next happening, with the memory watched until it comes. */
  async #watched(deadlineMs: number): Promise<Happening> {
    const gauge = this.#gauge;
    gauge?.start();
    const happening = await this.#happenings.take(deadlineMs);
    gauge?.stop();
    return happening.kind === 'next' && gauge?.check() ? { kind: 'out-of-memory' } : happening;
  }

  /** Its output was in the pipe before its request was on the wire: two turns of the loop read both. */
  async #readOutput(): Promise<void> {
    await setImmediate();
    await setImmediate();
    this.#log.flush();
  }

  async #end(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    process?.signal('SIGKILL');
    await process?.ended;
  }

  #finish(
    requestId: string,
    answer: { payload?: Buffer; failure?: Failure },
    durationMs: number,
    initMs: number | undefined,
  ): InvocationOutcome {
    const { failure } = answer;
    const memoryMb = this.#gauge?.peakMb ?? 0;
    if (failure?.status === 'timeout') this.#log.line(timeoutLine(requestId, this.fn.timeoutMs / 1000));
    this.#log.line(endLine(requestId));
    const init = initMs === undefined ? {} : { initMs };
    const report = { requestId, durationMs, ...init, memorySizeMb: this.fn.memoryMb, maxMemoryMb: memoryMb };
    this.#log.line(reportLine(failure === undefined ? report : { ...report, failure }));
    if (this.#process === undefined)
      this.#retire(failure === undefined ? 'its process ended' : failure.errorType);
    else if (this.#state === 'busy') this.#state = 'idle';
    return {
      environment: this.id,
      requestId,
      payload: failure?.body ?? answer.payload ?? Buffer.alloc(0),
      ...(failure !== undefined && { failure }),
      durationMs,
      ...init,
      billedMs: billedMs(durationMs, initMs),
      memoryMb,
      logTail: this.#log.tail,
    };
  }

  #report(type: string, message: string, detail: Record<string, unknown>): void {
    this.#settings.report({ type, message, function: this.fn.name, environment: this.id, ...detail });
  }
}
