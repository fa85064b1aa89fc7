import { setTimeout as sleep } from 'node:timers/promises';
import { InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import type { Context } from '../../../context.ts';
import { exitCodes, UserError } from '../../../errors.ts';
import { fromWireError } from '../../../jobs/wire-error.ts';
import { explainCrash, explainInvokeError, isLost, isRefusedForNow } from './explain-runner.ts';
import {
  decode,
  encode,
  type Payload,
  type RunnerAnswer,
  type RunnerRequest,
  type Storage,
  wireVersion,
} from './wire.ts';

export interface Runner {
  /**
   * Sends once (`maxAttempts: 1`): an INSERT whose answer was lost must not be sent again. The SDK's own HTTP handler waits without
   * a limit and keeps the TCP connection alive, which a silent quarter of an hour behind NAT needs.
   */
  readonly lambda: LambdaClient;
  readonly functionName: string;
}

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html: 6 MB for a synchronous invocation. */
const payloadLimit = 6 * 1024 * 1024;
const attempts = 5;
const firstPauseMs = 500;

/**
 * One synchronous invocation of the runner, and those that fetch an answer which does not fit into it.
 *
 * @throws what the job threw; UserError RUNNER_… when the runner cannot be invoked or ends badly; the signal's reason
 */
export async function invokeRunner(
  context: Context,
  runner: Runner,
  request: RunnerRequest,
  chunk?: Buffer,
): Promise<unknown> {
  const payload = await exchange(context, runner, request, chunk);
  const answer = decode(await collect(context, runner, request.storage, payload)) as RunnerAnswer;
  for (const event of answer.events) context.report(event);
  if (answer.error !== undefined) throw fromWireError(answer.error);
  return answer.output;
}

async function collect(
  context: Context,
  runner: Runner,
  storage: Storage,
  { json, chunks }: Payload,
): Promise<Buffer> {
  if (json !== undefined) return Buffer.from(json, 'base64');
  if (chunks === undefined)
    throw explainCrash(runner.functionName, 'it answered nothing that lambdapg knows');
  const parts: Buffer[] = [];
  try {
    for (let sequence = 0; sequence < chunks; sequence += 1) {
      parts.push(await fetchChunk(context, runner, storage, sequence));
    }
  } finally {
    // The next run from here would drop it as well.
    await exchange(context, runner, { op: 'drop', storage }).catch(() => {});
  }
  return Buffer.concat(parts);
}

async function fetchChunk(
  context: Context,
  runner: Runner,
  storage: Storage,
  sequence: number,
): Promise<Buffer> {
  const { chunk, json } = await exchange(context, runner, { op: 'get', storage, sequence });
  if (chunk !== undefined) return Buffer.from(chunk, 'base64');
  const { error } = decode(Buffer.from(json ?? '', 'base64')) as RunnerAnswer;
  throw error === undefined ? new Error('a chunk without bytes') : fromWireError(error);
}

async function exchange(
  context: Context,
  runner: Runner,
  request: RunnerRequest,
  chunk?: Buffer,
): Promise<Payload> {
  const payload: Payload = {
    lambdapg: wireVersion,
    json: encode(request).toString('base64'),
    ...(chunk !== undefined && { chunk: chunk.toString('base64') }),
  };
  const bytes = Buffer.from(JSON.stringify(payload));
  if (bytes.length > payloadLimit) throw inputTooLong(bytes.length);
  for (let attempt = 1; ; attempt += 1) {
    context.signal.throwIfAborted();
    try {
      return await invokeOnce(context, runner, bytes);
    } catch (error) {
      if (context.signal.aborted) throw await cancelJob(context, runner, request);
      // Chunks may be written, read and dropped twice; a job may not.
      const safe = isRefusedForNow(error) || (request.op !== 'run' && isLost(error));
      if (error instanceof UserError || !safe || attempt === attempts) {
        throw explainInvokeError(error, runner.functionName);
      }
      await sleep(firstPauseMs * 2 ** (attempt - 1), undefined, { signal: context.signal }).catch(() => {});
    }
  }
}

async function invokeOnce(
  context: Context,
  { lambda, functionName }: Runner,
  bytes: Buffer,
): Promise<Payload> {
  const command = new InvokeCommand({ FunctionName: functionName, Payload: bytes });
  const result = await lambda.send(command, { abortSignal: context.signal });
  const text = Buffer.from(result.Payload ?? []).toString('utf8');
  if (result.FunctionError !== undefined) throw explainCrash(functionName, text);
  return JSON.parse(text) as Payload;
}

/** The start of another environment, and its looks for the run. */
const cancelWithinMs = 15_000;

/** Lambda ends no invocation because its caller went away, so a second one tells the first. @returns the signal's reason */
async function cancelJob(context: Context, runner: Runner, request: RunnerRequest): Promise<unknown> {
  if (request.op !== 'run') return context.signal.reason;
  const { job, storage } = request;
  const brief: Context = { ...context, signal: AbortSignal.timeout(cancelWithinMs) };
  const cancelled = await invokeRunner(brief, runner, { op: 'cancel', storage }).catch(() => false);
  const message =
    cancelled === true
      ? `the runner was told to cancel "${job}" too`
      : `the runner may go on with "${job}" by itself, to its end; run it again to see what came of it`;
  const type = cancelled === true ? 'runner-cancelled' : 'runner-abandoned-warning';
  context.report({ type, job, message });
  return context.signal.reason;
}

/** Only SQL of one's own can be that long: files go in chunks. */
function inputTooLong(length: number): UserError {
  const megabytes = (length / 1024 / 1024).toFixed(1);
  return new UserError(
    'INPUT_TOO_LONG',
    `the statements are ${megabytes} MB compressed, and Lambda takes 6 MB`,
    {
      exit: exitCodes.usage,
      suggestions: ['split the file', 'or load rows by lambdapg seed, which goes in chunks'],
    },
  );
}
