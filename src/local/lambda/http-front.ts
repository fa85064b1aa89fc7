import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Report } from '../../context.ts';
import { type EnvironmentPools, newTraceId, type Throttled } from './environment-pool.ts';
import type { InvocationOutcome } from './execution-environment.ts';
import { httpEvent, splitUrl } from './http-event.ts';
import { gatewayMessage, type HttpResponse, httpResponse } from './http-response.ts';
import { matchRoute, type RouteMatch } from './match-route.ts';
import { readBody } from './read-body.ts';
import { type Requested, reportRequest, reportThrottle } from './request-report.ts';
import { payloadLimit } from './runtime-api.ts';

export interface HttpFront {
  readonly pools: EnvironmentPools;
  readonly report: Report;
  /** API Gateway waits for an integration this long. */
  readonly integrationTimeoutMs: number;
}

/** Serves one HTTP request as an HTTP API in front of the functions would. */
export async function serveHttp(
  front: HttpFront,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  send(response, await respond(front, request));
}

async function respond(front: HttpFront, request: IncomingMessage): Promise<HttpResponse> {
  const method = request.method ?? 'GET';
  const { path } = splitUrl(request.url ?? '/');
  const body = await readBody(request, payloadLimit);
  const routes = front.pools
    .functions()
    .flatMap((fn) => fn.routes.map((key) => ({ key, functionName: fn.name })));
  const match = matchRoute(routes, method, path);
  if (match === undefined) {
    front.report({ type: 'no-route', message: `${method} ${path} 404 no route`, method, path, status: 404 });
    return gatewayMessage(404, 'Not Found');
  }
  const traceId = newTraceId();
  const payload = body === undefined ? undefined : eventPayload(request, body, match, traceId);
  if (payload === undefined || payload.length > payloadLimit) {
    front.report({
      type: 'too-large',
      message: `${method} ${path} 413 over 6 MB`,
      method,
      path,
      status: 413,
    });
    return gatewayMessage(413, 'Request Entity Too Large');
  }
  return invoke(front, match, { method, path, payload, traceId });
}

function eventPayload(request: IncomingMessage, body: Buffer, match: RouteMatch, traceId: string): Buffer {
  const event = httpEvent(
    {
      method: request.method ?? 'GET',
      url: request.url ?? '/',
      rawHeaders: request.rawHeaders,
      body,
      httpVersion: request.httpVersion,
      sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
      port: request.socket.localPort ?? 0,
      traceId,
    },
    match,
  );
  return Buffer.from(JSON.stringify(event));
}

function invoke(
  front: HttpFront,
  match: RouteMatch,
  request: { method: string; path: string; payload: Buffer; traceId: string },
): Promise<HttpResponse> {
  const { functionName } = match.route;
  const { method, path, payload, traceId } = request;
  return new Promise((resolve, reject) => {
    let tooLate: HttpResponse | undefined;
    // Not the timer of timers/promises: to abort that one costs a tenth of a warm request.
    const timer = setTimeout(() => {
      tooLate = gatewayMessage(503, 'Service Unavailable');
      resolve(tooLate);
    }, front.integrationTimeoutMs).unref();
    // The invocation goes on after the gateway has given up on it, and is reported when it ends.
    const answer = (result: InvocationOutcome | Throttled): void => {
      clearTimeout(timer);
      const answered = tooLate ?? answerOf(result);
      resolve(answered);
      const requested = { functionName, method, path, status: answered.status };
      // The caller gets its answer first, in the promise jobs before the next tick.
      process.nextTick(reportOutcome, front.report, requested, result);
    };
    front.pools.invoke(functionName, { payload, traceId }).then(answer).catch(reject);
  });
}

function reportOutcome(report: Report, requested: Requested, result: InvocationOutcome | Throttled): void {
  if ('throttled' in result) reportThrottle(report, requested, result);
  else reportRequest(report, requested, result);
}

function answerOf(result: InvocationOutcome | Throttled): HttpResponse {
  if ('throttled' in result) return gatewayMessage(503, 'Service Unavailable');
  if (result.failure !== undefined) return gatewayMessage(500, 'Internal Server Error');
  return httpResponse(result.payload);
}

function send(response: ServerResponse, answer: HttpResponse): void {
  response.writeHead(answer.status, {
    ...(answer.headers as Record<string, string | string[]>),
    'content-length': answer.body.length,
  });
  response.end(answer.body);
}
