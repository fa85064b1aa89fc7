/** What goes back over the wire. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Buffer;
}

/** A response of API Gateway itself: `{"message": ...}`. */
export function gatewayMessage(status: number, message: string): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(JSON.stringify({ message })),
  };
}

const malformed = () => gatewayMessage(500, 'Internal Server Error');

/**
 * What an HTTP API makes of a function's response (payload format 2.0). Without a `statusCode` the payload itself
 * is the body, as JSON: observed on the real service by AWS's own emulator (aws-lambda-dotnet, LambdaTestTool-v2),
 * whatever the documentation says of strings. A `statusCode` with something unreadable beside it is a 500.
 */
export function httpResponse(payload: Buffer): HttpResponse {
  const response = parseObject(payload);
  if (response === undefined || !('statusCode' in response)) {
    return { status: 200, headers: { 'content-type': 'application/json' }, body: payload };
  }
  const status = Number(response.statusCode);
  const headers = readHeaders(response.headers ?? {});
  const cookies = response.cookies ?? [];
  const body = readBody(response.body ?? '', response.isBase64Encoded === true);
  if (!Number.isInteger(status) || status < 100 || status > 599) return malformed();
  if (headers === undefined || body === undefined || !isStrings(cookies)) return malformed();
  return {
    status,
    headers: {
      'content-type': 'text/plain;charset=utf-8',
      ...headers,
      ...(cookies.length > 0 && { 'set-cookie': cookies }),
    },
    body,
  };
}

function parseObject(payload: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(payload.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function readHeaders(headers: unknown): Record<string, string> | undefined {
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers)) return undefined;
  const read: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!['string', 'number', 'boolean'].includes(typeof value)) return undefined;
    const text = String(value);
    // Node refuses to send anything else; API Gateway answers 500 for it, too.
    if (!/^[!#$%&'*+\-.^_`|~\w]+$/.test(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(text)) return undefined;
    const lowerCase = name.toLowerCase();
    // The length is that of the body, whatever the function thinks.
    if (lowerCase !== 'content-length' && lowerCase !== 'transfer-encoding') read[lowerCase] = text;
  }
  return read;
}

function readBody(body: unknown, isBase64Encoded: boolean): Buffer | undefined {
  if (typeof body !== 'string') return undefined;
  return Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8');
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
