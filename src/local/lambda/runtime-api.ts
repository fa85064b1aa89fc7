import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readBody } from './read-body.ts';

/** Lambda's limit of a synchronous request or response, in bytes: 6 MiB. */
export const payloadLimit = 6 * 1024 * 1024;
/** What a response may have: the limit and room for the error envelope; the number in Lambda's own message. */
export const responseLimit = payloadLimit + 100;

/** One event on its way to the runtime. */
export interface RuntimeEvent {
  readonly requestId: string;
  readonly payload: Buffer;
  /** Milliseconds since 1970 at which the invocation is over. */
  readonly deadlineMs: number;
  readonly functionArn: string;
  readonly traceId: string;
  /** JSON, as the caller sent it. */
  readonly clientContext?: string;
}

/** What the process on the other side says. Each is called at most once per event. */
export interface RuntimeListener {
  onNext(): void;
  onResponse(requestId: string, body: Buffer): void;
  onResponseTooLarge(requestId: string): void;
  onError(requestId: string, body: Buffer, errorType: string | undefined): void;
  onInitError(body: Buffer, errorType: string | undefined): void;
}

export interface RuntimeApi {
  /** `127.0.0.1:port`: the value of `AWS_LAMBDA_RUNTIME_API`. */
  readonly address: string;
  /** Answers the process's waiting `next`. */
  deliver(event: RuntimeEvent): void;
  close(): void;
}

const prefix = '/2018-06-01/runtime/';

/**
 * Lambda's Runtime API for one execution environment: a listener of its own, since some runtime clients break on a
 * path prefix (aws-lambda-rust-runtime#390). https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
export async function startRuntimeApi(listener: RuntimeListener): Promise<RuntimeApi> {
  const state: State = { listener, waiting: undefined, current: undefined };
  const server = createServer((request, response) => {
    answer(state, request, response).catch(() => response.destroy());
  });
  // `next` is answered when an event comes, whenever that is.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 0;
  server.timeout = 0;
  await listen(server);
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    deliver: (event) => deliver(state, event),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface State {
  readonly listener: RuntimeListener;
  waiting: ServerResponse | undefined;
  /** The id of the event under way; anything else that is answered is stale. */
  current: string | undefined;
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function deliver(state: State, event: RuntimeEvent): void {
  const { waiting } = state;
  if (waiting === undefined) throw new Error('an event was delivered to a runtime that did not ask for one');
  state.waiting = undefined;
  state.current = event.requestId;
  waiting.writeHead(200, {
    'content-type': 'application/json',
    'content-length': event.payload.length,
    'Lambda-Runtime-Aws-Request-Id': event.requestId,
    'Lambda-Runtime-Deadline-Ms': String(event.deadlineMs),
    'Lambda-Runtime-Invoked-Function-Arn': event.functionArn,
    'Lambda-Runtime-Trace-Id': event.traceId,
    ...(event.clientContext !== undefined && {
      'Lambda-Runtime-Client-Context': asciiJson(event.clientContext),
    }),
  });
  waiting.end(event.payload);
}

/** A header carries no other characters; JSON can say them in escapes. */
function asciiJson(json: string): string {
  return json.replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

async function answer(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url?.startsWith(prefix) ? request.url.slice(prefix.length) : '';
  if (request.method === 'GET' && path === 'invocation/next') {
    state.waiting = response;
    state.listener.onNext();
    return;
  }
  const errorType = header(request, 'lambda-runtime-function-error-type');
  const body = await readBody(request, responseLimit);
  if (request.method === 'POST' && path === 'init/error') {
    state.listener.onInitError(body ?? Buffer.alloc(0), errorType);
    reply(response, 202, { status: 'OK' });
    return;
  }
  const [, id, kind] = path.match(/^invocation\/([^/]+)\/(response|error)$/) ?? [];
  if (request.method !== 'POST' || id === undefined) {
    reply(response, 404, { errorMessage: 'Not Found', errorType: 'NotFound' });
  } else if (id !== state.current) {
    reply(response, 400, { errorMessage: 'Invalid request ID', errorType: 'InvalidRequestID' });
  } else if (body === undefined) {
    state.listener.onResponseTooLarge(id);
    const errorMessage = `Exceeded maximum allowed payload size (${responseLimit} bytes).`;
    reply(response, 413, { errorMessage, errorType: 'RequestEntityTooLarge' });
  } else {
    if (kind === 'response') state.listener.onResponse(id, body);
    else state.listener.onError(id, body, errorType);
    reply(response, 202, { status: 'OK' });
  }
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

function reply(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': text.length });
  response.end(text);
}
