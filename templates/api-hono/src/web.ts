import type { Handler, Hono } from 'hono';
import { handle, type LambdaContext, type LambdaEvent } from 'hono/aws-lambda';
import { startInvocation } from '../lambdapg-runtime/index.ts';

/** What `hono/aws-lambda` gives a handler in `c.env`. */
export interface LambdaEnv {
  Bindings: { lambdaContext: LambdaContext };
}

/** What a route gets to see of an HTTP request. */
export interface Request {
  /** The `:names` of the route's path. */
  readonly path: Readonly<Record<string, string>>;
  readonly search: URLSearchParams;
  /** The body as JSON. @throws HttpError 400 */
  readonly body: () => unknown;
}

export interface Response {
  readonly statusCode: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** Ends a request with this status and `{"error": {"code", "message"}}`. The message is shown to the caller. */
export class HttpError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const badRequest = (message: string): HttpError => new HttpError(400, 'bad_request', message);
export const notFound = (message: string): HttpError => new HttpError(404, 'not_found', message);
export const conflict = (message: string): HttpError => new HttpError(409, 'conflict', message);

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return {
    statusCode: status,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}

/** A route as Hono's handler. A handler of Hono's own, `(c) => c.json(…)`, stands beside it just as well. */
export function route(run: (request: Request) => Promise<Response>): Handler<LambdaEnv> {
  return async (c) => {
    const bytes = await c.req.arrayBuffer();
    const search = new URL(c.req.url).searchParams;
    return toFetch(await run({ path: c.req.param(), search, body: () => parseBody(bytes) }));
  };
}

/** Gives all errors of an application one form, and unknown paths and methods with them. */
export function answerErrors(app: Hono<LambdaEnv>): void {
  app.notFound((c) => {
    const { method, path } = c.req;
    const allow = allowedMethods(app, path).join(', ');
    if (allow === '') return failure(404, 'not_found', `no such path: ${path}`);
    return failure(405, 'method_not_allowed', `${method} is not allowed here; allowed: ${allow}`, { allow });
  });
  app.onError((error, c) => {
    if (error instanceof HttpError) return failure(error.status, error.code, error.message);
    const { name, message, stack } = error;
    const requestId = c.env.lambdaContext.awsRequestId;
    console.error(JSON.stringify({ level: 'ERROR', requestId, name, message, stack }));
    return failure(500, 'internal', `something went wrong; the log of request ${requestId} says what`);
  });
}

/** Lambda's handler of an application. */
export function serve(app: Hono<LambdaEnv>) {
  const run = handle(app);
  return (event: LambdaEvent, context: LambdaContext) => {
    // Waiting for a connection ends in time to answer.
    startInvocation(context);
    // Fetch knows no GET with a body: Hono would refuse it in a form of its own.
    const hasNoBody = 'rawPath' in event && /^(GET|HEAD)$/.test(event.requestContext.http.method);
    return run(hasNoBody ? { ...event, body: null } : event, context);
  };
}

/** Middleware is registered for all methods at once: it makes none allowed. */
function allowedMethods(app: Hono<LambdaEnv>, path: string): string[] {
  const methods = new Set(app.routes.map(({ method }) => method).filter((method) => method !== 'ALL'));
  const takes = (method: string) =>
    app.router.match(method, path)[0].some(([[, route]]) => route.method === method);
  return [...methods].filter(takes);
}

function parseBody(bytes: ArrayBuffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw badRequest('the body is not JSON');
  }
}

function failure(status: number, code: string, message: string, headers?: Record<string, string>) {
  return toFetch(json(status, { error: { code, message } }, headers));
}

function toFetch({ statusCode, headers, body }: Response): globalThis.Response {
  return new globalThis.Response(body ?? null, { status: statusCode, headers: headers ?? {} });
}
