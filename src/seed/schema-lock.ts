import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from '../context.ts';
import type { Client } from '../database/with-client.ts';

/** "lpg!" in ASCII, and 1: advisory locks have numbers for names, per database. */
const lockClass = 0x6c706721;
const lockObject = 1;

const pollMs = 250;

const holderSql = `
  SELECT l.pid, coalesce(a.application_name, '') AS application, coalesce(a.usename, '') AS "user",
         coalesce(host(a.client_addr), 'local') AS address
    FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
   WHERE l.locktype = 'advisory' AND l.granted AND l.classid = ${lockClass} AND l.objid = ${lockObject}
     AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/**
 * Takes the advisory lock under which a database's schema and seeds are changed; the session holds it to its end.
 * Asks again and again instead of waiting inside one statement: `CREATE INDEX CONCURRENTLY` in the session that
 * holds the lock waits for every running statement's snapshot, and the two would wait for each other.
 *
 * @throws the signal's reason when aborted while waiting
 */
export async function waitForSchemaLock(context: Context, client: Client): Promise<void> {
  let announced: number | undefined;
  for (;;) {
    const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS taken', [
      lockClass,
      lockObject,
    ]);
    if (rows[0]?.taken === true) return;
    announced = await announceHolder(context, client, announced);
    await sleep(pollMs, undefined, { signal: context.signal });
  }
}

async function announceHolder(context: Context, client: Client, announced: number | undefined) {
  const holder = (
    await client.query<{ pid: number; application: string; user: string; address: string }>(holderSql)
  ).rows[0];
  if (holder === undefined || holder.pid === announced) return announced;
  const who = `"${holder.application}" (pid ${holder.pid}, ${holder.user}, from ${holder.address})`;
  context.report({
    type: 'schema-lock-waiting',
    holder,
    message: `waits for ${who}, which is changing this database`,
  });
  return holder.pid;
}
