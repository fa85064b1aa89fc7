import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import type { Report } from '../../context.ts';
import { type EnvironmentPools, newTraceId, type Throttled } from './environment-pool.ts';
import type { InvocationOutcome } from './execution-environment.ts';
import { httpEvent, splitUrl } from './http-event.ts';
import { gatewayMessage, type HttpResponse, httpResponse } from './http-response.ts';
import { matchRoute, type RouteMatch } from './match-route.ts';
import { readBody } from './read-body.ts';
import { reportRequest, reportThrottle } from './request-report.ts';
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

async function invoke(
  front: HttpFront,
  match: RouteMatch,
  request: { method: string; path: string; payload: Buffer; traceId: string },
): Promise<HttpResponse> {
  const { functionName } = match.route;
  const { method, path, payload, traceId } = request;
  const giveUp = new AbortController();
  const invoked = front.pools.invoke(functionName, { payload, traceId }).finally(() => giveUp.abort());
  const late = setTimeout(front.integrationTimeoutMs, undefined, { signal: giveUp.signal, ref: false }).then(
    () => gatewayMessage(503, 'Service Unavailable'),
    () => undefined,
  );
  // The invocation goes on after the gateway has given up on it, and is reported when it ends.
  const answered = invoked.then(async (result) => {
    const tooLate = await late;
    const answer = tooLate ?? answerOf(result);
    const requested = { functionName, method, path, status: answer.status };
    if ('throttled' in result) reportThrottle(front.report, requested, result);
    else reportRequest(front.report, requested, result);
    return answer;
  });
  return (await Promise.race([late, answered])) ?? answered;
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
