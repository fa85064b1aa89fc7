import { randomBytes } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DeleteParameterCommand,
  GetParametersByPathCommand,
  type Parameter,
  PutParameterCommand,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import type { Context } from '../../context.ts';
import { exitCodes, UserError } from '../../errors.ts';
import type { Aws } from './clients.ts';
import type { Stage } from './stage.ts';

/** Who holds the lock, for the person who waits. No secret. */
interface Holder {
  readonly run: string;
  readonly host: string;
  readonly pid: number;
  readonly user: string;
  readonly doing: string;
}

interface Lock {
  readonly generation: number;
  readonly holder: Holder;
  readonly renewedAt: number;
}

const renewEveryMs = 20_000;
/** Three renewals missed: whoever held it is gone. */
const staleMs = 60_000;
const lookEveryMs = 2_000;

/**
 * Lets one run at a time change a stage: CreateVpc and its like have no name that AWS would keep unique.
 *
 * The lock is the parameter `/lambdapg/<project>-<stage>/run/<generation>` with the highest generation. Creating a parameter
 * without `Overwrite` succeeds for one only, so taking over a dead run's lock means creating the next generation; only then is
 * the old one deleted. A run of this computer whose process is gone is dead at once, any other after a minute without renewal.
 *
 * @throws UserError RUN_IN_PROGRESS (exit 75) naming who runs; Cancelled
 */
export async function withRunLock<T>(
  context: Context,
  { aws, stage }: { readonly aws: Aws; readonly stage: Pick<Stage, 'prefix'> },
  doing: string,
  work: () => Promise<T>,
): Promise<T> {
  const ssm = aws.write.ssm;
  const path = `/lambdapg/${stage.prefix}/run`;
  const holder: Holder = {
    run: randomBytes(8).toString('hex'),
    host: hostname(),
    pid: process.pid,
    user: userName(),
    doing,
  };
  const name = await take(context, aws, path, holder);
  const timer = setInterval(() => {
    // A renewal that fails is made up by the next; three in a row lose the lock, which the steps survive.
    ssm.send(putCommand(name, holder, true)).catch(() => {});
  }, renewEveryMs);
  timer.unref();
  try {
    return await work();
  } finally {
    clearInterval(timer);
    await aws.read.ssm.send(new DeleteParameterCommand({ Name: name })).catch(() => {});
  }
}

async function take(context: Context, aws: Aws, path: string, holder: Holder): Promise<string> {
  let waitedSince: number | undefined;
  for (;;) {
    context.signal.throwIfAborted();
    const locks = await readLocks(aws.read.ssm, path);
    const top = locks.at(-1);
    if (top === undefined || isDead(top)) {
      const name = `${path}/${(top?.generation ?? 0) + 1}`;
      if (await create(aws, name, holder)) {
        for (const { generation } of locks) await release(aws.read.ssm, `${path}/${generation}`);
        return name;
      }
    } else {
      waitedSince ??= Date.now();
      if (Date.now() - waitedSince > staleMs) throw inProgress(top.holder);
      const { doing, user, host, pid } = top.holder;
      const message = `waits for ${doing} by ${user} on ${host} (process ${pid})`;
      context.report({ type: 'lock-waiting', ...top.holder, message });
      await sleep(lookEveryMs, undefined, { signal: context.signal }).catch(() => {});
    }
  }
}

async function create(aws: Aws, name: string, holder: Holder): Promise<boolean> {
  try {
    await aws.write.ssm.send(putCommand(name, holder, false));
    return true;
  } catch (error) {
    if ((error as Error).name === 'ParameterAlreadyExists') return false;
    // The answer may have been lost after the effect: then the lock is ours.
    const own = (await readLocks(aws.read.ssm, name.slice(0, name.lastIndexOf('/')))).at(-1);
    if (own?.holder.run === holder.run) return true;
    throw error;
  }
}

const putCommand = (Name: string, holder: Holder, Overwrite: boolean): PutParameterCommand =>
  new PutParameterCommand({ Name, Value: JSON.stringify(holder), Type: 'String', Overwrite });

async function release(ssm: SSMClient, Name: string): Promise<void> {
  await ssm.send(new DeleteParameterCommand({ Name })).catch(() => {});
}

/** By generation, the highest last. */
async function readLocks(ssm: SSMClient, path: string): Promise<Lock[]> {
  const { Parameters = [] } = await ssm.send(new GetParametersByPathCommand({ Path: path }));
  return Parameters.flatMap(parseLock).sort((a, b) => a.generation - b.generation);
}

function parseLock({ Name = '', Value = '', LastModifiedDate }: Parameter): Lock[] {
  const generation = Number(Name.slice(Name.lastIndexOf('/') + 1));
  try {
    return [{ generation, holder: JSON.parse(Value) as Holder, renewedAt: LastModifiedDate?.getTime() ?? 0 }];
  } catch {
    return [];
  }
}

function isDead({ holder, renewedAt }: Lock): boolean {
  if (holder.host === hostname() && !isAlive(holder.pid)) return true;
  return Date.now() - renewedAt > staleMs;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
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
