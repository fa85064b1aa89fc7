import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, onTestFinished } from 'vitest';
import type { Context, ReportEvent } from '../../../src/context.ts';
import type { InvocationOutcome } from '../../../src/local/lambda/execution-environment.ts';
import {
  type InvokeResult,
  type LocalFunction,
  type LocalLambda,
  type LocalLambdaOptions,
  startLocalLambda,
} from '../../../src/local/lambda/local-lambda.ts';

export const packageDir = fileURLToPath(new URL('../../..', import.meta.url));
const venvPython = join(packageDir, '.venv', 'bin', 'python');

/** Events that were told, and a way to await one. */
export class Told {
  readonly events: ReportEvent[] = [];
  readonly #waiting = new Set<() => void>();

  readonly report = (event: ReportEvent): void => {
    this.events.push(event);
    for (const look of [...this.#waiting]) look();
  };

  ofType(type: string): ReportEvent[] {
    return this.events.filter((event) => event.type === type);
  }

  lines(): string[] {
    return this.ofType('log').map((event) => String(event.line));
  }

  /** The first event that fits, which may have been told already. */
  first(type: string, fits: (event: ReportEvent) => boolean = () => true): Promise<ReportEvent> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.events.find((event) => event.type === type && fits(event));
        if (found === undefined) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }
}

export function testContext(told: Told, env: Context['env'] = process.env): Context {
  return {
    cwd: '/',
    env,
    signal: new AbortController().signal,
    report: told.report,
    packageDir,
    version: '0.0.0',
  };
}

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

/** Gone at the end of the test file. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lambdapg-lambda-'));
  folders.push(folder);
  return folder;
}

/** A Node function with its code; `handler` unless another export is named. */
export async function nodeFunction(code: string, fn: Partial<LocalFunction> = {}): Promise<LocalFunction> {
  const codeDir = await temporaryFolder();
  await writeFile(join(codeDir, 'index.mjs'), code);
  return {
    ...defaults,
    language: 'node',
    runtime: 'nodejs24.x',
    executable: process.execPath,
    codeDir,
    ...fn,
  };
}

export async function pythonFunction(code: string, fn: Partial<LocalFunction> = {}): Promise<LocalFunction> {
  const codeDir = await temporaryFolder();
  await writeFile(join(codeDir, 'index.py'), code);
  return { ...defaults, language: 'python', runtime: 'python3.13', executable: venvPython, codeDir, ...fn };
}

const defaults = {
  name: 'fn',
  handler: 'index.handler',
  timeoutMs: 20_000,
  memoryMb: 256,
  environment: {},
  routes: [],
} as const;

/** A local Lambda on a free port, gone at the end of the test. */
export async function serve(
  functions: readonly LocalFunction[],
  options: Partial<LocalLambdaOptions> = {},
  env?: Context['env'],
): Promise<{ readonly lambda: LocalLambda; readonly told: Told }> {
  const told = new Told();
  const lambda = await startLocalLambda(testContext(told, env), { preferredPort: 0, functions, ...options });
  onTestFinished(() => lambda.stop());
  return { lambda, told };
}

/** The outcome of an event that was not throttled. */
export function outcomeOf(result: InvokeResult): InvocationOutcome {
  if ('throttled' in result) throw new Error(`throttled: ${result.throttled}`);
  return result;
}

export async function invoke(
  lambda: LocalLambda,
  event: unknown = {},
  name = 'fn',
): Promise<InvocationOutcome> {
  return outcomeOf(await lambda.invoke(name, JSON.stringify(event)));
}

/** The payload as a value. */
export function payloadOf<T = unknown>(outcome: InvocationOutcome): T {
  return JSON.parse(outcome.payload.toString('utf8')) as T;
}

/** `T` stopped, `S` asleep, `R` running, `Z` or undefined gone. */
export async function processState(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat?.replace(/^.*\) /s, '')[0];
}

export async function isGone(pid: number): Promise<boolean> {
  return [undefined, 'Z', 'X'].includes(await processState(pid));
}

/** AWS's own runtime clients, installed by scripts/setup/lambda-rics.js. */
export const awsRuntimeClient = (fn: LocalFunction): readonly string[] =>
  fn.language === 'python'
    ? ['-m', 'awslambdaric', fn.handler]
    : [join(packageDir, '.cache/aws-lambda-ric/node_modules/aws-lambda-ric/index.mjs')];

export const venvBin = dirname(venvPython);
