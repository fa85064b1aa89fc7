import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import { startInvocation } from '../lambdapg-runtime/index.ts';

/** What a route gets to see of an HTTP request. */
export interface Request {
  /** The `{names}` of the route's path. */
  readonly path: Readonly<Record<string, string>>;
  readonly search: URLSearchParams;
  /** The body as JSON. @throws HttpError 400 */
  readonly body: () => unknown;
}

export type Response = APIGatewayProxyStructuredResultV2;

export interface Route {
  readonly method: string;
  readonly path: string;
  readonly run: (request: Request) => Promise<Response>;
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

/** Answers one HTTP API event (payload format 2.0) with the first route that matches. Never throws. */
export async function answer(
  routes: readonly Route[],
  event: APIGatewayProxyEventV2,
  context: Context,
): Promise<Response> {
  // Whoever waits for a connection then stops in time to answer.
  startInvocation(context);
  try {
    return await dispatch(routes, event);
  } catch (error) {
    if (error instanceof HttpError) return failure(error.status, error.code, error.message);
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    console.error(JSON.stringify({ level: 'ERROR', requestId: context.awsRequestId, name, message, stack }));
    return failure(
      500,
      'internal',
      `something went wrong; the log of request ${context.awsRequestId} says what`,
    );
  }
}

async function dispatch(routes: readonly Route[], event: APIGatewayProxyEventV2): Promise<Response> {
  const { method } = event.requestContext.http;
  const allowed: string[] = [];
  for (const route of routes) {
    const path = matchPath(route.path, event.rawPath);
    if (path === undefined) continue;
    if (route.method === method) {
      const search = new URLSearchParams(event.rawQueryString);
      return route.run({ path, search, body: () => parseBody(event) });
    }
    allowed.push(route.method);
  }
  if (allowed.length === 0) throw notFound(`no such path: ${event.rawPath}`);
  const allow = [...new Set(allowed)].join(', ');
  return failure(405, 'method_not_allowed', `${method} is not allowed here; allowed: ${allow}`, { allow });
}

/** `/books/{id}` against `/books/7` gives `{id: '7'}`; undefined when it does not match. */
function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return undefined;
  const values: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith('{') && value !== '') values[part.slice(1, -1)] = value;
    else if (part !== value) return undefined;
  }
  return values;
}

function parseBody(event: APIGatewayProxyEventV2): unknown {
  const bytes = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw badRequest('the body is not JSON');
  }
}

function failure(status: number, code: string, message: string, headers?: Record<string, string>): Response {
  return json(status, { error: { code, message } }, headers);
}
