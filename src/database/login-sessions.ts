import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '../errors.ts';
import type { Client } from './with-client.ts';

/** The names of a rotation's own connections, which are nobody's sessions: at work, and trying a login. */
export const rotationWork = 'lambdapg rotate';
export const loginTry = 'lambdapg rotate login';
const ownNames = [rotationWork, loginTry];
/** How long sessions that were told to end are waited for. Milliseconds. */
const goneMs = 2_000;

/** One session of a login name. */
export interface LoginSession {
  readonly pid: number;
  readonly user: string;
  readonly application: string;
  readonly address: string;
  readonly state: string;
  /** Milliseconds since 1970, by the database's clock. */
  readonly startedAt: number;
  readonly changedAt: number;
}

/** `hidden`: there are some, of which the admin may not see more than the name. */
export type LoginSessions =
  | { readonly hidden: false; readonly sessions: readonly LoginSession[] }
  | { readonly hidden: true };

/** The name of an application may be hidden. */
const theirs = `usename = $1 AND pid <> pg_backend_pid() AND coalesce(application_name, '') <> ALL ($2)`;

export async function listSessions(client: Client, user: string): Promise<LoginSessions> {
  const { rows } = await client.query<LoginSession & { readonly seen: boolean }>(
    `SELECT pid, usename AS user, coalesce(application_name, '') AS application,
            coalesce(host(client_addr), 'local') AS address, coalesce(state, '') AS state,
            (extract(epoch FROM backend_start) * 1000)::float8 AS "startedAt",
            (extract(epoch FROM coalesce(state_change, backend_start)) * 1000)::float8 AS "changedAt",
            backend_start IS NOT NULL AS seen
       FROM pg_stat_activity WHERE ${theirs} ORDER BY backend_start`,
    [user, ownNames],
  );
  if (rows.some(({ seen }) => !seen)) return { hidden: true };
  return { hidden: false, sessions: rows.map(({ seen: _, ...session }) => session) };
}

/** How many sessions of a login name there are on one server. */
export interface SessionCount {
  readonly all: number;
  /** Those that `endSessions` ends with `unusedMs`. */
  readonly unused: number;
}

/** Also where it may not be seen what they are. */
export async function countSessions(client: Client, user: string, unusedMs: number): Promise<SessionCount> {
  const { rows } = await client.query<SessionCount>(
    `SELECT count(*)::int AS all, (count(*) FILTER (WHERE ${isUnused}))::int AS unused
       FROM pg_stat_activity WHERE ${theirs}`,
    [user, ownNames, unusedMs],
  );
  return rows[0] ?? { all: 0, unused: 0 };
}

export interface EndedSessions {
  readonly ended: number;
  /** Those that the admin may not end, and the server's words. */
  readonly refused: number;
  readonly why?: string;
}

/**
 * Ends sessions of a login name, and waits a moment until they are gone.
 *
 * @param unusedMs only those of the connection runtime that are idle since so long; all without it
 */
export async function endSessions(client: Client, user: string, unusedMs?: number): Promise<EndedSessions> {
  const { rows } = await client.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE ${theirs} AND ($3::float8 IS NULL OR ${isUnused})`,
    [user, ownNames, unusedMs ?? null],
  );
  const signalled: number[] = [];
  for (const { pid } of rows) {
    try {
      // Looked at again, in the statement that ends it: it may have been used meanwhile.
      const { rows: done } = await client.query<{ ended: boolean }>(
        `SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity
          WHERE ${theirs} AND pid = $4 AND ($3::float8 IS NULL OR ${isUnused})`,
        [user, ownNames, unusedMs ?? null, pid],
      );
      if (done[0]?.ended === true) signalled.push(pid);
    } catch (error) {
      await untilGone(client, user, signalled);
      const ended = signalled.length;
      return { ended, refused: rows.length - ended, why: errorMessage(error) };
    }
  }
  await untilGone(client, user, signalled);
  return { ended: signalled.length, refused: 0 };
}

/** A session ends a moment after it was told to; whoever looks at once would still see it. */
async function untilGone(client: Client, user: string, pids: readonly number[]): Promise<void> {
  const deadline = Date.now() + goneMs;
  while (pids.length > 0 && Date.now() < deadline) {
    const { rows } = await client.query(
      `SELECT FROM pg_stat_activity WHERE ${theirs} AND pid = ANY ($3) LIMIT 1`,
      [user, ownNames, pids],
    );
    if (rows.length === 0) return;
    await sleep(goneMs / 100);
  }
}

/** Of the connection runtime, which asks the store before it uses a connection that old: any other client would miss it. */
const isUnused = `(state = 'idle' AND state_change < clock_timestamp() - $3 * interval '1 ms'
                   AND application_name LIKE 'lpg/%')`;

/** How many connections the server takes, and how many there are. */
export interface ConnectionRoom {
  readonly maxConnections: number;
  /** Kept free for superusers and for `pg_use_reserved_connections`; on RDS also for `rds_superuser`. */
  readonly reserved: number;
  /** Now, of all databases and users. */
  readonly used: number;
  /** `CONNECTION LIMIT` of the database, if it has one, and how many it has now. */
  readonly database?: { readonly limit: number; readonly used: number };
  /** `CONNECTION LIMIT` of the users that were asked for and have one. */
  readonly users: Readonly<Record<string, { readonly limit: number; readonly used: number }>>;
}

export async function readRoom(client: Client, users: readonly string[]): Promise<ConnectionRoom> {
  const { rows } = await client.query<{
    max: number;
    reserved: number;
    used: number;
    databaseLimit: number;
    databaseUsed: number;
  }>(
    `WITH taken AS (
       -- What a session is may be hidden; what has a database and a user then counts as a client's.
       SELECT datname FROM pg_stat_activity
        WHERE backend_type = 'client backend' OR (backend_type IS NULL AND usesysid IS NOT NULL AND datid IS NOT NULL))
     SELECT current_setting('max_connections')::int AS max,
            current_setting('superuser_reserved_connections')::int
              + coalesce(current_setting('reserved_connections', true)::int, 0)
              + coalesce(current_setting('rds.rds_superuser_reserved_connections', true)::int, 0) AS reserved,
            (SELECT count(*) FROM taken)::int AS used,
            (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS "databaseLimit",
            (SELECT count(*) FROM taken WHERE datname = current_database())::int AS "databaseUsed"`,
  );
  const [room] = rows;
  if (room === undefined) throw new Error('a SELECT without FROM gave no row');
  const { max, reserved, used, databaseLimit, databaseUsed } = room;
  const { rows: limits } = await client.query<{ user: string; limit: number; used: number }>(
    `SELECT rolname AS user, rolconnlimit AS limit,
            (SELECT count(*) FROM pg_stat_activity WHERE usename = rolname)::int AS used
       FROM pg_roles WHERE rolname = ANY ($1) AND rolconnlimit >= 0`,
    [users],
  );
  return {
    maxConnections: max,
    reserved,
    used,
    ...(databaseLimit >= 0 && { database: { limit: databaseLimit, used: databaseUsed } }),
    users: Object.fromEntries(limits.map(({ user, limit, used: taken }) => [user, { limit, used: taken }])),
  };
}
