import { join } from 'node:path';
import {
  InvokeCommand,
  LambdaClient,
  ListFunctionsCommand,
  TooManyRequestsException,
} from '@aws-sdk/client-lambda';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import { type LocalLambda, startLocalLambda } from '../../../src/local/lambda/local-lambda.ts';
import {
  nodeFunction,
  pythonFunction,
  serve,
  Told,
  temporaryFolder,
  testContext,
  venvBin,
} from './lambda-bed.ts';

const told = new Told();
let lambda: LocalLambda;
let client: LambdaClient;

beforeAll(async () => {
  const functions = [
    await nodeFunction(
      `export const handler = async (event, context) => {
        console.log('seen');
        if (event.fail) throw new RangeError('as asked');
        return { event, client: context.clientContext, arn: context.invokedFunctionArn };
      };`,
      { name: 'echo' },
    ),
    await pythonFunction('def handler(event, context): return {"python": event}', { name: 'python' }),
    await nodeFunction('', { name: 'none', reservedConcurrency: 0 }),
    await nodeFunction('export const handler = async (event) => ({ event });', {
      name: 'nightly',
      schedule: 'rate(1 day)',
    }),
  ];
  lambda = await startLocalLambda(testContext(told), { preferredPort: 0, functions });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  client = new LambdaClient({ endpoint: lambda.url, region: 'us-east-1', credentials, maxAttempts: 1 });
  return () => lambda.stop();
});

const text = (payload: Uint8Array | undefined) =>
  JSON.parse(Buffer.from(payload ?? []).toString('utf8')) as unknown;

describe("AWS's SDK", () => {
  test('invokes a function and reads its log', async () => {
    const ClientContext = Buffer.from('{"custom":{"k":"ü"}}').toString('base64');
    const invoked = await client.send(
      new InvokeCommand({ FunctionName: 'echo', Payload: '{"a":"ü"}', LogType: 'Tail', ClientContext }),
    );
    expect(invoked).toMatchObject({ StatusCode: 200, ExecutedVersion: '$LATEST' });
    expect(invoked.FunctionError).toBeUndefined();
    expect(text(invoked.Payload)).toEqual({
      event: { a: 'ü' },
      client: { custom: { k: 'ü' } },
      arn: 'arn:aws:lambda:us-east-1:000000000000:function:echo',
    });
    const log = Buffer.from(invoked.LogResult ?? '', 'base64').toString();
    expect(log).toMatch(
      /^START RequestId: [^\n]+\n[^\n]+\tINFO\tseen\nEND RequestId: [^\n]+\nREPORT RequestId: [^\n]+\t\n$/,
    );
  });

  test('the tail of a long log is its last 4 KB', async () => {
    const code =
      'export const handler = async () => { for (let n = 0; n < 500; n += 1) console.log("line " + n); }';
    const { lambda: other } = await serve([await nodeFunction(code)]);
    const long = new LambdaClient({
      endpoint: other.url,
      region: 'us-east-1',
      credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
    });
    const { LogResult } = await long.send(new InvokeCommand({ FunctionName: 'fn', LogType: 'Tail' }));
    const log = Buffer.from(LogResult ?? '', 'base64').toString();
    expect(Buffer.byteLength(log)).toBe(4096);
    expect(log).toContain('line 499\nEND RequestId');
    expect(log).toMatch(/REPORT [^\n]+\n$/);
  });

  test.each([
    'echo',
    'echo:$LATEST',
    '000000000000:function:echo',
    'arn:aws:lambda:us-east-1:000000000000:function:echo',
    'arn:aws:lambda:us-east-1:000000000000:function:echo:$LATEST',
  ])('finds a function by %s', async (FunctionName) => {
    const { StatusCode } = await client.send(new InvokeCommand({ FunctionName }));
    expect(StatusCode).toBe(200);
  });

  test('sees a function error', async () => {
    const invoked = await client.send(new InvokeCommand({ FunctionName: 'echo', Payload: '{"fail":true}' }));
    expect(invoked).toMatchObject({ StatusCode: 200, FunctionError: 'Unhandled' });
    expect(text(invoked.Payload)).toMatchObject({ errorType: 'RangeError', errorMessage: 'as asked' });
  });

  test.each([
    [
      { FunctionName: 'nobody' },
      'ResourceNotFoundException',
      /Function not found: arn:aws:lambda:.*:function:nobody/,
    ],
    [{ FunctionName: 'echo:7' }, 'ResourceNotFoundException', /Function not found/],
    [{ FunctionName: 'none' }, 'TooManyRequestsException', /Rate Exceeded/],
    [
      { FunctionName: 'echo', Payload: 'not json' },
      'InvalidRequestContentException',
      /Could not parse request body/,
    ],
    [
      { FunctionName: 'echo', Payload: `"${'x'.repeat(6 * 1024 * 1024)}"` },
      'RequestTooLargeException',
      /smaller than 6291456 bytes/,
    ],
    [
      { FunctionName: 'echo', InvocationType: 'Event' as const, Payload: `"${'x'.repeat(1024 * 1024)}"` },
      'RequestTooLargeException',
      /smaller than 1048576 bytes/,
    ],
  ])('is refused by name %#', async (input, name, message) => {
    const refused: unknown = await client.send(new InvokeCommand(input)).catch((error: unknown) => error);
    expect(refused).toMatchObject({ name, message: expect.stringMatching(message) });
    if (refused instanceof TooManyRequestsException) {
      expect(refused.Reason).toBe('ReservedFunctionConcurrentInvocationLimitExceeded');
    }
  });

  test('lists the functions', async () => {
    const { Functions } = await client.send(new ListFunctionsCommand({}));
    expect(Functions?.map(({ FunctionName, Runtime, Timeout }) => [FunctionName, Runtime, Timeout])).toEqual([
      ['echo', 'nodejs24.x', 20],
      ['python', 'python3.13', 20],
      ['none', 'nodejs24.x', 20],
      ['nightly', 'nodejs24.x', 20],
    ]);
  });

  test('dry run: nothing happens', async () => {
    const { StatusCode } = await client.send(
      new InvokeCommand({ FunctionName: 'none', InvocationType: 'DryRun' }),
    );
    expect(StatusCode).toBe(204);
  });
});

describe('an asynchronous event', () => {
  const send = (endpoint: string, Payload: string) =>
    new LambdaClient({
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
    }).send(new InvokeCommand({ FunctionName: 'fn', InvocationType: 'Event', Payload }));

  test('is accepted at once, and tried three times in all under one request id', async () => {
    const code =
      'export const handler = async (event, { awsRequestId }) => { console.log("try", awsRequestId); throw new Error("no"); }';
    const { lambda: other, told: seen } = await serve([await nodeFunction(code)]);
    expect((await send(other.url, '{}')).StatusCode).toBe(202);
    const dropped = await seen.first('event-dropped');
    const ids = seen.lines().flatMap((line) => line.match(/INFO\ttry (\S+)/)?.[1] ?? []);
    expect(ids).toEqual(Array(3).fill(dropped.requestId));
    expect(seen.ofType('request')).toHaveLength(3);
  });

  test('that was throttled waits for its turn', async () => {
    const fn = await nodeFunction('export const handler = async () => "done"', { reservedConcurrency: 0 });
    const { lambda: other, told: seen } = await serve([fn]);
    expect((await send(other.url, '{}')).StatusCode).toBe(202);
    await seen.first('throttle');
    const { reservedConcurrency: _none, ...free } = fn;
    other.replace(free);
    await seen.first('request', (event) => event.method === 'EVENT');
  });
});

test("AWS's command line invokes a local function", async () => {
  const out = join(await temporaryFolder(), 'out.json');
  const { stdout } = await execa(
    join(venvBin, 'aws'),
    [
      'lambda',
      'invoke',
      '--endpoint-url',
      lambda.url,
      '--function-name',
      'python',
      '--payload',
      '{"a":1}',
      out,
    ],
    {
      env: {
        AWS_ACCESS_KEY_ID: 'x',
        AWS_SECRET_ACCESS_KEY: 'x',
        AWS_DEFAULT_REGION: 'us-east-1',
        AWS_EC2_METADATA_DISABLED: 'true',
      },
    },
  );
  expect(JSON.parse(stdout)).toEqual({ StatusCode: 200, ExecutedVersion: '$LATEST' });
  const { stdout: payload } = await execa('cat', [out]);
  expect(JSON.parse(payload)).toEqual({ python: { a: 1 } });
});

describe('over plain HTTP', () => {
  const invoke = (name: string, init: RequestInit = {}) =>
    fetch(`${lambda.url}/2015-03-31/functions/${name}/invocations`, { method: 'POST', ...init });

  test('a scheduled function that is invoked with nothing gets what EventBridge sends', async () => {
    expect(await (await invoke('nightly')).json()).toMatchObject({
      event: {
        version: '0',
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        'detail-type': 'Scheduled Event',
        source: 'aws.events',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        region: 'us-east-1',
        resources: ['arn:aws:events:us-east-1:000000000000:rule/nightly'],
        detail: {},
      },
    });
    expect(await (await invoke('nightly', { body: '{"own":1}' })).json()).toMatchObject({
      event: { own: 1 },
    });
  });

  test('a web page, which any site could be, is refused', async () => {
    const refused = await invoke('echo', { body: '{}', headers: { origin: 'https://example.com' } });
    expect([refused.status, refused.headers.get('x-amzn-errortype')]).toEqual([403, 'AccessDeniedException']);
  });
});

test('an unknown name is an error that names those there are', async () => {
  await expect(lambda.invoke('nobody', '{}')).rejects.toMatchObject({
    code: 'FUNCTION_NOT_FOUND',
    message: 'there is no function "nobody"',
    suggestions: ['choose one of: echo, python, none, nightly'],
  });
});
