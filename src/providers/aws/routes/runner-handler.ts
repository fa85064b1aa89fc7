import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { x as extract } from 'tar';
import type { Context, ReportEvent } from '../../../context.ts';
import { describeTarget, explainPostgresError } from '../../../database/explain.ts';
import { Cancelled, exitCodes, UserError } from '../../../errors.ts';
import { cancelRun, watchForCancel } from '../../../jobs/cancel-watch.ts';
import { dropChunks, getChunk, putChunk, readChunks } from '../../../jobs/chunk-table.ts';
import { findJob } from '../../../jobs/registry.ts';
import { toWireError } from '../../../jobs/wire-error.ts';
import {
  chunkBytes,
  decode,
  encode,
  type Payload,
  type RunnerAnswer,
  type RunnerRequest,
  type Storage,
  wireVersion,
} from './wire.ts';

/** The part of Lambda's context that is used. */
interface Invocation {
  getRemainingTimeInMillis(): number;
}

type RunRequest = Extract<RunnerRequest, { readonly op: 'run' }>;

/** Before Lambda ends the invocation: to cancel a statement, roll back, and say so. */
const farewellMs = 15_000;

/**
 * The runner: one function in the database's own network. It holds no secret and has no permission but to log; whoever may
 * invoke it brings the login. Failures are part of the answer, since Lambda would log what is thrown: what was asked and
 * what came of it never reaches CloudWatch.
 */
export async function handler(event: Payload, invocation: Invocation): Promise<Payload> {
  const startedAt = performance.now();
  const events: ReportEvent[] = [];
  const chunk = event.chunk === undefined ? undefined : Buffer.from(event.chunk, 'base64');
  let what = 'nothing';
  let failed = false;
  try {
    const request = readRequest(event);
    what = request.op === 'run' ? request.job : request.op;
    return await answer(request, chunk, events, invocation);
  } catch (error) {
    failed = true;
    return {
      lambdapg: wireVersion,
      json: toBase64(encode({ error: toWireError(error), events } satisfies RunnerAnswer)),
    };
  } finally {
    // The function's own log, and all that is ever in it.
    console.log(`${what} ${failed ? 'failed' : 'done'} in ${Math.round(performance.now() - startedAt)} ms`);
  }
}

function readRequest({ lambdapg, json }: Payload): RunnerRequest {
  if (lambdapg !== wireVersion || json === undefined) throw outdated(`it speaks version ${wireVersion}`);
  return decode(Buffer.from(json, 'base64')) as RunnerRequest;
}

async function answer(
  request: RunnerRequest,
  chunk: Buffer | undefined,
  events: ReportEvent[],
  invocation: Invocation,
): Promise<Payload> {
  switch (request.op) {
    case 'run': {
      const output = await run(request, chunk, events, invocation);
      return send({ output, events }, request.storage);
    }
    case 'put':
      await reach(request.storage, () =>
        putChunk(request.storage, request.sequence, chunk ?? Buffer.alloc(0)),
      );
      return send({ events }, request.storage);
    case 'get': {
      const bytes = await reach(request.storage, () => getChunk(request.storage, request.sequence));
      return { lambdapg: wireVersion, chunk: toBase64(bytes) };
    }
    case 'cancel':
      return send(
        { output: await reach(request.storage, () => cancelRun(request.storage)), events },
        request.storage,
      );
    case 'drop':
      await reach(request.storage, () => dropChunks(request.storage));
      return send({ events }, request.storage);
  }
}

async function run(
  request: RunRequest,
  chunk: Buffer | undefined,
  events: ReportEvent[],
  invocation: Invocation,
): Promise<unknown> {
  const job = findJob(request.job);
  if (job === undefined) throw outdated(`it knows no job "${request.job}"`);
  const limit = new AbortController();
  const timer = setTimeout(
    () => limit.abort(timeOver()),
    Math.max(0, invocation.getRemainingTimeInMillis() - farewellMs),
  );
  const stopWatching = watchForCancel(request.storage, () => limit.abort(new Cancelled()));
  const folder = await mkdtemp(join(tmpdir(), 'lambdapg-'));
  const context: Context = {
    cwd: folder,
    // With the credentials of the role: for the proof of attach, whose role is the attached function's.
    env: process.env,
    signal: limit.signal,
    report: (event) => {
      // Nobody sees them before the end.
      if (!event.type.endsWith('-progress')) events.push(event);
    },
    packageDir: folder,
    version: request.version,
  };
  try {
    if (request.files !== undefined) await unpack(request, request.files.chunks, chunk, folder);
    const input =
      request.files === undefined ? request.input : { ...(request.input as object), projectDir: folder };
    return await job.work(context, request.target, input);
  } finally {
    clearTimeout(timer);
    await stopWatching();
    await rm(folder, { recursive: true, force: true });
    // Left over otherwise, until the next run finds it.
    if ((request.files?.chunks ?? 0) > 0) await dropChunks(request.storage).catch(() => {});
  }
}

async function unpack(
  { storage }: RunRequest,
  chunks: number,
  chunk: Buffer | undefined,
  folder: string,
): Promise<void> {
  const bytes = chunks === 0 ? [chunk ?? Buffer.alloc(0)] : readChunks(storage, chunks);
  const archive = join(folder, '.files.tgz');
  await reach(storage, () => pipeline(Readable.from(bytes), createWriteStream(archive)));
  await extract({ file: archive, cwd: folder });
  await rm(archive);
}

/** The answer itself, or where it is to be fetched. */
async function send(answered: RunnerAnswer, storage: Storage): Promise<Payload> {
  const bytes = encode(answered);
  if (bytes.length <= chunkBytes) return { lambdapg: wireVersion, json: toBase64(bytes) };
  const chunks = Math.ceil(bytes.length / chunkBytes);
  try {
    for (let sequence = 0; sequence < chunks; sequence += 1) {
      await putChunk(storage, sequence, bytes.subarray(sequence * chunkBytes, (sequence + 1) * chunkBytes));
    }
  } catch (error) {
    throw new UserError(
      'RESULT_TOO_LONG',
      `it was done, but its result (${Math.round(bytes.length / 1024 / 1024)} MB compressed) fits into no answer of Lambda, and the database would not keep it: ${error instanceof Error ? error.message : error}`,
      { suggestions: ['ask for fewer rows or columns, or --limit'], cause: error },
    );
  }
  return { lambdapg: wireVersion, chunks };
}

/** A failed connection for the storage is explained like any other. */
async function reach<T>({ target }: Storage, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw explainPostgresError(error, describeTarget(target)) ?? error;
  }
}

function toBase64(bytes: Buffer): string {
  return bytes.toString('base64');
}

function timeOver(): UserError {
  return new UserError(
    'RUNNER_TIME_OVER',
    'Lambda ends an invocation after 15 minutes, so the runner stopped in time',
    {
      exit: exitCodes.temporary,
      suggestions: [
        'run it again: finished files stay, and it goes on after them',
        'for one long statement use a direct way: a tunnel and --db-host-map',
      ],
    },
  );
}

function outdated(why: string): UserError {
  return new UserError('RUNNER_OUTDATED', `the runner is of another version of lambdapg: ${why}`, {
    suggestions: ['lambdapg provision --runner brings it up to date'],
  });
}
