import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { LocalLambda } from '../../../src/local/lambda/local-lambda.ts';
import {
  invoke,
  isGone,
  nodeFunction,
  outcomeOf,
  packageDir,
  payloadOf,
  processState,
  pythonFunction,
  serve,
  temporaryFolder,
} from './lambda-bed.ts';

/** Counts its events; `{ until }` waits for a file to appear, so that a test decides when an event ends. */
const counter = `
  import { existsSync } from 'node:fs';
  import { setTimeout } from 'node:timers/promises';
  let count = 0;
  export const handler = async ({ until }) => {
    count += 1;
    while (until && !existsSync(until)) await setTimeout(5);
    return { count, pid: process.pid, id: process.env.LAMBDAPG_ENVIRONMENT_ID };
  };`;

interface Counted {
  readonly count: number;
  readonly pid: number;
  readonly id: string;
}

const count = async (lambda: LocalLambda, event: object = {}, name = 'fn') =>
  payloadOf<Counted>(await invoke(lambda, event, name));

const pidsOf = (lambda: LocalLambda) => lambda.environments().flatMap(({ pid }) => pid ?? []);

describe('an environment', () => {
  test('is frozen between events, thawed for the next, and keeps what the module knows', async () => {
    const { lambda, told } = await serve([await nodeFunction(counter)]);
    const first = await count(lambda);
    await expect.poll(() => processState(first.pid)).toBe('T');
    const second = await count(lambda);
    expect(second).toEqual({ ...first, count: 2 });
    await expect.poll(() => processState(first.pid)).toBe('T');
    expect(lambda.environments()).toEqual([{ id: first.id, function: 'fn', state: 'idle', pid: first.pid }]);
    expect(first.id).toMatch(/^[0-9a-f]{8}$/);
    expect(told.ofType('init')).toHaveLength(1);
  });

  test('is not frozen where that was not wanted', async () => {
    const code =
      'let ticks = 0; setInterval(() => { ticks += 1; }, 1); export const handler = async () => ({ pid: process.pid, ticks });';
    const { lambda } = await serve([await nodeFunction(code)], { freeze: false });
    const { pid, ticks } = payloadOf<{ pid: number; ticks: number }>(await invoke(lambda));
    expect(await processState(pid)).not.toBe('T');
    await expect
      .poll(async () => payloadOf<{ ticks: number }>(await invoke(lambda)).ticks)
      .toBeGreaterThan(ticks + 20);
  });

  test('stands still while frozen: its timers do not run', async () => {
    const file = join(await temporaryFolder(), 'ticks');
    const code = `import { appendFileSync } from 'node:fs';
      import { setTimeout } from 'node:timers/promises';
      let ticks = 0;
      setInterval(() => { ticks += 1; appendFileSync(${JSON.stringify(file)}, '.'); }, 1);
      export const handler = async ({ after }) => {
        while (ticks <= after) await setTimeout(1);
        return process.pid;
      };`;
    const { lambda } = await serve([
      await nodeFunction(code),
      await nodeFunction(counter, { name: 'other' }),
    ]);
    const ticks = async () => (await readFile(file)).length;
    const pid = payloadOf<number>(await invoke(lambda, { after: 0 }));
    await expect.poll(() => processState(pid)).toBe('T');
    const before = await ticks();
    // As much time as a cold start takes goes by.
    await count(lambda, {}, 'other');
    expect(await ticks()).toBe(before);
    await invoke(lambda, { after: before });
    expect(await ticks()).toBeGreaterThan(before);
  });

  test('gets one event at a time: two at once need two', async () => {
    const until = join(await temporaryFolder(), 'go');
    const { lambda } = await serve([await nodeFunction(counter)]);
    const both = [count(lambda, { until }), count(lambda, { until })];
    await expect.poll(() => lambda.environments().filter(({ state }) => state === 'busy')).toHaveLength(2);
    await writeFile(until, '');
    const [a, b] = await Promise.all(both);
    expect([a?.count, b?.count]).toEqual([1, 1]);
    expect(a?.id).not.toBe(b?.id);
    await count(lambda);
    expect(lambda.environments()).toHaveLength(2);
  });

  test('serves a row of events alone, as long as they come one after another', async () => {
    const { lambda, told } = await serve([await nodeFunction(counter)]);
    for (let n = 1; n <= 30; n += 1) expect((await count(lambda)).count).toBe(n);
    expect(told.ofType('environment-started')).toHaveLength(1);
  });

  test('is recycled when nobody needs it', async () => {
    const { lambda, told } = await serve([await nodeFunction(counter)], { idleMs: 50 });
    const { pid } = await count(lambda);
    const stopped = await told.first('environment-stopped');
    expect(stopped.reason).toMatch(/^it was idle/);
    await expect.poll(() => isGone(pid)).toBe(true);
    expect(lambda.environments()).toEqual([]);
    expect((await count(lambda)).count).toBe(1);
  });

  test('that died between two events is replaced', async () => {
    const { lambda, told } = await serve([await nodeFunction(counter)]);
    const { pid } = await count(lambda);
    process.kill(pid, 'SIGKILL');
    await told.first('environment-stopped');
    expect((await count(lambda)).count).toBe(1);
  });

  test("knows Lambda's variables and the function's, and nothing of the developer's", async () => {
    const code = 'export const handler = async () => process.env;';
    const fn = await nodeFunction(code, {
      environment: { OWN: 'yes', AWS_LAMBDA_FUNCTION_NAME: 'not mine' },
      memoryMb: 300,
    });
    const env = { ...process.env, SECRET_OF_THE_DEVELOPER: 'x', AWS_ACCESS_KEY_ID: 'AKIA', PGPASSWORD: 'x' };
    const { lambda } = await serve([fn], {}, env);
    const seen = payloadOf<Record<string, string>>(await invoke(lambda));
    const { PATH, HOME, TMPDIR, ...rest } = seen;
    expect(PATH).toBe(process.env.PATH);
    expect(rest).toEqual({
      _HANDLER: 'index.handler',
      _X_AMZN_TRACE_ID: expect.stringMatching(
        /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$/,
      ),
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '300',
      AWS_LAMBDA_FUNCTION_NAME: 'fn',
      AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
      AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
      AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/fn',
      AWS_LAMBDA_LOG_STREAM_NAME: expect.stringMatching(/^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/),
      AWS_LAMBDA_RUNTIME_API: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      AWS_REGION: 'us-east-1',
      AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
      LAMBDA_RUNTIME_DIR: expect.any(String),
      LAMBDA_TASK_ROOT: fn.codeDir,
      LAMBDAPG_ENVIRONMENT_ID: expect.stringMatching(/^[0-9a-f]{8}$/),
      LANG: 'en_US.UTF-8',
      OWN: 'yes',
      TZ: ':UTC',
    });
  });
});

describe('concurrency', () => {
  test('reserved: one more is throttled', async () => {
    const until = join(await temporaryFolder(), 'go');
    const { lambda, told } = await serve([await nodeFunction(counter, { reservedConcurrency: 1 })]);
    const busy = count(lambda, { until });
    await told.first('init');
    expect(await lambda.invoke('fn', '{}')).toEqual({
      throttled: 'ReservedFunctionConcurrentInvocationLimitExceeded',
    });
    await writeFile(until, '');
    await busy;
    expect((await count(lambda)).count).toBe(2);
    expect(told.ofType('throttle')).toHaveLength(1);
  });

  test('reserved 0: nothing runs', async () => {
    const { lambda } = await serve([await nodeFunction(counter, { reservedConcurrency: 0 })]);
    expect(await lambda.invoke('fn', '{}')).toHaveProperty('throttled');
    expect(lambda.environments()).toEqual([]);
  });

  test('of all: a busy one throttles the others, an idle one makes room', async () => {
    const until = join(await temporaryFolder(), 'go');
    const functions = [
      await nodeFunction(counter, { name: 'a' }),
      await nodeFunction(counter, { name: 'b' }),
    ];
    const { lambda, told } = await serve(functions, { concurrency: 1 });
    const busy = count(lambda, { until }, 'a');
    await told.first('init');
    expect(await lambda.invoke('b', '{}')).toEqual({ throttled: 'ConcurrentInvocationLimitExceeded' });
    await writeFile(until, '');
    await busy;
    expect((await count(lambda, {}, 'b')).count).toBe(1);
    expect(lambda.environments().map((environment) => environment.function)).toEqual(['b']);
  });
});

describe('replaced code', () => {
  test('serves new events at once, while an event under way ends on the old', async () => {
    const until = join(await temporaryFolder(), 'go');
    const old = await nodeFunction(counter);
    const { lambda, told } = await serve([old]);
    const idle = await count(lambda);
    const busy = count(lambda, { until });
    const alsoBusy = count(lambda, { until });
    await expect.poll(() => lambda.environments().filter(({ state }) => state === 'busy')).toHaveLength(2);
    lambda.replace(await nodeFunction('export const handler = async () => "new";'));
    expect(payloadOf(await invoke(lambda))).toBe('new');
    await writeFile(until, '');
    expect((await busy).pid).toBe(idle.pid);
    const other = await alsoBusy;
    await expect.poll(() => Promise.all([isGone(idle.pid), isGone(other.pid)])).toEqual([true, true]);
    expect(lambda.environments()).toHaveLength(1);
    expect(told.ofType('reload')).toEqual([expect.objectContaining({ function: 'fn' })]);
  });

  test('stops an idle environment, and may be a new function', async () => {
    const { lambda } = await serve([await nodeFunction(counter)]);
    const { pid } = await count(lambda);
    lambda.replace(await nodeFunction(counter));
    expect(lambda.environments()).toEqual([]);
    lambda.replace(await nodeFunction(counter, { name: 'second' }));
    expect((await count(lambda, {}, 'second')).count).toBe(1);
    await expect.poll(() => isGone(pid)).toBe(true);
  });
});

describe('the end', () => {
  test('stop leaves no process: not a frozen, a busy, a starting or a stubborn one', async () => {
    const stubborn = `process.on('SIGTERM', () => {}); ${counter}`;
    const functions = [
      await nodeFunction(stubborn, { name: 'stubborn' }),
      await nodeFunction(counter, { name: 'frozen' }),
      await nodeFunction('await new Promise((r) => setTimeout(r, 9000)); export const handler = () => 1', {
        name: 'starting',
      }),
      await pythonFunction('import time\ndef handler(e, c): time.sleep(1000)', { name: 'busy' }),
    ];
    const { lambda, told } = await serve(functions);
    await count(lambda, {}, 'frozen');
    const failing = ['stubborn', 'starting', 'busy'].map((name) => lambda.invoke(name, '{"until":"/never"}'));
    await Promise.all(
      ['stubborn', 'busy'].map((name) => told.first('init', (event) => event.function === name)),
    );
    await told.first('environment-started', (event) => event.function === 'starting');
    const pids = pidsOf(lambda);
    expect(pids).toHaveLength(4);
    await lambda.stop();
    expect(await Promise.all(pids.map(isGone))).toEqual([true, true, true, true]);
    for (const result of await Promise.all(failing)) expect(outcomeOf(result).failure).toBeDefined();
    expect(lambda.environments()).toEqual([]);
    await expect(fetch(lambda.url)).rejects.toThrow();
  });

  test('an event that was on its way starts nothing', async () => {
    const { lambda, told } = await serve([await nodeFunction(counter)]);
    const onItsWay = lambda.invoke('fn', '{}');
    await lambda.stop();
    expect(outcomeOf(await onItsWay).failure?.errorType).toBe('Runtime.ExitError');
    expect(told.ofType('environment-started')).toEqual([]);
  });

  test('a frozen environment is woken and asked first', async () => {
    const mark = join(await temporaryFolder(), 'asked');
    const code = `import { writeFileSync } from 'node:fs';
      process.on('SIGTERM', () => { writeFileSync(${JSON.stringify(mark)}, ''); process.exit(); });
      export const handler = async () => 1;`;
    // The order is what is tested; on a busy machine a process may need more than its half second.
    const { lambda } = await serve([await nodeFunction(code)], { terminationGraceMs: 30_000 });
    await invoke(lambda);
    await lambda.stop();
    expect(existsSync(mark)).toBe(true);
  });

  test('kill is at once', async () => {
    const { lambda, told } = await serve([
      await nodeFunction(counter),
      await nodeFunction(counter, { name: 'busy' }),
    ]);
    await count(lambda);
    const busy = lambda.invoke('busy', '{"until":"/never"}');
    await told.first('init', (event) => event.function === 'busy');
    const pids = pidsOf(lambda);
    lambda.kill();
    expect(outcomeOf(await busy).failure?.errorType).toBe('Runtime.ExitError');
    await expect.poll(() => Promise.all(pids.map(isGone))).toEqual([true, true]);
  });

  test('a lambdapg that is killed takes its environments along, frozen or not', async () => {
    const { codeDir } = await nodeFunction(counter);
    const script = join(codeDir, 'dev.mts');
    await writeFile(
      script,
      `import { startLocalLambda } from ${JSON.stringify(join(packageDir, 'src/local/lambda/local-lambda.ts'))};
      const context = { cwd: '/', env: process.env, signal: new AbortController().signal, report() {}, packageDir: '/', version: '0' };
      const fn = { language: 'node', runtime: 'nodejs24.x', executable: process.execPath, codeDir: ${JSON.stringify(codeDir)},
        handler: 'index.handler', timeoutMs: 60_000, memoryMb: 256, environment: {}, routes: [] };
      const lambda = await startLocalLambda(context, { preferredPort: 0, functions: [{ ...fn, name: 'a' }, { ...fn, name: 'b' }] });
      await lambda.invoke('a', '{}');
      void lambda.invoke('b', '{"until":"/never"}');
      while (lambda.environments().filter(({ pid }) => pid).length < 2) await new Promise(setImmediate);
      console.log(lambda.environments().map(({ pid }) => pid).join(' '));`,
    );
    const dev = spawn(process.execPath, ['--import', 'tsx', script], {
      cwd: packageDir,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void dev.kill('SIGKILL'));
    const [line] = (await once(dev.stdout, 'data')) as [Buffer];
    const pids = line.toString().trim().split(' ').map(Number);
    expect(pids).toHaveLength(2);
    await expect.poll(() => processState(pids[0] ?? 0)).toBe('T');
    dev.kill('SIGKILL');
    await expect.poll(() => Promise.all(pids.map(isGone)), { timeout: 5000 }).toEqual([true, true]);
  });
});

describe('the log', () => {
  test("has Lambda's START, END and REPORT around what the handler says", async () => {
    const code =
      'export const handler = async () => { console.log("one\\ntwo"); process.stdout.write("no end"); };';
    const { lambda, told } = await serve([await nodeFunction(code)]);
    const { requestId: id, initMs, durationMs, billedMs } = await invoke(lambda);
    expect(told.lines()).toEqual([
      `START RequestId: ${id} Version: $LATEST`,
      expect.stringMatching(
        new RegExp(`^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z\t${id}\tINFO\tone\ntwo$`),
      ),
      'no end',
      `END RequestId: ${id}`,
      expect.stringMatching(
        new RegExp(
          `^REPORT RequestId: ${id}\tDuration: \\d+\\.\\d\\d ms\tBilled Duration: \\d+ ms\tMemory Size: 256 MB\tMax Memory Used: [1-9]\\d* MB\tInit Duration: \\d+\\.\\d\\d ms\t$`,
        ),
      ),
    ]);
    expect(billedMs).toBe(Math.ceil(durationMs + (initMs ?? 0)));
    const warm = await invoke(lambda);
    expect(warm.initMs).toBeUndefined();
    expect(told.lines().at(-1)).not.toContain('Init Duration');
  });
});
