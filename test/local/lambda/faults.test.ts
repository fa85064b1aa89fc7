import { describe, expect, test } from 'vitest';
import { invoke, isGone, nodeFunction, payloadOf, pythonFunction, serve } from './lambda-bed.ts';

interface Told {
  readonly errorType: string;
  readonly errorMessage: string;
}

const exited = (how: string) => new RegExp(`^RequestId: [0-9a-f-]{36} Error: Runtime exited ${how}$`);

/** Everything that a handler can do wrong, and what Lambda says of it. */
describe('a handler that', () => {
  test.each([
    ['throws at import', 'throw new TypeError("at import")', 'TypeError', /^at import$/],
    ['does not parse', 'export const handler = (', 'Runtime.UserCodeSyntaxError', /^SyntaxError: /],
    [
      'is not exported',
      'export const other = 1',
      'Runtime.HandlerNotFound',
      /^index.handler is undefined or not exported$/,
    ],
    [
      'exits',
      'export const handler = async () => process.exit(3)',
      'Runtime.ExitError',
      exited('with error: exit status 3'),
    ],
    ['exits at import', 'process.exit(4)', 'Runtime.ExitError', exited('with error: exit status 4')],
    [
      'is killed',
      'export const handler = async () => process.kill(process.pid, "SIGSEGV")',
      'Runtime.ExitError',
      exited('with error: signal: segmentation fault'),
    ],
    [
      'never settles',
      'export const handler = () => new Promise(() => {})',
      'Runtime.ExitError',
      exited('without providing a reason'),
    ],
    [
      'returns a BigInt',
      'export const handler = async () => 1n',
      'Runtime.JSONStringifyError',
      /^Unable to stringify response body$/,
    ],
    [
      'returns a circle',
      'export const handler = async () => { const a = {}; return (a.a = a); }',
      'Runtime.JSONStringifyError',
      /^Unable/,
    ],
    [
      'takes a callback',
      'export const handler = (event, context, done) => done()',
      'Runtime.CallbackHandlerDeprecated',
      /removed support for callback/,
    ],
    [
      'streams',
      'export const handler = awslambda.streamifyResponse(async () => {})',
      'Runtime.InvalidStreamingOperation',
      /does not serve streaming/,
    ],
    [
      'returns over 6 MB',
      'export const handler = async () => "x".repeat(6 * 1024 * 1024 + 200)',
      'Function.ResponseSizeTooLarge',
      /\(6291556 bytes\)\.$/,
    ],
  ])('%s', async (_what, code, errorType, message) => {
    const { lambda, told } = await serve([await nodeFunction(code)]);
    const outcome = await invoke(lambda);
    const body = payloadOf<Told>(outcome);
    expect(body.errorType).toBe(errorType);
    expect(body.errorMessage).toMatch(message);
    expect(outcome.failure).toMatchObject({ status: 'error', errorType });
    expect(told.lines().at(-1)).toContain(`Status: error\tError Type: ${errorType}`);
    // The next event finds an environment again.
    expect(payloadOf<Told>(await invoke(lambda)).errorType).toBe(errorType);
  });

  test('returns over 6 MB keeps its environment', async () => {
    const code =
      'let n = 0; export const handler = async ({ mb }) => { n += 1; return mb ? "x".repeat(mb * 1024 * 1024) : n; }';
    const { lambda } = await serve([await nodeFunction(code)]);
    const tooLarge = await invoke(lambda, { mb: 7 });
    expect(tooLarge.failure?.errorType).toBe('Function.ResponseSizeTooLarge');
    expect(payloadOf(await invoke(lambda))).toBe(2);
    expect(payloadOf<string>(await invoke(lambda, { mb: 5.9 }))).toHaveLength(Math.floor(5.9 * 1024 * 1024));
  });

  test('exceeds its timeout is killed, with what it started', async () => {
    const code = `
      import { spawn } from 'node:child_process';
      const child = spawn('sleep', ['1000'], { stdio: 'inherit' });
      console.log('pids', process.pid, child.pid);
      export const handler = () => new Promise((resolve) => setTimeout(resolve, 100_000));`;
    const { lambda, told } = await serve([await nodeFunction(code, { timeoutMs: 1_500 })]);
    const outcome = await invoke(lambda);
    expect(payloadOf<Told>(outcome)).toEqual({
      errorType: 'Sandbox.Timedout',
      errorMessage: `RequestId: ${outcome.requestId} Error: Task timed out after 1.50 seconds`,
    });
    expect(told.lines().at(-1)).toMatch(/\tStatus: timeout\t$/);
    expect(told.lines().at(-3)).toMatch(
      new RegExp(`^[\\dT:.Z-]+ ${outcome.requestId} Task timed out after 1.50 seconds$`),
    );
    const pids = told.lines().flatMap((line) => line.match(/pids (\d+) (\d+)/)?.slice(1) ?? []);
    expect(pids).toHaveLength(2);
    await expect.poll(() => Promise.all(pids.map((pid) => isGone(Number(pid))))).toEqual([true, true]);
  });

  test.each([
    [
      'in buffers',
      'const kept = []; export const handler = async () => { for (;;) { kept.push(Buffer.alloc(2 ** 20, 1)); await 1; } }',
    ],
    [
      'in a burst that no sample meets',
      'export const handler = async () => { Buffer.alloc(2 ** 28, 1); return 1; }',
    ],
  ])('exceeds its memory %s', async (_how, code) => {
    const { lambda, told } = await serve([await nodeFunction(code, { memoryMb: 128 })]);
    const outcome = await invoke(lambda);
    const body = payloadOf<Told>(outcome);
    expect(body.errorType).toBe('Runtime.ExitError');
    expect(body.errorMessage).toMatch(exited('with error: signal: killed'));
    expect(told.lines().at(-1)).toContain('Memory Size: 128 MB\tMax Memory Used: 128 MB\t');
  });

  test('exceeds its heap', async () => {
    const code =
      'const kept = []; export const handler = async () => { for (;;) kept.push({ a: [kept.length] }); }';
    const { lambda } = await serve([await nodeFunction(code, { memoryMb: 128 })]);
    expect(payloadOf<Told>(await invoke(lambda)).errorMessage).toMatch(
      exited('with error: signal: (aborted|killed)'),
    );
  });

  test('has a child that exceeds its memory', async () => {
    const code = `
      import { spawn } from 'node:child_process';
      export const handler = () => new Promise((resolve) => {
        spawn(process.execPath, ['-e', 'const b = Buffer.alloc(2 ** 28, 1); setInterval(() => b, 1000)']).on('exit', resolve);
      });`;
    const { lambda } = await serve([await nodeFunction(code, { memoryMb: 200 })]);
    expect(payloadOf<Told>(await invoke(lambda)).errorMessage).toMatch(exited('with error: signal: killed'));
  });

  test('runs on an executable that is not there', async () => {
    const { lambda } = await serve([await nodeFunction('', { executable: '/not/there' })]);
    expect(payloadOf<Told>(await invoke(lambda)).errorMessage).toContain('spawn /not/there ENOENT');
  });
});

describe('a Python handler that', () => {
  test.each([
    ['throws at import', 'raise ValueError("at import")', 'ValueError', /^at import$/],
    ['does not parse', 'def handler(:', 'Runtime.UserCodeSyntaxError', /^Syntax error in module 'index'/],
    [
      'imports what is not there',
      'import not_there',
      'Runtime.ImportModuleError',
      /^Unable to import module 'index': No module named 'not_there'$/,
    ],
    ['is not there', '', 'Runtime.HandlerNotFound', /^Handler 'handler' missing on module 'index'$/],
    [
      'exits',
      'import os\ndef handler(e, c): os._exit(3)',
      'Runtime.ExitError',
      exited('with error: exit status 3'),
    ],
    [
      'returns a set',
      'def handler(e, c): return {1}',
      'Runtime.MarshalError',
      /^Unable to marshal response: /,
    ],
  ])('%s', async (_what, code, errorType, message) => {
    const { lambda } = await serve([await pythonFunction(code)]);
    const body = payloadOf<Told>(await invoke(lambda));
    expect(body.errorType).toBe(errorType);
    expect(body.errorMessage).toMatch(message);
  });

  test('never settles runs into its timeout', async () => {
    const { lambda } = await serve([
      await pythonFunction('import time\ndef handler(e, c): time.sleep(100)', { timeoutMs: 1000 }),
    ]);
    expect(payloadOf<Told>(await invoke(lambda)).errorType).toBe('Sandbox.Timedout');
  });
});

describe('on nodejs22.x', () => {
  const legacy = (code: string) => nodeFunction(code, { runtime: 'nodejs22.x' });

  test.each([
    [
      'callback',
      'export const handler = (event, context, done) => setTimeout(done, 10, null, event)',
      { a: 1 },
    ],
    ['no answer at all', 'export const handler = (event, context, done) => {}', null],
    ['context.succeed', 'export const handler = (event, context) => context.succeed(event)', { a: 1 }],
    ['a promise', 'export const handler = async (event) => event', { a: 1 }],
  ])('%s', async (_what, code, expected) => {
    const { lambda } = await serve([await legacy(code)]);
    expect(payloadOf(await invoke(lambda, { a: 1 }))).toEqual(expected);
    expect(payloadOf(await invoke(lambda, { a: 1 }))).toEqual(expected);
  });

  test.each([
    [
      'never settles',
      'export const handler = async () => new Promise(() => {})',
      'Runtime.NodeJsExit',
      /never settled/,
    ],
    [
      'rejects astray',
      'export const handler = async () => { Promise.reject(new Error("stray")); await new Promise((r) => setTimeout(r, 5000)); }',
      'Runtime.UnhandledPromiseRejection',
      /^Error: stray$/,
    ],
    [
      'throws astray',
      'export const handler = () => { setTimeout(() => { throw new Error("stray"); }); }',
      'Error',
      /^stray$/,
    ],
    [
      'calls back an error',
      'export const handler = (e, c, done) => done(new RangeError("far"))',
      'RangeError',
      /^far$/,
    ],
  ])('%s', async (_what, code, errorType, message) => {
    const { lambda } = await serve([await legacy(code)]);
    const body = payloadOf<Told>(await invoke(lambda));
    expect(body.errorType).toBe(errorType);
    expect(body.errorMessage).toMatch(message);
  });

  test('the callback waits for an empty event loop, unless told not to', async () => {
    const code = `export const handler = (event, context, done) => {
      context.callbackWaitsForEmptyEventLoop = event.wait;
      const result = { late: false };
      setTimeout(() => { result.late = true; }, 50);
      done(null, result);
    };`;
    const { lambda } = await serve([await legacy(code)]);
    expect(payloadOf(await invoke(lambda, { wait: true }))).toEqual({ late: true });
    expect(payloadOf(await invoke(lambda, { wait: false }))).toEqual({ late: false });
  });
});

describe('init', () => {
  test('is tried once more inside the first invocation', async () => {
    const code = `
      import { existsSync, writeFileSync } from 'node:fs';
      const mark = new URL('./tried', import.meta.url);
      const first = !existsSync(mark);
      writeFileSync(mark, '');
      if (first) throw new Error('not yet');
      export const handler = async () => 'ready';`;
    const { lambda, told } = await serve([await nodeFunction(code)]);
    const outcome = await invoke(lambda);
    expect(payloadOf(outcome)).toBe('ready');
    expect(outcome.initMs).toBeUndefined();
    expect(told.lines().filter((line) => line.startsWith('INIT_REPORT'))).toEqual([
      expect.stringMatching(
        /^INIT_REPORT Init Duration: [\d.]+ ms\tPhase: init\tStatus: error\tError Type: Error$/,
      ),
    ]);
    expect(told.ofType('init')).toEqual([expect.objectContaining({ phase: 'invoke' })]);
  });

  test('runs into the timeout of the invocation at the second try', async () => {
    const code =
      'await new Promise((resolve) => setTimeout(resolve, 60_000)); export const handler = () => 1';
    const { lambda, told } = await serve([await nodeFunction(code, { timeoutMs: 1000 })], {
      initLimitMs: 500,
    });
    const outcome = await invoke(lambda);
    expect(payloadOf<Told>(outcome)).toEqual({
      errorType: 'Sandbox.Timedout',
      errorMessage: `RequestId: ${outcome.requestId} Error: Task timed out after 1.00 seconds`,
    });
    const reports = told.lines().filter((line) => line.startsWith('INIT_REPORT'));
    expect(reports.map((line) => line.replace(/[\d.]+ ms/, '<n>'))).toEqual([
      'INIT_REPORT Init Duration: <n>\tPhase: init\tStatus: timeout',
      'INIT_REPORT Init Duration: <n>\tPhase: invoke\tStatus: timeout',
    ]);
  });
});
