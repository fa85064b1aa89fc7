import type { Context } from '../context.ts';
import { quoteIdentifier } from '../database/identifier.ts';
import type { SessionCount } from '../database/login-sessions.ts';
import type { OpenDatabase } from '../database/open-database.ts';
import type { ConnectionTarget } from '../database/target.ts';
import { exitCodes, UserError } from '../errors.ts';
import { rotationSessionsJob } from '../jobs/rotation-sessions-job.ts';
import type { SessionSeen } from './observation.ts';

/**
 * Sessions of a login name on all servers: each lists its own.
 *
 * @param servers the admin at each
 * @returns undefined where they cannot be seen, which is said once
 * @throws UserError exit 75 when a server does not answer just now
 */
export async function listSessionsOf(
  open: OpenDatabase,
  servers: readonly ConnectionTarget[],
  user: string,
  sayHidden: (why: string) => void,
): Promise<readonly SessionSeen[] | undefined> {
  const all = await Promise.all(servers.map((server) => listAt(open, server, user)));
  const hidden = all.find((seen) => typeof seen === 'string');
  if (hidden !== undefined) {
    sayHidden(hidden);
    return undefined;
  }
  return withoutRepetitions(all.flatMap((seen) => (typeof seen === 'string' ? [] : seen)));
}

/**
 * How many sessions of a login name there are on all servers. One that answers by two names counts twice.
 *
 * Where they cannot be counted none is, which is said once.
 *
 * @throws UserError exit 75 when a server does not answer just now
 */
export async function countSessionsOf(
  open: OpenDatabase,
  servers: readonly ConnectionTarget[],
  user: string,
  unusedMs: number,
  sayHidden: (why: string) => void,
): Promise<SessionCount> {
  const counts = await Promise.all(
    servers.map(async (server) => {
      try {
        return (await open.run(rotationSessionsJob, server, { user, count: { unusedMs } })).counted;
      } catch (error) {
        if (!(error instanceof UserError) || error.exit === exitCodes.temporary) throw error;
        sayHidden(error.message);
        return undefined;
      }
    }),
  );
  const sum = (of: keyof SessionCount) => counts.reduce((total, counted) => total + (counted?.[of] ?? 0), 0);
  return { all: sum('all'), unused: sum('unused') };
}

/** Or why they are hidden. */
async function listAt(
  open: OpenDatabase,
  server: ConnectionTarget,
  user: string,
): Promise<readonly SessionSeen[] | string> {
  try {
    const { seen } = await open.run(rotationSessionsJob, server, { user });
    if (seen?.hidden === false) return seen.sessions;
    return `GRANT pg_read_all_stats TO ${quoteIdentifier(server.user)} shows them`;
  } catch (error) {
    if (!(error instanceof UserError) || error.exit === exitCodes.temporary) throw error;
    return error.message;
  }
}

/**
 * Ends sessions of a login name on all servers. What cannot be ended is told: the login is retired all the same.
 *
 * @param unusedMs only those that are idle since so long; all without it
 * @returns how many were ended
 */
export async function endSessionsOf(
  context: Context,
  open: OpenDatabase,
  servers: readonly ConnectionTarget[],
  user: string,
  unusedMs: number | undefined,
): Promise<number> {
  const end = unusedMs === undefined ? {} : { unusedMs };
  const all = await Promise.all(
    servers.map(async (server) => {
      const place = `${server.host}:${server.port}`;
      try {
        const { ended } = await open.run(rotationSessionsJob, server, { user, end });
        if (ended !== undefined && ended.refused > 0) {
          const grant = `GRANT pg_signal_backend TO ${quoteIdentifier(server.user)} lets it end them`;
          sayLeft(context, user, `${ended.refused} on ${place} (${ended.why}); ${grant}`);
        }
        return ended?.ended ?? 0;
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        sayLeft(context, user, `those on ${place} (${error.message})`);
        return 0;
      }
    }),
  );
  return all.reduce((total, ended) => total + ended, 0);
}

function sayLeft({ report }: Context, user: string, which: string): void {
  const message = `sessions of "${user}" stay until they end by themselves: ${which}`;
  report({ type: 'sessions-left', user, message });
}

/** A cluster's endpoint and the instance behind it list the same sessions. */
function withoutRepetitions(sessions: readonly SessionSeen[]): SessionSeen[] {
  const keyOf = ({ pid, startedAt, address }: SessionSeen) => `${pid} ${startedAt} ${address}`;
  return [...new Map(sessions.map((session) => [keyOf(session), session])).values()];
}
