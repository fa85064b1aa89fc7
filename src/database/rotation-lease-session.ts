import { errorCode, exitCodes, UserError } from '../errors.ts';
import { describeTarget, explainPostgresError } from './explain.ts';
import { rotationWork } from './login-sessions.ts';
import { leaseLost } from './rotation-lease.ts';
import type { ConnectionTarget } from './target.ts';
import { type Client, withClient } from './with-client.ts';

/** The backend of a run that was just killed has yet to notice. */
const patience = { looks: 20, everyMs: 100 };

/** The name of the lock is hashed: PostgreSQL's advisory locks are numbers. */
const lockSql = `hashtextextended('lambdapg:rotate:' || $1, 0)`;

/** A session that does not answer within this time is lost. */
const answerMs = 10_000;

/**
 * Holds a session's advisory lock on top of the lease: it is gone the moment its holder is, and no other run gets it while a
 * paused one comes back. Only where a session lasts: not through a transaction pooler or the runner.
 *
 * @param askEveryMs the session is asked for a sign of life: what is idle for minutes is dropped on the way (AWS: 350 s)
 * @param work gets a function that throws when the session, and so the lock, is lost
 * @throws UserError ROTATION_IN_PROGRESS (exit 75), LEASE_LOST from `verify`
 */
export async function withLeaseSession<T>(
  target: ConnectionTarget,
  id: string,
  askEveryMs: number,
  work: (verify: () => Promise<void>) => Promise<T>,
): Promise<T> {
  // An error of `work` is its own, whatever its code.
  let outcome: { readonly result: T } | { readonly error: unknown } | undefined;
  try {
    await withClient(target, { applicationName: rotationWork }, async (client) => {
      await client.query(`SET idle_session_timeout = 0`);
      await lock(client, id);
      const verify = verifier(client, id);
      const timer = setInterval(() => void verify().catch(() => {}), askEveryMs);
      timer.unref();
      outcome = await work(verify).then(
        (result) => ({ result }),
        (error: unknown) => ({ error }),
      );
      clearInterval(timer);
    });
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw explainPostgresError(error, describeTarget(target)) ?? error;
  }
  if (outcome === undefined) throw new Error('a session ended without a result');
  if ('error' in outcome) throw outcome.error;
  return outcome.result;
}

async function lock(client: Client, id: string): Promise<void> {
  for (let look = 1; ; look += 1) {
    const { rows } = await client.query<{ taken: boolean }>(
      `SELECT pg_try_advisory_lock(${lockSql}) AS taken`,
      [id],
    );
    if (rows[0]?.taken === true) return;
    if (look === patience.looks) throw await inProgress(client, id);
    await client.query('SELECT pg_sleep($1)', [patience.everyMs / 1000]);
  }
}

/** The lock lives as long as its session, so a session that answers has it. */
function verifier(client: Client, id: string): () => Promise<void> {
  // pg wants one query at a time.
  let asking: Promise<void> | undefined;
  return () => {
    asking ??= ask(client)
      .catch((error: unknown) => {
        throw leaseLost(id, error);
      })
      .finally(() => {
        asking = undefined;
      });
    return asking;
  };
}

async function ask(client: Client): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${answerMs} ms`)), answerMs);
  });
  const asked = client.query('SELECT 1');
  asked.catch(() => {});
  await Promise.race([asked, silence]).finally(() => clearTimeout(timer));
}

async function inProgress(client: Client, id: string): Promise<UserError> {
  const { rows } = await client.query<{ pid: number; user: string; address: string }>(
    `SELECT l.pid, coalesce(a.usename, '') AS user, coalesce(host(a.client_addr), 'local') AS address
       FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
      WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND ((l.classid::bigint << 32) | l.objid::bigint) = ${lockSql}`,
    [id],
  );
  const [holder] = rows;
  const who =
    holder === undefined ? 'somebody' : `"${holder.user}" from ${holder.address} (backend ${holder.pid})`;
  return new UserError('ROTATION_IN_PROGRESS', `${who} holds the lock of the rotation of ${id}`, {
    exit: exitCodes.temporary,
    suggestions: ['wait for it, then lambdapg rotate-creds --resume'],
  });
}

/** Whether there is a way for a session at all. */
export const isNoDirectRoute = (error: unknown): boolean => errorCode(error) === 'NO_DIRECT_ROUTE';
