import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Report } from '../../context.ts';
import type { AsyncInvocations } from './async-invocations.ts';
import type { EnvironmentPools, InvokeRequest, Throttled } from './environment-pool.ts';
import type { InvocationOutcome } from './execution-environment.ts';
import { functionArn, functionVersion, type LocalFunction } from './local-function.ts';
import { readBody } from './read-body.ts';
import { reportRequest, reportThrottle } from './request-report.ts';
import { payloadLimit } from './runtime-api.ts';
import { scheduledEvent } from './scheduled-event.ts';

export interface InvokeApi {
  readonly pools: EnvironmentPools;
  readonly queue: AsyncInvocations;
  readonly report: Report;
}

interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | object;
}

const root = '/2015-03-31/functions';
/** An asynchronous event may have 1 MiB (256 KiB before October 2025). */
const asyncPayloadLimit = 1024 * 1024;

export function isInvokeApi(url: string): boolean {
  return url === root || url.startsWith(`${root}/`) || url.startsWith(`${root}?`);
}

/**
 * Lambda's own REST API, as far as an SDK or the AWS CLI needs it to invoke a function: Invoke and ListFunctions.
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export async function serveInvokeApi(
  api: InvokeApi,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const answer = await respond(api, request);
  const { body = Buffer.alloc(0) } = answer;
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  response.writeHead(answer.status, {
    ...(bytes.length > 0 && { 'content-type': 'application/json' }),
    'content-length': bytes.length,
    ...answer.headers,
  });
  response.end(bytes);
}

async function respond(api: InvokeApi, request: IncomingMessage): Promise<Answer> {
  // Lambda asks for a signature, which a web page has not. Here the Origin tells a page, which any site could be, from
  // an SDK, the AWS CLI or curl, which send none.
  if (header(request, 'origin') !== undefined) {
    return failed(403, 'AccessDeniedException', {
      Message: 'the local Invoke API does not answer web pages',
    });
  }
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const rest = pathname.slice(root.length);
  if (request.method === 'GET' && (rest === '' || rest === '/')) {
    return { status: 200, body: { Functions: api.pools.functions().map(describeFunction) } };
  }
  const name = rest.match(/^\/([^/]+)\/invocations$/)?.[1];
  if (name === undefined || request.method !== 'POST') {
    return failed(404, 'UnknownOperationException', {
      Message: `lambdapg dev does not serve ${request.method} ${pathname}`,
    });
  }
  const body = await readBody(request, payloadLimit);
  return invoke(api, request, decodeURIComponent(name), body);
}

async function invoke(
  api: InvokeApi,
  request: IncomingMessage,
  spelled: string,
  body: Buffer | undefined,
): Promise<Answer> {
  const fn = findFunction(api.pools, spelled);
  if (fn === undefined) {
    const arn = spelled.startsWith('arn:') ? spelled : functionArn(spelled);
    return failed(404, 'ResourceNotFoundException', { Type: 'User', Message: `Function not found: ${arn}` });
  }
  const type = header(request, 'x-amz-invocation-type') ?? 'RequestResponse';
  const limit = type === 'Event' ? asyncPayloadLimit : payloadLimit;
  if (body === undefined || body.length > limit) {
    const message = `Request must be smaller than ${limit} bytes for the InvokeFunction operation`;
    return failed(413, 'RequestTooLargeException', { Type: 'User', message });
  }
  // A scheduled function that is invoked with nothing gets what EventBridge would send.
  const scheduled = body.length === 0 && fn.schedule !== undefined;
  const parsed = readRequest(
    request,
    scheduled ? Buffer.from(JSON.stringify(scheduledEvent(fn.name))) : body,
  );
  if ('status' in parsed) return parsed;
  if (type === 'DryRun') return { status: 204 };
  if (type === 'Event') {
    api.queue.start(fn.name, parsed);
    return { status: 202, headers: { 'x-amzn-requestid': parsed.requestId ?? '' } };
  }
  if (type === 'RequestResponse') return invokeNow(api, request, fn, parsed);
  return failed(400, 'InvalidParameterValueException', {
    Type: 'User',
    message: `Unknown invocation type ${type}`,
  });
}

async function invokeNow(
  api: InvokeApi,
  request: IncomingMessage,
  fn: LocalFunction,
  invoked: InvokeRequest,
): Promise<Answer> {
  const result = await api.pools.invoke(fn.name, invoked);
  const requested = { functionName: fn.name, method: 'POST', path: request.url ?? '/' };
  if ('throttled' in result) {
    reportThrottle(api.report, { ...requested, status: 429 }, result);
    return throttled(result);
  }
  reportRequest(api.report, { ...requested, status: 200 }, result);
  const wantsLog = header(request, 'x-amz-log-type') === 'Tail';
  return answered(fn, result, wantsLog);
}

function answered(fn: LocalFunction, result: InvocationOutcome, wantsLog: boolean): Answer {
  return {
    status: 200,
    headers: {
      'x-amzn-requestid': result.requestId,
      'x-amz-executed-version': functionVersion(fn),
      ...(result.failure !== undefined && { 'x-amz-function-error': 'Unhandled' }),
      ...(wantsLog && { 'x-amz-log-result': result.logTail }),
    },
    body: result.payload,
  };
}

function throttled(result: Throttled): Answer {
  return failed(429, 'TooManyRequestsException', {
    Reason: result.throttled,
    Type: 'User',
    message: 'Rate Exceeded.',
  });
}

/** The event as the function gets it; nothing at all is the empty object. */
function readRequest(request: IncomingMessage, body: Buffer): InvokeRequest | Answer {
  const payload = body.length === 0 ? Buffer.from('{}') : body;
  try {
    JSON.parse(payload.toString('utf8'));
  } catch (error) {
    const message = `Could not parse request body into json: ${(error as Error).message}`;
    return failed(400, 'InvalidRequestContentException', { Type: 'User', message });
  }
  const encoded = header(request, 'x-amz-client-context');
  const traceId = header(request, 'x-amzn-trace-id');
  return {
    payload,
    requestId: randomUUID(),
    ...(encoded !== undefined && { clientContext: Buffer.from(encoded, 'base64').toString('utf8') }),
    ...(traceId !== undefined && { traceId }),
  };
}

/** By name, `account:function:name` or ARN, each with or without a qualifier that the function has. */
function findFunction(pools: EnvironmentPools, spelled: string): LocalFunction | undefined {
  const [, name = '', qualifier] = spelled.match(/^(?:.*:?function:)?([\w-]+)(?::([\w$-]+))?$/) ?? [];
  const fn = pools.find(name);
  if (fn === undefined || qualifier === undefined) return fn;
  return [functionVersion(fn), '$LATEST'].includes(qualifier) ? fn : undefined;
}

function describeFunction(fn: LocalFunction): object {
  return {
    FunctionName: fn.name,
    FunctionArn: functionArn(fn.name),
    Runtime: fn.runtime,
    Handler: fn.handler,
    MemorySize: fn.memoryMb,
    Timeout: Math.ceil(fn.timeoutMs / 1000),
    Version: functionVersion(fn),
    PackageType: 'Zip',
  };
}

function failed(status: number, errorType: string, body: object): Answer {
  return { status, headers: { 'x-amzn-errortype': errorType }, body };
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}
