import { randomBytes } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteParameterCommand,
  GetParametersByPathCommand,
  type Parameter,
  PutParameterCommand,
} from '@aws-sdk/client-ssm';
import type { Context } from '../../context.ts';
import { exitCodes, UserError } from '../../errors.ts';
import { isAlive, thisMachine } from '../../this-machine.ts';
import type { Aws } from './clients.ts';
import { judgeAwsError } from './judge.ts';
import { keepRenewed } from './keep-renewed.ts';
import type { Stage } from './stage.ts';

/** Who holds the lock, for the person who waits. No secret. */
interface Holder {
  readonly run: string;
  readonly host: string;
  /** Of `thisMachine`: process ids mean something only where they were given. */
  readonly machine: string;
  readonly pid: number;
  readonly user: string;
  readonly doing: string;
}

interface Lock {
  readonly name: string;
  readonly generation: number;
  readonly holder: Holder;
  /** By AWS's clock. */
  readonly renewedAt: number;
}

export interface LockTimes {
  readonly renewEveryMs: number;
  /** Without a renewal for so long whoever held it is gone. */
  readonly staleMs: number;
  readonly lookEveryMs: number;
  /** How long another run is waited for. */
  readonly patienceMs: number;
}

const usualTimes: LockTimes = {
  renewEveryMs: 20_000,
  staleMs: 60_000,
  lookEveryMs: 2_000,
  patienceMs: 65_000,
};
/** AWS signs within five minutes of its own clock; beyond that the SDK corrects ours. */
const clockSkewMs = 5 * 60_000;
const shortPauseMs = 200;

/**
 * Lets one run at a time change a stage: CreateVpc and its like have no name that AWS would keep unique.
 *
 * The lock is the parameter `/lambdapg/<project>-<stage>/run/<generation>` with the highest generation. Creating a parameter
 * without `Overwrite` succeeds for one only, so taking over a dead run's lock means creating the next generation; only then is
 * the old one deleted. A run of this computer whose process is gone is dead at once, any other when it has not renewed for a
 * minute: as watched from here, because two clocks may differ by minutes, or by a date older than any such difference.
 *
 * @throws UserError RUN_IN_PROGRESS (exit 75) naming who runs; Cancelled
 */
export async function withRunLock<T>(
  context: Context,
  { aws, stage }: { readonly aws: Aws; readonly stage: Pick<Stage, 'prefix'> },
  doing: string,
  work: () => Promise<T>,
  times: LockTimes = usualTimes,
): Promise<T> {
  const path = `/lambdapg/${stage.prefix}/run`;
  const holder: Holder = {
    run: randomBytes(8).toString('hex'),
    host: hostname(),
    machine: thisMachine(context.env),
    pid: process.pid,
    user: userName(),
    doing,
  };
  let endRenewals: (() => Promise<void>) | undefined;
  try {
    const name = await take(context, aws, path, holder, times);
    // Without any for as long as `staleMs` the lock is lost, which the steps survive.
    endRenewals = keepRenewed((signal) => renew(aws, path, name, holder, signal), {
      everyMs: times.renewEveryMs,
      patienceMs: times.staleMs / 2,
    });
    return await work();
  } finally {
    await endRenewals?.();
    await releaseOwn(aws, path, holder).catch(() => {});
  }
}

/** @returns the name of the lock, which is then the highest and ours */
async function take(
  context: Context,
  aws: Aws,
  path: string,
  holder: Holder,
  times: LockTimes,
): Promise<string> {
  const isStale = watchRenewals(aws, times.staleMs);
  // Not from the start: a slow answer is nobody's lock.
  let refusedSinceMs: number | undefined;
  let refused: unknown;
  for (;;) {
    context.signal.throwIfAborted();
    const askedAtMs = performance.now();
    const locks = await readLocks(aws, path);
    const top = locks.at(-1);
    if (top?.holder.run === holder.run) {
      for (const { name } of locks.slice(0, -1)) await release(aws, name);
      return top.name;
    }
    const isOver = refusedSinceMs !== undefined && performance.now() - refusedSinceMs > times.patienceMs;
    if (top !== undefined && !isDead(top, holder) && !isStale(top, askedAtMs)) {
      if (isOver) throw inProgress(top.holder);
      reportWaiting(context, top.holder);
      refusedSinceMs ??= performance.now();
      await pause(context, times.lookEveryMs);
    } else {
      if (isOver) throw refused ?? new Error(`${path} is neither free nor held`);
      refused = await create(aws, `${path}/${(top?.generation ?? 0) + 1}`, holder);
      refusedSinceMs ??= performance.now();
      if (refused !== undefined) await pause(context, shortPauseMs);
    }
  }
}

/**
 * Whoever is the highest afterwards has the lock: the next look says. That covers a lost answer, and a run that was so slow
 * between its look and this that others came and went.
 *
 * @returns why it was refused, if that may pass
 */
async function create(aws: Aws, name: string, holder: Holder): Promise<unknown> {
  try {
    await aws.write.ssm.send(putCommand(name, holder, false));
    return undefined;
  } catch (error) {
    if (judgeAwsError(error) === 'fatal') throw error;
    return error;
  }
}

/** Not after it was lost: the name may be another's by now. */
async function renew(
  aws: Aws,
  path: string,
  name: string,
  holder: Holder,
  abortSignal: AbortSignal,
): Promise<void> {
  const own = (await readLocks(aws, path, abortSignal)).find((lock) => lock.holder.run === holder.run);
  if (own !== undefined) await aws.write.ssm.send(putCommand(name, holder, true), { abortSignal });
}

const putCommand = (Name: string, holder: Holder, Overwrite: boolean): PutParameterCommand =>
  new PutParameterCommand({ Name, Value: JSON.stringify(holder), Type: 'String', Overwrite });

async function releaseOwn(aws: Aws, path: string, { run }: Holder): Promise<void> {
  for (const { name, holder } of await readLocks(aws, path)) if (holder.run === run) await release(aws, name);
}

async function release({ read }: Aws, Name: string): Promise<void> {
  await read.ssm.send(new DeleteParameterCommand({ Name })).catch(() => {});
}

/** By generation, the highest last. */
async function readLocks({ read }: Aws, path: string, abortSignal?: AbortSignal): Promise<Lock[]> {
  const command = new GetParametersByPathCommand({ Path: path });
  const { Parameters = [] } = await read.ssm.send(command, abortSignal && { abortSignal });
  return Parameters.flatMap(parseLock).sort((a, b) => a.generation - b.generation);
}

function parseLock({ Name: name = '', Value = '', LastModifiedDate }: Parameter): Lock[] {
  const generation = Number(name.slice(name.lastIndexOf('/') + 1));
  if (!Number.isSafeInteger(generation)) return [];
  return [{ name, generation, holder: parseHolder(Value), renewedAt: LastModifiedDate?.getTime() ?? 0 }];
}

/** Whatever it is, it stands where a lock stands, until it is stale. */
function parseHolder(text: string): Holder {
  const unknown = { run: '', host: 'somewhere', machine: '', pid: 0, user: 'somebody', doing: 'a run' };
  try {
    return { ...unknown, ...(JSON.parse(text) as Partial<Holder>) };
  } catch {
    return unknown;
  }
}

const isDead = ({ holder }: Lock, { machine }: Holder): boolean =>
  holder.machine === machine && !isAlive(holder.pid);

/**
 * @returns whether a lock has not been renewed for `staleMs`: from the answer that first showed it so to the question that still
 *   did. What was renewed while an answer was on its way does not show in it.
 */
function watchRenewals({ read }: Aws, staleMs: number): (lock: Lock, askedAtMs: number) => boolean {
  let seen = { what: '', sinceMs: 0 };
  return ({ name, holder, renewedAt }, askedAtMs) => {
    const what = `${name} ${holder.run} ${renewedAt}`;
    if (seen.what !== what) seen = { what, sinceMs: performance.now() };
    const age = Date.now() + read.ssm.config.systemClockOffset - renewedAt;
    return askedAtMs - seen.sinceMs > staleMs || age > staleMs + clockSkewMs;
  };
}

async function pause({ signal }: Context, ms: number): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}

function reportWaiting({ report }: Context, holder: Holder): void {
  const { doing, user, host, pid } = holder;
  const message = `waits for ${doing} by ${user} on ${host} (process ${pid})`;
  report({ type: 'lock-waiting', doing, user, host, pid, message });
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'somebody';
  }
}

const inProgress = ({ doing, user, host, pid }: Holder): UserError =>
  new UserError(
    'RUN_IN_PROGRESS',
    `${doing} by ${user} on ${host} (process ${pid}) is still at work on this stage`,
    {
      exit: exitCodes.temporary,
      suggestions: ['wait for it and run the same command again'],
    },
  );
