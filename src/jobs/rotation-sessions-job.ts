import {
  countSessions,
  type EndedSessions,
  endSessions,
  type LoginSessions,
  listSessions,
  type SessionCount,
} from '../database/login-sessions.ts';
import type { Job } from '../database/route.ts';
import { withRotationClient } from './rotation-connection.ts';

export interface RotationSessionsInput {
  readonly user: string;
  /** Counts them instead of listing them. */
  readonly count?: { readonly unusedMs: number };
  /** Ends them: those that are idle since `unusedMs`, all without it. */
  readonly end?: { readonly unusedMs?: number };
}

export interface RotationSessionsOutput {
  readonly seen?: LoginSessions;
  readonly counted?: SessionCount;
  readonly ended?: EndedSessions;
  /** Milliseconds since 1970, by the clock of that server. */
  readonly now: number;
}

/** Lists, counts or ends the sessions of a login name on one server: each reader has its own. */
export const rotationSessionsJob: Job<RotationSessionsInput, RotationSessionsOutput> = {
  name: 'rotation-sessions',
  work: (_context, target, { user, count, end }) =>
    withRotationClient(target, async (client) => {
      const { rows } = await client.query<{ now: number }>(
        'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now',
      );
      const now = rows[0]?.now ?? 0;
      if (end !== undefined) return { now, ended: await endSessions(client, user, end.unusedMs) };
      if (count !== undefined) return { now, counted: await countSessions(client, user, count.unusedMs) };
      return { now, seen: await listSessions(client, user) };
    }),
};
