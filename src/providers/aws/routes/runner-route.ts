import { createHash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { c as createArchive } from 'tar';
import type { Context } from '../../../context.ts';
import type { Job, PackedFiles, Route } from '../../../database/route.ts';
import type { ConnectionTarget } from '../../../database/target.ts';
import { invokeRunner, type Runner } from './invoke-runner.ts';
import { chunkBytes, type Storage, type WireTarget } from './wire.ts';

export interface RunnerRouteOptions extends Runner {
  /** Keeps what does not fit into one invocation. */
  readonly admin: ConnectionTarget;
  readonly ownerRole?: string;
}

/**
 * Jobs done inside the VPC, by the very same functions. Each is one invocation and so needs no session across several; files
 * that do not fit into it are uploaded first, where no table of the project shows them.
 */
export function runnerRoute(context: Context, options: RunnerRouteOptions): Route {
  return {
    kind: 'runner',
    title: `through the runner ${options.functionName}`,
    async run<Input, Output>(job: Job<Input, Output>, target: ConnectionTarget, input: Input) {
      const packed = await job.pack?.(context, input);
      const storage = await makeStorage(context, options, target);
      const project = packed?.project;
      const files = project === undefined ? undefined : await sendFiles(context, options, storage, project);
      const request = {
        op: 'run',
        job: job.name,
        input: packed?.input ?? input,
        target: await withPassword(target),
        storage,
        version: context.version,
        ...(files !== undefined && { files: { chunks: files.chunks } }),
      } as const;
      // The output was made by the same job on the other side.
      return (await invokeRunner(context, options, request, files?.inline)) as Output;
    },
  };
}

/** Who may not read the admin's secret may still ask as the application; only a very long result then finds no place. */
async function makeStorage(
  context: Context,
  { admin, ownerRole }: RunnerRouteOptions,
  target: ConnectionTarget,
): Promise<Storage> {
  const here = `${hostname()} ${context.cwd}`;
  return {
    target: await withPassword(admin).catch(() => withPassword(target)),
    ...(ownerRole !== undefined && { ownerRole }),
    run: randomBytes(8).toString('hex'),
    origin: createHash('sha256').update(here).digest('hex').slice(0, 16),
  };
}

interface SentFiles {
  /** The whole archive, when it goes with the job's own invocation. */
  readonly inline?: Buffer;
  /** In the storage; 0 when inline. */
  readonly chunks: number;
}

async function sendFiles(
  context: Context,
  runner: Runner,
  storage: Storage,
  { dir, files }: PackedFiles,
): Promise<SentFiles> {
  if (files.length === 0) return { inline: emptyArchive, chunks: 0 };
  // Owners and times of the files here are nobody's business there.
  const archive = createArchive({ gzip: true, cwd: dir, portable: true, noMtime: true, follow: true }, [
    ...files,
  ]);
  let pending: Buffer | undefined;
  let sequence = 0;
  for await (const part of partsOf(archive as AsyncIterable<Buffer>)) {
    // One behind, so that an archive of one part is known to be one.
    if (pending !== undefined) {
      await upload(context, runner, storage, sequence, pending);
      sequence += 1;
    }
    pending = part;
  }
  const last = pending ?? emptyArchive;
  if (sequence === 0) return { inline: last, chunks: 0 };
  await upload(context, runner, storage, sequence, last);
  return { chunks: sequence + 1 };
}

/** Two empty blocks end a tar archive, which need not be compressed. */
const emptyArchive = Buffer.alloc(1024);

async function upload(
  context: Context,
  runner: Runner,
  storage: Storage,
  sequence: number,
  bytes: Buffer,
): Promise<void> {
  await invokeRunner(context, runner, { op: 'put', storage, sequence }, bytes);
  const megabytes = Math.round(((sequence + 1) * chunkBytes) / 1024 / 1024);
  context.report({
    type: 'upload-progress',
    chunk: sequence + 1,
    message: `uploading: ${megabytes} MB (compressed)`,
  });
}

/** Cuts a stream into parts of `chunkBytes`; the last one may be shorter. */
async function* partsOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let length = 0;
  for await (const piece of stream) {
    held.push(piece);
    length += piece.length;
    while (length >= chunkBytes) {
      const all = Buffer.concat(held);
      yield all.subarray(0, chunkBytes);
      held = [all.subarray(chunkBytes)];
      length -= chunkBytes;
    }
  }
  if (length > 0) yield Buffer.concat(held);
}

async function withPassword(target: ConnectionTarget): Promise<WireTarget> {
  const password = typeof target.password === 'function' ? await target.password() : target.password;
  return { ...target, password };
}
