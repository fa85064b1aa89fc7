import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type LocalLambda, startLocalLambda } from '../../../src/local/lambda/local-lambda.ts';
import { nodeFunction, serve, Told, testContext } from './lambda-bed.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Request {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Buffer | string;
}

/** Node's own client: fetch would normalise paths and merge headers before they are on the wire. */
function send(
  lambda: LocalLambda,
  path: string,
  { method = 'GET', headers = {}, body }: Request = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      { host: '127.0.0.1', port: lambda.port, path, method, headers, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

const json = (answer: Answer) => JSON.parse(answer.body.toString('utf8')) as Record<string, unknown>;

const echo = 'export const handler = async (event) => ({ statusCode: 200, body: JSON.stringify(event) });';
/** Answers with what the request's body says, parsed. */
const mirror = 'export const handler = async (event) => JSON.parse(event.body);';

/** One local Lambda for the whole table: each case is one request. */
let lambda: LocalLambda;
beforeAll(async () => {
  const echoing = await nodeFunction(echo, {
    name: 'echo',
    routes: ['GET /items/{id}', 'ANY /{proxy+}', 'GET /'],
  });
  const mirroring = await nodeFunction(mirror, { name: 'mirror', routes: ['POST /mirror'] });
  lambda = await startLocalLambda(testContext(new Told()), {
    preferredPort: 0,
    functions: [echoing, mirroring],
  });
  return () => lambda.stop();
});

describe('a request as an event', () => {
  test('has the whole form of payload 2.0', async () => {
    const path = '/items/b%C3%BCch%20er?q=a%20b&tag=x&tag=y&empty=';
    const headers = {
      'X-Custom': ['one', 'two'],
      Cookie: 'a=1; b=2',
      'User-Agent': 'test',
      Host: 'api.example.test:1',
    };
    const event = json(await send(lambda, path, { headers }));
    expect(event).toEqual({
      version: '2.0',
      routeKey: 'GET /items/{id}',
      rawPath: '/items/büch er',
      rawQueryString: 'q=a%20b&tag=x&tag=y&empty=',
      cookies: ['a=1', 'b=2'],
      headers: {
        'content-length': '0',
        host: 'api.example.test:1',
        'user-agent': 'test',
        'x-amzn-trace-id': expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/),
        'x-custom': 'one,two',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-port': String(lambda.port),
        'x-forwarded-proto': 'http',
      },
      queryStringParameters: { q: 'a b', tag: 'x,y', empty: '' },
      requestContext: {
        accountId: '000000000000',
        apiId: 'local',
        domainName: 'api.example.test',
        domainPrefix: 'api',
        http: {
          method: 'GET',
          path: '/items/büch er',
          protocol: 'HTTP/1.1',
          sourceIp: '127.0.0.1',
          userAgent: 'test',
        },
        requestId: expect.stringMatching(/^[\w-]{15}=$/),
        routeKey: 'GET /items/{id}',
        stage: '$default',
        time: expect.stringMatching(/^\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000$/),
        timeEpoch: expect.any(Number),
      },
      pathParameters: { id: 'büch er' },
      isBase64Encoded: false,
    });
  });

  test.each([
    ['application/json', '{"a":"ü"}', false],
    ['application/json; charset=utf-8', '{}', false],
    ['application/problem+json', '{}', false],
    ['text/csv', 'a,b', false],
    [undefined, 'untold', false],
    ['application/x-www-form-urlencoded', 'a=1&b=2', true],
    ['multipart/form-data; boundary=x', '--x--', true],
    ['image/png', Buffer.from([0x89, 0x50, 0x00, 0xff]), true],
    ['application/octet-stream', Buffer.from([0, 1, 2, 255]), true],
  ])('a body of type %s', async (type, body, isBase64Encoded) => {
    const headers = type === undefined ? {} : { 'content-type': type };
    const event = json(await send(lambda, '/any/thing', { method: 'PUT', headers, body }));
    expect(event.isBase64Encoded).toBe(isBase64Encoded);
    expect(Buffer.from(String(event.body), isBase64Encoded ? 'base64' : 'utf8')).toEqual(Buffer.from(body));
    expect(event).toMatchObject({ routeKey: 'ANY /{proxy+}', pathParameters: { proxy: 'any/thing' } });
  });

  test.each([
    ['/items/1', { method: 'HEAD' }, 200],
    ['/', {}, 200],
    ['/', { method: 'POST' }, 404],
  ])('%s %j is answered %i', async (path, request, status) => {
    expect((await send(lambda, path, request)).status).toBe(status);
  });

  test('no route is a 404 in API Gateway words', async () => {
    const answer = await send(lambda, '/', { method: 'DELETE' });
    expect([answer.status, answer.headers['content-type'], json(answer)]).toEqual([
      404,
      'application/json',
      { message: 'Not Found' },
    ]);
  });

  test('6 MB is the limit of the event', async () => {
    const headers = { 'content-type': 'text/plain' };
    const body = (mb: number) => Buffer.alloc(Math.floor(mb * 1024 * 1024), 'x');
    for (const mb of [6.1, 5.9999999]) {
      const answer = await send(lambda, '/big', { method: 'POST', headers, body: body(mb) });
      expect([answer.status, json(answer)]).toEqual([413, { message: 'Request Entity Too Large' }]);
    }
    // Below it the request gets through, and its echo is what is too large, or not.
    expect((await send(lambda, '/big', { method: 'POST', headers, body: body(5.9) })).status).toBe(200);
    // Base64 makes a third more of it.
    const binary = { method: 'POST', headers: { 'content-type': 'image/png' } };
    expect((await send(lambda, '/big', { ...binary, body: body(5) })).status).toBe(413);
    expect((await send(lambda, '/big', { ...binary, body: body(4) })).status).toBe(200);
  });
});

describe('a response', () => {
  const malformed = { status: 500, type: 'application/json', body: '{"message":"Internal Server Error"}' };

  test.each([
    [{ a: 1 }, { status: 200, type: 'application/json', body: '{"a":1}' }],
    ['text', { status: 200, type: 'application/json', body: '"text"' }],
    [null, { status: 200, type: 'application/json', body: 'null' }],
    [[{ statusCode: 201 }], { status: 200, type: 'application/json', body: '[{"statusCode":201}]' }],
    [{ statusCode: 201 }, { status: 201, type: 'text/plain;charset=utf-8', body: '' }],
    [
      { statusCode: '202', body: 'x' },
      { status: 202, type: 'text/plain;charset=utf-8', body: 'x' },
    ],
    [
      { statusCode: 200, headers: { 'Content-Type': 'text/html', 'content-length': '99' }, body: '<p>ü' },
      { status: 200, type: 'text/html', body: '<p>ü' },
    ],
    [{ statusCode: 204 }, { status: 204, type: 'text/plain;charset=utf-8', body: '' }],
    [{ statusCode: 'soon' }, malformed],
    [{ statusCode: 42 }, malformed],
    [{ statusCode: 200, body: { not: 'text' } }, malformed],
    [{ statusCode: 200, headers: 'none' }, malformed],
    [{ statusCode: 200, headers: { a: { b: 1 } } }, malformed],
    [{ statusCode: 200, headers: { 'bad name': 'x' } }, malformed],
    [{ statusCode: 200, headers: { split: 'a\r\nset-cookie: b' } }, malformed],
    [{ statusCode: 200, cookies: 'a=1' }, malformed],
  ])('%j', async (value, expected) => {
    const answer = await send(lambda, '/mirror', { method: 'POST', body: JSON.stringify(value) });
    expect({
      status: answer.status,
      type: answer.headers['content-type'],
      body: answer.body.toString(),
    }).toEqual(expected);
  });

  test('binary, cookies and other headers', async () => {
    const bytes = Buffer.from([0x1f, 0x8b, 0x00, 0xff]);
    const value = {
      statusCode: 200,
      isBase64Encoded: true,
      body: bytes.toString('base64'),
      headers: { 'Content-Type': 'image/png', 'X-Number': 1, 'X-Yes': true },
      cookies: ['a=1; Path=/', 'b=2'],
      multiValueHeaders: { ignored: ['in', '2.0'] },
    };
    const answer = await send(lambda, '/mirror', { method: 'POST', body: JSON.stringify(value) });
    expect(answer.body).toEqual(bytes);
    expect(answer.headers).toMatchObject({
      'content-type': 'image/png',
      'content-length': '4',
      'set-cookie': ['a=1; Path=/', 'b=2'],
      'x-number': '1',
      'x-yes': 'true',
    });
    expect(answer.headers.ignored).toBeUndefined();
  });

  test('of a function that failed or was throttled', async () => {
    const functions = [
      await nodeFunction(
        'export const handler = async () => { throw new Error("hidden from the client"); }',
        { name: 'fails', routes: ['GET /fails'] },
      ),
      await nodeFunction(echo, { name: 'none', routes: ['GET /none'], reservedConcurrency: 0 }),
    ];
    const { lambda: other, told } = await serve(functions);
    const answers = await Promise.all(['/fails', '/none'].map((path) => send(other, path)));
    expect(answers.map((answer) => [answer.status, answer.body.toString()])).toEqual([
      [500, '{"message":"Internal Server Error"}'],
      [503, '{"message":"Service Unavailable"}'],
    ]);
    expect(told.ofType('throttle')).toEqual([
      expect.objectContaining({ function: 'none', status: 503, path: '/none' }),
    ]);
    expect(await told.first('request', (event) => event.function === 'fails')).toMatchObject({
      status: 500,
      errorType: 'Error',
      method: 'GET',
    });
  });

  test('of a function that is late: the gateway gives up, the function works to its end', async () => {
    const late = await nodeFunction(
      'export const handler = () => new Promise((r) => setTimeout(r, 1_000));',
      {
        routes: ['GET /late'],
      },
    );
    const { lambda: other, told } = await serve([late], { integrationTimeoutMs: 400 });
    const answer = await send(other, '/late');
    expect([answer.status, answer.body.toString()]).toEqual([503, '{"message":"Service Unavailable"}']);
    const request = await told.first('request');
    expect(request).toMatchObject({ status: 503 });
    expect(request).not.toHaveProperty('errorType');
  });
});

describe('the front', () => {
  test('takes the next port when the wanted one is busy, and says so', async () => {
    const told = new Told();
    const other = await startLocalLambda(testContext(told), { preferredPort: lambda.port, functions: [] });
    onTestFinished(() => other.stop());
    expect(other.port).toBeGreaterThan(lambda.port);
    expect(told.ofType('port-busy')).toEqual([
      expect.objectContaining({ preferredPort: lambda.port, port: other.port }),
    ]);
  });

  test('reports each request in numbers', async () => {
    const { lambda: other, told } = await serve([await nodeFunction(echo, { routes: ['GET /x'] })]);
    await send(other, '/x?y=1');
    const request = await told.first('request');
    expect(request).toMatchObject({
      type: 'request',
      function: 'fn',
      environment: other.environments()[0]?.id,
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      method: 'GET',
      path: '/x',
      status: 200,
      durationMs: expect.any(Number),
      initMs: expect.any(Number),
      billedMs: expect.any(Number),
      memoryMb: expect.any(Number),
    });
    await send(other, '/x');
    expect(told.ofType('request').at(-1)).not.toHaveProperty('initMs');
  });

  test('a client that goes away in the middle harms nobody', async () => {
    const { lambda: other, told } = await serve([await nodeFunction(echo, { routes: ['POST /x'] })]);
    const sent = httpRequest({
      port: other.port,
      host: '127.0.0.1',
      method: 'POST',
      path: '/x',
      headers: { 'content-length': 100 },
    });
    sent.on('error', () => {});
    sent.write('half');
    await new Promise((resolve) => sent.once('socket', (socket) => socket.once('connect', resolve)));
    sent.destroy();
    expect((await send(other, '/x', { method: 'POST', body: 'whole' })).status).toBe(200);
    expect(told.ofType('internal-error')).toEqual([]);
  });
});
