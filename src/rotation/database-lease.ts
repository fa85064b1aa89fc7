import { randomBytes } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../context.ts';
import type { OpenDatabase } from '../database/open-database.ts';
import type { HeldLease, Lease, LeaseHolder } from '../database/rotation-lease.ts';
import type { ConnectionTarget } from '../database/target.ts';
import { exitCodes, UserError } from '../errors.ts';
import { rotationLeaseJob } from '../jobs/rotation-lease-job.ts';
import { isAlive, thisMachine } from '../this-machine.ts';

export interface LeaseTimes {
  readonly leaseMs: number;
  readonly renewEveryMs: number;
  /** How long another run is waited for. */
  readonly patienceMs: number;
}

export const usualTimes: LeaseTimes = { leaseMs: 60_000, renewEveryMs: 20_000, patienceMs: 0 };
const lookEveryMs = 500;

export interface LeaseOf {
  readonly open: OpenDatabase;
  /** Asked each time: its password may be the one that is changed. */
  readonly admin: () => ConnectionTarget;
  /** `shop-dev`. */
  readonly id: string;
  readonly times: LeaseTimes;
}

/**
 * Lends `work` the lease of a rotation, renews it, and gives it back whatever happens. A run of this computer whose process is
 * gone is dead at once, any other when its lease has ended.
 *
 * @throws UserError ROTATION_IN_PROGRESS (exit 75) naming who rotates; LEASE_FORBIDDEN; the signal's reason
 */
export async function withRowLease<T>(
  context: Context,
  of: LeaseOf,
  work: (lease: Lease) => Promise<T>,
): Promise<T> {
  const lease = await take(context, of);
  const { open, admin, times } = of;
  // One that fails is made up by the next; without three in a row the lease ends, and the next effect says whether it is lost.
  const renew = () => open.run(rotationLeaseJob, admin(), { do: 'renew', lease, leaseMs: times.leaseMs });
  const timer = setInterval(() => void renew().catch(() => {}), times.renewEveryMs);
  timer.unref();
  try {
    return await work(lease);
  } finally {
    clearInterval(timer);
    // Not given back it ends by itself; a dead process's is free at once.
    await open.run(rotationLeaseJob, admin(), { do: 'release', lease }).catch(() => {});
  }
}

async function take(context: Context, { open, admin, id, times }: LeaseOf): Promise<Lease> {
  const holder = describeHolder(context);
  const startedMs = performance.now();
  let insteadOf: number | undefined;
  for (;;) {
    context.signal.throwIfAborted();
    const wish = { id, holder, leaseMs: times.leaseMs, ...(insteadOf !== undefined && { insteadOf }) };
    const { ownerRole } = open;
    const { lease, held } = await open.run(rotationLeaseJob, admin(), {
      do: 'take',
      wish,
      ...(ownerRole !== undefined && { ownerRole }),
    });
    if (lease !== undefined) return lease;
    if (held === undefined) throw new Error(`the lease of ${id} is neither free nor held`);
    const isDead = held.holder.machine === holder.machine && !isAlive(held.holder.pid);
    if (isDead && insteadOf !== held.fence) {
      insteadOf = held.fence;
      continue;
    }
    if (performance.now() - startedMs >= times.patienceMs) throw inProgress(id, held);
    reportWaiting(context, held);
    await sleep(lookEveryMs, undefined, { signal: context.signal }).catch(() => {});
  }
}

function describeHolder({ env }: Context): LeaseHolder {
  const run = randomBytes(8).toString('hex');
  return { run, user: userName(), host: hostname(), machine: thisMachine(env), pid: process.pid };
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'somebody';
  }
}

const nameOf = ({ holder: { user, host, pid } }: HeldLease): string => `${user} on ${host} (process ${pid})`;

function reportWaiting({ report }: Context, held: HeldLease): void {
  const { user, host, pid } = held.holder;
  report({ type: 'lease-waiting', user, host, pid, message: `waits for the rotation by ${nameOf(held)}` });
}

function inProgress(id: string, held: HeldLease): UserError {
  const since = new Date(held.since).toISOString();
  const seconds = Math.max(1, Math.ceil(held.leftMs / 1000));
  return new UserError('ROTATION_IN_PROGRESS', `${nameOf(held)} is rotating ${id} since ${since}`, {
    exit: exitCodes.temporary,
    suggestions: [
      `wait for it; if it is dead, its lease ends in ${seconds} s`,
      'then lambdapg rotate-creds --resume',
    ],
  });
}
