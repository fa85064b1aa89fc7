import { drainMsOf } from './decide/decide-retire.ts';
import type { Wish } from './decide/decision.ts';
import { type LeftBehind, loginOf, type Observation } from './observation.ts';
import type { RotationParts } from './parts.ts';
import type { Remembered } from './remembered.ts';

/** Our own logins come and go as the outgoing role, too. */
const isOwn = (application: string): boolean => application.startsWith('lambdapg');

/** Sessions of a login out of use that were opened when nobody should have had it any more. */
export async function withSessions(
  { database }: RotationParts,
  observation: Observation,
  remembered: Remembered,
  wish: Pick<Wish, 'drainMs'>,
): Promise<Observation> {
  const { current, previous, pending, unlabelled = [], shiftedAt, now } = observation;
  const outOfUse = [previous, pending, ...unlabelled];
  const users = new Set(outOfUse.flatMap((version) => version?.user ?? []));
  users.delete(current?.user ?? '');
  if (shiftedAt === undefined || users.size === 0) return observation;
  const drainMs = drainMsOf(observation, wish);
  if (now < shiftedAt + drainMs) return { ...observation, lateSessions: [] };
  const [theirNow, ...sessions] = await Promise.all([
    database.now(),
    ...[...users].map((user) => database.sessions(user)),
  ]);
  const visible = sessions.filter((seen) => seen !== undefined);
  if (visible.length < sessions.length) return observation;
  const lateFrom = shiftedAt + drainMs + (theirNow - now);
  const late = visible
    .flat()
    .filter(({ startedAt, application }) => startedAt > lateFrom && !isOwn(application));
  return { ...observation, lateSessions: remembered.lateSessions(late, theirNow - drainMs) };
}

/** Sessions of roles out of use whose every stored login is dead: the next one of a slot may be alive already. */
export async function withLeftBehind(
  { database }: RotationParts,
  observation: Observation,
  remembered: Remembered,
  { terminate = 'none', ...wish }: Pick<Wish, 'drainMs'> & Partial<Pick<Wish, 'terminate'>>,
): Promise<Observation> {
  const users = deadUsers(observation).filter((user) => !remembered.hasEndedSessions(user));
  if (terminate === 'none' || users.length === 0) return observation;
  const unusedMs = drainMsOf(observation, wish);
  const counted = await Promise.all(
    users.map(async (user): Promise<LeftBehind> => {
      const { all = 0, unused = 0 } = (await database.countSessions(user, unusedMs)) ?? {};
      return { user, all, unused };
    }),
  );
  const leftBehind = counted.filter(({ all }) => all > 0);
  return leftBehind.length === 0 ? observation : { ...observation, leftBehind };
}

/** Roles out of use of which no stored login works. */
export function deadUsers({
  current,
  previous,
  pending,
  unlabelled = [],
}: Pick<Observation, 'current' | 'previous' | 'pending' | 'unlabelled'>): readonly string[] {
  const stored = [previous, pending, ...unlabelled].filter((version) => version !== undefined);
  const users = new Set(stored.map(({ user }) => user));
  users.delete(current?.user ?? '');
  return [...users].filter((user) =>
    stored.every((version) => version.user !== user || loginOf(version) === 'bad'),
  );
}
