import { randomBytes } from 'node:crypto';
import type { Context } from '../context.ts';
import type { PasswordChange } from '../database/change-password.ts';
import type { MissingRight } from '../database/change-password-rights.ts';
import type { ConnectionRoom } from '../database/login-sessions.ts';
import type { OpenDatabase } from '../database/open-database.ts';
import type { Lease } from '../database/rotation-lease.ts';
import { isNoDirectRoute, withLeaseSession } from '../database/rotation-lease-session.ts';
import { scramVerifier } from '../database/scram.ts';
import type { ConnectionTarget } from '../database/target.ts';
import { exitCodes, UserError } from '../errors.ts';
import { rotationLeaseJob } from '../jobs/rotation-lease-job.ts';
import { rotationLoginJob } from '../jobs/rotation-login-job.ts';
import { rotationRoleJob } from '../jobs/rotation-role-job.ts';
import { rotationRightsJob, rotationRoomJob } from '../jobs/rotation-room-job.ts';
import { rotationSessionsJob } from '../jobs/rotation-sessions-job.ts';
import { Secret } from '../secret.ts';
import { type LeaseTimes, usualTimes, withRowLease } from './database-lease.ts';
import { countSessionsOf, endSessionsOf, listSessionsOf } from './database-sessions.ts';
import { inTurns } from './database-turns.ts';
import type { EndpointLogin } from './observation.ts';
import type { RotationDatabase, StoredLogin } from './parts.ts';

/** A place where the application may log in. */
export interface Endpoint {
  /** For people: `writer shop-dev-db.….rds.amazonaws.com:5432`. */
  readonly title: string;
  readonly target: Omit<ConnectionTarget, 'user' | 'password'>;
}

export interface RotationDatabaseOptions {
  /** `shop-dev`: names the lease. */
  readonly id: string;
  /** The writer and each reader, by their own addresses. */
  readonly endpoints: readonly Endpoint[];
  readonly proxyEndpoints: readonly Endpoint[];
  /** The role that a login acts as by its settings; any without it. */
  readonly expectedRole?: string | ((user: string) => string | undefined);
  /** For each login; through a proxy for each of login and query. Milliseconds, 5000 unless told. */
  readonly loginTimeoutMs?: number;
  readonly times?: Partial<LeaseTimes>;
}

export interface OpenRotationDatabase extends RotationDatabase {
  /**
   * Lends `work` the right to change logins: effects outside it are a bug.
   *
   * @throws UserError ROTATION_IN_PROGRESS (exit 75), LEASE_FORBIDDEN
   */
  withLease<T>(work: () => Promise<T>): Promise<T>;
  /** For the headroom: connections there are, and there are room for. */
  connectionRoom(users?: readonly string[]): Promise<ConnectionRoom>;
  /**
   * @returns rights without which sessions are not seen or not ended
   * @throws UserError ROLE_MISSING, ROLE_FORBIDDEN with the exact GRANT
   */
  verifyMayAlter(users: readonly string[]): Promise<readonly MissingRight[]>;
}

/** Held while a rotation runs. */
interface Held {
  readonly lease: Lease;
  /** @throws UserError LEASE_LOST when the session of the advisory lock is gone */
  verify(): Promise<void>;
}

/** The database of a rotation, by whatever route it is reached; every effect is one job under the lease. */
export function openRotationDatabase(
  context: Context,
  opened: OpenDatabase,
  options: RotationDatabaseOptions,
): OpenRotationDatabase {
  const open = inTurns(opened);
  const { id, endpoints, proxyEndpoints, expectedRole, loginTimeoutMs = 5_000 } = options;
  const times = { ...usualTimes, ...options.times };
  const roleOf = (user: string) => (typeof expectedRole === 'function' ? expectedRole(user) : expectedRole);
  let admin = open.admin;
  let held: Held | undefined;
  const logInAt = (places: readonly Endpoint[], login: StoredLogin) =>
    Promise.all(places.map((place) => logIn(open, place, login, roleOf(login.user), loginTimeoutMs)));
  const change = async (user: string, to: PasswordChange): Promise<void> => {
    if (held === undefined) throw new Error('a login is changed without the lease');
    await held.verify();
    const { lease } = held;
    await open.run(rotationRoleJob, admin, { user, change: to, lease, leaseMs: times.leaseMs });
  };
  /** The admin at each server: sessions are listed by the one that has them. */
  const servers = (): ConnectionTarget[] => [
    admin,
    ...endpoints
      .map(({ target }) => ({ ...target, user: admin.user, password: admin.password }))
      .filter(({ host, port }) => host !== admin.host || port !== admin.port),
  ];
  let isHiddenSaid = false;
  const sayHidden = (why: string): void => {
    if (isHiddenSaid) return;
    isHiddenSaid = true;
    const message = `who is still connected with the old login cannot be seen: ${why}`;
    context.report({ type: 'sessions-hidden', message });
  };
  const verifyLease = async (): Promise<void> => {
    if (held === undefined) throw new Error('a rotation goes on without the lease');
    await held.verify();
    await open.run(rotationLeaseJob, admin, { do: 'renew', lease: held.lease, leaseMs: times.leaseMs });
  };
  return {
    verifyLease,
    logins: (login) => logInAt(endpoints, login),
    proxyLogins: (login) => logInAt(proxyEndpoints, login),
    async setPassword({ user, password }) {
      await change(user, { to: 'verifier', verifier: verifierOf(user, password) });
      if (user === admin.user) admin = { ...admin, password };
    },
    retire: (user, how) =>
      change(user, how === 'nologin' ? { to: 'nologin' } : { to: 'verifier', verifier: lostVerifier() }),
    async countSessions(user, unusedMs) {
      if (proxyEndpoints.length > 0) return undefined;
      return countSessionsOf(open, servers(), user, unusedMs, sayHidden);
    },
    async endSessions(user, unusedMs) {
      await verifyLease();
      return endSessionsOf(context, open, servers(), user, unusedMs);
    },
    async sessions(user) {
      if (proxyEndpoints.length > 0) return undefined;
      return listSessionsOf(open, servers(), user, sayHidden);
    },
    async now() {
      return (await open.run(rotationSessionsJob, admin, { user: admin.user })).now;
    },
    connectionRoom: (users = []) => open.run(rotationRoomJob, admin, { users }),
    async verifyMayAlter(users) {
      return (await open.run(rotationRightsJob, admin, { users })).missing;
    },
    withLease: (work) =>
      withRowLease(context, { open, admin: () => admin, id, times }, (lease) =>
        withSession(open, admin, id, times, async (verify) => {
          held = { lease, verify };
          try {
            return await work();
          } finally {
            held = undefined;
          }
        }),
      ),
  };
}

/** A failing way there says nothing about the password. */
async function logIn(
  open: OpenDatabase,
  { title, target }: Endpoint,
  { user, password }: StoredLogin,
  expectedRole: string | undefined,
  timeoutMs: number,
): Promise<EndpointLogin> {
  const input = { timeoutMs, ...(expectedRole !== undefined && { expectedRole }) };
  try {
    return { endpoint: title, ...(await open.run(rotationLoginJob, { ...target, user, password }, input)) };
  } catch (error) {
    if (!(error instanceof UserError) || error.exit !== exitCodes.temporary) throw error;
    return { endpoint: title, login: 'unknown', why: error.message };
  }
}

/** @throws UserError PASSWORD_NOT_ASCII */
function verifierOf(user: string, password: Secret): Secret {
  try {
    return new Secret(scramVerifier(password));
  } catch (cause) {
    throw new UserError('PASSWORD_NOT_ASCII', `the stored password of "${user}" is not printable ASCII`, {
      suggestions: ['store one of letters and digits, or let lambdapg rotate-creds make a new one'],
      cause,
    });
  }
}

/** Of a password that nobody has. */
function lostVerifier(): Secret {
  return new Secret(scramVerifier(new Secret(randomBytes(32).toString('base64url'))));
}

/** With an advisory lock on top of the lease where a session lasts. */
async function withSession<T>(
  open: OpenDatabase,
  admin: ConnectionTarget,
  id: string,
  { renewEveryMs }: LeaseTimes,
  work: (verify: () => Promise<void>) => Promise<T>,
): Promise<T> {
  let target: ConnectionTarget;
  try {
    target = await open.dial(admin);
  } catch (error) {
    if (!isNoDirectRoute(error)) throw error;
    return work(async () => {});
  }
  return withLeaseSession(target, id, renewEveryMs, work);
}
