import { randomBytes, randomUUID } from 'node:crypto';
import {
  type EnvironmentSettings,
  ExecutionEnvironment,
  type InvocationOutcome,
} from './execution-environment.ts';
import { functionArn, type LocalFunction } from './local-function.ts';

export interface PoolSettings extends EnvironmentSettings {
  /** Most environments at once, of all functions. */
  readonly concurrency: number;
  /** Milliseconds after which an unused environment is stopped. */
  readonly idleMs: number;
}

export interface InvokeRequest {
  readonly payload: Buffer;
  /** A new one unless told: Lambda keeps it when it retries. */
  readonly requestId?: string;
  /** JSON. */
  readonly clientContext?: string;
  readonly traceId?: string;
}

/** No environment was free and none may be started: Lambda's reason for its 429. */
export interface Throttled {
  readonly throttled:
    | 'ReservedFunctionConcurrentInvocationLimitExceeded'
    | 'ConcurrentInvocationLimitExceeded';
}

interface Pool {
  fn: LocalFunction;
  readonly environments: Set<ExecutionEnvironment>;
}

/** The execution environments of all functions: reuses a free one, starts one where it may, throttles where not. */
export class EnvironmentPools {
  readonly #settings: PoolSettings;
  readonly #pools = new Map<string, Pool>();
  readonly #idleTimers = new Map<ExecutionEnvironment, NodeJS.Timeout>();
  readonly #stopping = new Set<Promise<void>>();

  constructor(functions: readonly LocalFunction[], settings: PoolSettings) {
    this.#settings = settings;
    for (const fn of functions) this.#pools.set(fn.name, { fn, environments: new Set() });
  }

  find(name: string): LocalFunction | undefined {
    return this.#pools.get(name)?.fn;
  }

  functions(): readonly LocalFunction[] {
    return [...this.#pools.values()].map((pool) => pool.fn);
  }

  environments(): readonly ExecutionEnvironment[] {
    return [...this.#pools.values()].flatMap((pool) => [...pool.environments]);
  }

  /** New events go to `fn` from now on; what is busy with the old code finishes, what is idle is stopped. */
  replace(fn: LocalFunction): void {
    const pool = this.#pools.get(fn.name);
    if (pool === undefined) {
      this.#pools.set(fn.name, { fn, environments: new Set() });
      return;
    }
    pool.fn = fn;
    for (const environment of pool.environments) {
      if (environment.state === 'idle') this.#retire(pool, environment, 'its code was replaced');
    }
  }

  /** @param name of a function that exists */
  async invoke(name: string, request: InvokeRequest): Promise<InvocationOutcome | Throttled> {
    const pool = this.#pools.get(name);
    if (pool === undefined) throw new Error(`no function ${name}`);
    this.#forgetDead();
    const environment = this.#findFree(pool) ?? this.#create(pool);
    if ('throttled' in environment) return environment;
    try {
      return await environment.invoke({
        requestId: request.requestId ?? randomUUID(),
        payload: request.payload,
        functionArn: pool.fn.arn ?? functionArn(name),
        traceId: request.traceId ?? newTraceId(),
        ...(request.clientContext !== undefined && { clientContext: request.clientContext }),
      });
    } catch (error) {
      environment.kill('lambdapg failed');
      throw error;
    } finally {
      this.#release(pool, environment);
    }
  }

  /** Ends every environment, politely first; resolves when all their processes are gone. */
  async stop(): Promise<void> {
    for (const pool of this.#pools.values()) {
      for (const environment of pool.environments) this.#retire(pool, environment, 'lambdapg stops');
    }
    await Promise.all(this.#stopping);
  }

  kill(): void {
    for (const environment of this.environments()) environment.kill('lambdapg was told to kill it');
    for (const timer of this.#idleTimers.values()) clearTimeout(timer);
  }

  /** Those whose process ended between two events. */
  #forgetDead(): void {
    for (const { environments } of this.#pools.values()) {
      for (const environment of environments)
        if (environment.state === 'stopped') environments.delete(environment);
    }
  }

  /** The one used last: it is the warmest, and the others grow old enough to be stopped. */
  #findFree(pool: Pool): ExecutionEnvironment | undefined {
    const idle = [...pool.environments].filter((environment) => environment.state === 'idle').at(-1);
    if (idle === undefined) return undefined;
    clearTimeout(this.#idleTimers.get(idle));
    idle.reserve();
    return idle;
  }

  #create(pool: Pool): ExecutionEnvironment | Throttled {
    const { fn, environments } = pool;
    if (environments.size >= (fn.reservedConcurrency ?? Number.POSITIVE_INFINITY)) {
      return { throttled: 'ReservedFunctionConcurrentInvocationLimitExceeded' };
    }
    if (this.environments().length >= this.#settings.concurrency && !this.#evictIdle()) {
      return { throttled: 'ConcurrentInvocationLimitExceeded' };
    }
    const environment = new ExecutionEnvironment(fn, this.#settings);
    environments.add(environment);
    return environment;
  }

  /** Room for a function that needs it: an idle environment of another one goes. */
  #evictIdle(): boolean {
    for (const pool of this.#pools.values()) {
      for (const environment of pool.environments) {
        if (environment.state !== 'idle') continue;
        this.#retire(pool, environment, 'another function needed its place');
        return true;
      }
    }
    return false;
  }

  #release(pool: Pool, environment: ExecutionEnvironment): void {
    if (environment.state !== 'idle') pool.environments.delete(environment);
    else if (environment.fn !== pool.fn) this.#retire(pool, environment, 'its code was replaced');
    else {
      // To the end of the set: the order of last use.
      pool.environments.delete(environment);
      pool.environments.add(environment);
      const { idleMs } = this.#settings;
      const recycle = () => this.#retire(pool, environment, `it was idle for ${Math.round(idleMs / 1000)} s`);
      this.#idleTimers.set(environment, setTimeout(recycle, idleMs).unref());
    }
  }

  #retire(pool: Pool, environment: ExecutionEnvironment, reason: string): void {
    pool.environments.delete(environment);
    clearTimeout(this.#idleTimers.get(environment));
    this.#idleTimers.delete(environment);
    const stopped = environment.stop(reason).finally(() => this.#stopping.delete(stopped));
    this.#stopping.add(stopped);
  }
}

/** X-Ray's form; nothing is sampled here. */
export function newTraceId(): string {
  const seconds = Math.floor(Date.now() / 1000).toString(16);
  const root = `1-${seconds}-${randomBytes(12).toString('hex')}`;
  return `Root=${root};Parent=${randomBytes(8).toString('hex')};Sampled=0`;
}
