import { randomBytes } from 'node:crypto';
import { localAccount } from './local-function.ts';
import { decode, type RouteMatch } from './match-route.ts';

/** A request as it came over the wire. */
export interface HttpRequest {
  readonly method: string;
  /** Path and query string, percent-encoded. */
  readonly url: string;
  /** Names and values in turn, as Node's `rawHeaders`. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly httpVersion: string;
  readonly sourceIp: string;
  readonly port: number;
  readonly traceId: string;
}

/** Never passed on by a gateway, or passed on elsewhere in the event. */
const leftOut = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'cookie',
]);

/**
 * The event of an HTTP API with payload format 2.0. What the documentation leaves open follows what AWS's own
 * emulator found on the real service (aws-lambda-dotnet, LambdaTestTool-v2): path and path parameters are decoded,
 * the raw query string is not.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
export function httpEvent(request: HttpRequest, match: RouteMatch, now: Date = new Date()): object {
  const { path, query } = splitUrl(request.url);
  const headers = eventHeaders(request);
  const cookies = headerValues(request, 'cookie').flatMap((line) => line.split(/;\s*/).filter(Boolean));
  const queryStringParameters = parseQuery(query);
  const rawPath = decode(path);
  const host = (headers.host ?? 'localhost').replace(/:\d+$/, '');
  return {
    version: '2.0',
    routeKey: match.route.key,
    rawPath,
    rawQueryString: query,
    ...(cookies.length > 0 && { cookies }),
    headers,
    ...(Object.keys(queryStringParameters).length > 0 && { queryStringParameters }),
    requestContext: {
      accountId: localAccount,
      apiId: 'local',
      domainName: host,
      domainPrefix: host.split('.')[0],
      http: {
        method: request.method,
        path: rawPath,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.sourceIp,
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: `${randomBytes(11).toString('base64url')}=`,
      routeKey: match.route.key,
      stage: '$default',
      time: gatewayTime(now),
      timeEpoch: now.getTime(),
    },
    ...(match.pathParameters && { pathParameters: match.pathParameters }),
    ...eventBody(request.body, headers['content-type']),
  };
}

/** Path and query string of a request target, both still encoded. */
export function splitUrl(url: string): { readonly path: string; readonly query: string } {
  const at = url.indexOf('?');
  return at === -1 ? { path: url, query: '' } : { path: url.slice(0, at), query: url.slice(at + 1) };
}

function eventHeaders(request: HttpRequest): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = (request.rawHeaders[index] ?? '').toLowerCase();
    const value = request.rawHeaders[index + 1] ?? '';
    if (leftOut.has(name)) continue;
    headers[name] = headers[name] === undefined ? value : `${headers[name]},${value}`;
  }
  return {
    'content-length': String(request.body.length),
    ...headers,
    'x-amzn-trace-id': request.traceId.split(';')[0] ?? '',
    'x-forwarded-for': [headers['x-forwarded-for'], request.sourceIp].filter(Boolean).join(', '),
    'x-forwarded-port': String(request.port),
    'x-forwarded-proto': 'http',
  };
}

function headerValues(request: HttpRequest, name: string): string[] {
  return request.rawHeaders.filter(
    (_value, index) => request.rawHeaders[index - 1]?.toLowerCase() === name && index % 2 === 1,
  );
}

/** Decoded; of several values of one name a comma makes one. */
function parseQuery(query: string): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    parameters[name] = parameters[name] === undefined ? value : `${parameters[name]},${value}`;
  }
  return parameters;
}

function eventBody(body: Buffer, contentType: string | undefined): object {
  if (body.length === 0) return { isBase64Encoded: false };
  const isBase64Encoded = !isText(contentType);
  return { body: body.toString(isBase64Encoded ? 'base64' : 'utf8'), isBase64Encoded };
}

/** What API Gateway passes on as text; forms are not among it. Without a type it assumes text/plain. */
export function isText(contentType = 'text/plain'): boolean {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  return /^text\/|^application\/(json|xml|javascript)$|^application\/[^;]+\+(json|xml)$/.test(type);
}

/** `21/Nov/2026:12:05:29 +0000` */
function gatewayTime(now: Date): string {
  const [, day, month, year, time] = now.toUTCString().match(/(\d\d) (\w{3}) (\d{4}) ([\d:]+)/) ?? [];
  return `${day}/${month}/${year}:${time} +0000`;
}
