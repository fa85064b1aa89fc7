import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Context } from '../../context.ts';
import { errorCode, UserError } from '../../errors.ts';
import { AsyncInvocations } from './async-invocations.ts';
import { EnvironmentPools, type PoolSettings, type Throttled } from './environment-pool.ts';
import type { EnvironmentState, InvocationOutcome } from './execution-environment.ts';
import { type HttpFront, serveHttp } from './http-front.ts';
import { type InvokeApi, isInvokeApi, serveInvokeApi } from './invoke-api.ts';
import type { LocalFunction } from './local-function.ts';
import { type ProcessWatcher, startProcessWatcher } from './process-watcher.ts';
import { reportRequest, reportThrottle } from './request-report.ts';
import { ownRuntimeClient, type RuntimeClient } from './runtime-client.ts';

export type { LocalFunction } from './local-function.ts';

export interface LocalLambdaOptions {
  readonly functions: readonly LocalFunction[];
  /** 3000 unless told; 0 takes any. A busy one gives way to the next free one, with a `port-busy` event. */
  readonly preferredPort?: number;
  /** Most execution environments at once, of all functions; 50 unless told. */
  readonly concurrency?: number;
  /** Milliseconds after which an unused environment is stopped; 10 minutes unless told. */
  readonly idleMs?: number;
  /** Freeze environments between events; unless told, wherever the system can (not on Windows). */
  readonly freeze?: boolean;
  /** Milliseconds that an Init phase may take; Lambda's 10 s unless told. */
  readonly initLimitMs?: number;
  /** Milliseconds that a process may take to end when it was asked to; half a second unless told. */
  readonly terminationGraceMs?: number;
  /** Milliseconds that the HTTP API waits for a function; API Gateway's 30 s unless told. */
  readonly integrationTimeoutMs?: number;
  /** Another runtime client than lambdapg's own. */
  readonly runtimeClient?: RuntimeClient;
}

export interface InvokeOptions {
  /** JSON, as the function's `clientContext`. */
  readonly clientContext?: string;
}

export type InvokeResult = InvocationOutcome | Throttled;

export interface EnvironmentSummary {
  readonly id: string;
  readonly function: string;
  readonly state: EnvironmentState;
  readonly pid: number | undefined;
}

export interface LocalLambda {
  /** `http://127.0.0.1:3000`: the HTTP API, and Lambda's Invoke API for SDKs and `--endpoint-url`. */
  readonly url: string;
  readonly port: number;
  /** @throws UserError FUNCTION_NOT_FOUND; what the function does wrong is in the result */
  invoke(name: string, payload: Buffer | string, options?: InvokeOptions): Promise<InvokeResult>;
  /** Serves `fn` from now on, in place of the function of that name: busy environments finish with the old code. */
  replace(fn: LocalFunction): void;
  /** Ends every environment, politely first; resolves within 2 s, with no process left. */
  stop(): Promise<void>;
  /** Synchronous, for the second Ctrl-C: SIGKILL to every environment. */
  kill(): void;
  environments(): readonly EnvironmentSummary[];
}

/**
 * Serves functions on this computer with Lambda's semantics: one process per execution environment behind a real
 * Runtime API, an HTTP API and Lambda's Invoke API in front, on 127.0.0.1 alone.
 *
 * @throws UserError NO_FREE_PORT
 */
export async function startLocalLambda(context: Context, options: LocalLambdaOptions): Promise<LocalLambda> {
  const { report } = context;
  const watcher = startProcessWatcher();
  const pools = new EnvironmentPools(options.functions, poolSettings(context, options, watcher));
  const queue = new AsyncInvocations(pools, report);
  const front = { pools, queue, report, integrationTimeoutMs: options.integrationTimeoutMs ?? 30_000 };
  const server = createServer((request, response) => serve(front, request, response));
  const port = await listen(server, context, options.preferredPort ?? 3000);
  const close = () => {
    queue.stop();
    server.close();
  };
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    invoke: (name, payload, invokeOptions = {}) =>
      invokeDirectly(context, pools, name, payload, invokeOptions),
    replace: (fn) => {
      pools.replace(fn);
      report({ type: 'reload', message: `${fn.name} reloaded`, function: fn.name });
    },
    stop: async () => {
      close();
      await pools.stop();
      server.closeAllConnections();
      watcher.close();
    },
    kill: () => {
      close();
      pools.kill();
      server.closeAllConnections();
      watcher.close();
    },
    environments: () =>
      pools.environments().map(({ id, fn, state, pid }) => ({ id, function: fn.name, state, pid })),
  };
}

function poolSettings(context: Context, options: LocalLambdaOptions, watcher: ProcessWatcher): PoolSettings {
  return {
    report: context.report,
    machine: context.env,
    freeze: (options.freeze ?? true) && process.platform !== 'win32',
    watcher,
    runtimeClient: options.runtimeClient ?? ownRuntimeClient(context.packageDir),
    initLimitMs: options.initLimitMs ?? 10_000,
    terminationGraceMs: options.terminationGraceMs ?? 500,
    concurrency: options.concurrency ?? 50,
    idleMs: options.idleMs ?? 10 * 60_000,
  };
}

function serve(front: HttpFront & InvokeApi, request: IncomingMessage, response: ServerResponse): void {
  const served = isInvokeApi(request.url ?? '/')
    ? serveInvokeApi(front, request, response)
    : serveHttp(front, request, response);
  served.catch((error: unknown) => {
    // The other side went away in the middle of its request; anything else is a bug that must be seen.
    if (!request.destroyed && !response.destroyed) front.report(internalError(error));
    response.destroy();
  });
}

function internalError(error: unknown) {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { type: 'internal-error', message };
}

async function listen(server: Server, context: Context, preferredPort: number): Promise<number> {
  const attempts = preferredPort === 0 ? 1 : 100;
  for (let port = preferredPort; port < preferredPort + attempts; port += 1) {
    const found = await tryListen(server, port);
    if (found === undefined) continue;
    if (port !== preferredPort) {
      const message = `port ${preferredPort} is in use, so this is port ${found}`;
      context.report({ type: 'port-busy', message, preferredPort, port: found });
    }
    return found;
  }
  throw new UserError(
    'NO_FREE_PORT',
    `no free port from ${preferredPort} to ${preferredPort + attempts - 1}`,
    {
      suggestions: ['use --port 0 to take any free port'],
    },
  );
}

function tryListen(server: Server, port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => {
      const code = errorCode(error);
      if (code === 'EADDRINUSE' || code === 'EACCES') resolve(undefined);
      else reject(error);
    };
    server.once('error', failed);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', failed);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

async function invokeDirectly(
  context: Context,
  pools: EnvironmentPools,
  name: string,
  payload: Buffer | string,
  options: InvokeOptions,
): Promise<InvokeResult> {
  if (pools.find(name) === undefined) {
    const known = pools.functions().map((fn) => fn.name);
    throw new UserError('FUNCTION_NOT_FOUND', `there is no function "${name}"`, {
      suggestions: [`choose one of: ${known.join(', ')}`],
    });
  }
  const result = await pools.invoke(name, { payload: Buffer.from(payload), ...options });
  const requested = { functionName: name, method: 'INVOKE', path: name };
  if ('throttled' in result) reportThrottle(context.report, { ...requested, status: 429 }, result);
  else reportRequest(context.report, { ...requested, status: 200 }, result);
  return result;
}
