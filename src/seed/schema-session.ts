import type { Context } from '../context.ts';
import { describeTarget, explainPostgresError } from '../database/explain.ts';
import { quoteIdentifier } from '../database/identifier.ts';
import type { ConnectionTarget } from '../database/target.ts';
import { type Client, withClient } from '../database/with-client.ts';
import { UserError } from '../errors.ts';
import { cancelOnAbort } from './cancel-on-abort.ts';
import { isPostgresError } from './explain-statement.ts';
import { waitForSchemaLock } from './schema-lock.ts';
import { type Blocker, watchBlockers } from './watch-blockers.ts';

/** A database and the roles that change it. */
export interface SchemaTarget {
  readonly admin: ConnectionTarget;
  /** Taken with SET ROLE after the admin's login, so that it owns whatever is made. */
  readonly ownerRole?: string;
}

export interface SchemaSession {
  readonly client: Client;
  readonly ownerRole: string | undefined;
  readonly lockTimeoutMs: number;
  /** Runs `work` and notes who blocks its statement; see `blockers`. */
  watch<T>(work: () => Promise<T>): Promise<T>;
  /** Who blocked the last watched statement when it was last looked at. */
  blockers(): readonly Blocker[];
  /** Forgets what a file may have set (role, search_path, temporary tables) and sets our own limits again. */
  reset(): Promise<void>;
}

export interface SchemaSessionOptions {
  /** In `application_name`, so that a waiting or blocked person sees who it is. */
  readonly purpose: 'migrate' | 'seed';
  /** False for a dry run, which waits for nobody. */
  readonly lock: boolean;
  readonly lockTimeoutMs: number;
}

/**
 * How long a statement waits for a table lock: ALTER TABLE that waits lets every later query on that table queue
 * up behind it, so waiting long for one forgotten transaction is an outage. Five seconds is shorter than the API
 * Gateway and usual Lambda timeouts.
 */
export const defaultLockTimeoutMs = 5_000;

/**
 * Lends one connection as the owner role, under the lock that lets one `migrate` or `seed` at a time change a
 * database. Ctrl-C cancels the running statement.
 *
 * @throws the signal's reason when it was aborted; UserError DATABASE_… for a connection that fails or breaks,
 *   SCHEMA_REFUSED for what the server refuses and `work` has not explained
 */
export async function withSchemaSession<T>(
  context: Context,
  target: SchemaTarget,
  options: SchemaSessionOptions,
  work: (session: SchemaSession) => Promise<T>,
): Promise<T> {
  context.signal.throwIfAborted();
  try {
    return await withClient(target.admin, { applicationName: `lambdapg ${options.purpose}` }, (client) =>
      cancelOnAbort(context, target.admin, client, (pid) =>
        useSession(context, createSession(context, target, options, client, pid), options, work),
      ),
    );
  } catch (error) {
    if (error instanceof UserError || context.signal.aborted) throw error;
    throw explainSessionError(error, describeTarget(target.admin));
  }
}

async function useSession<T>(
  context: Context,
  session: SchemaSession,
  options: SchemaSessionOptions,
  work: (session: SchemaSession) => Promise<T>,
): Promise<T> {
  const notices = reportNotices(context, session.client);
  try {
    await session.reset();
    if (options.lock) await waitForSchemaLock(context, session.client);
    return await work(session);
  } finally {
    session.client.off('notice', notices);
  }
}

function explainSessionError(error: unknown, where: string): unknown {
  const explained = explainPostgresError(error, where);
  if (explained !== undefined || !isPostgresError(error)) return explained ?? error;
  return new UserError('SCHEMA_REFUSED', `${where}: ${error.message} (${error.code})`, {
    suggestions: error.hint === undefined ? [] : [error.hint],
    cause: error,
  });
}

function createSession(
  context: Context,
  target: SchemaTarget,
  options: SchemaSessionOptions,
  client: Client,
  pid: number,
): SchemaSession {
  let blockers: readonly Blocker[] = [];
  return {
    client,
    lockTimeoutMs: options.lockTimeoutMs,
    ownerRole: target.ownerRole,
    blockers: () => blockers,
    async watch(statement) {
      context.signal.throwIfAborted();
      blockers = [];
      const watcher = watchBlockers(context, target.admin, pid, Math.min(1_000, options.lockTimeoutMs / 4));
      try {
        return await statement();
      } finally {
        blockers = await watcher.stop();
      }
    },
    async reset() {
      // DISCARD ALL would also give up the advisory lock.
      await client.query(
        'SET SESSION AUTHORIZATION DEFAULT; RESET ALL; DISCARD TEMP; UNLISTEN *; DEALLOCATE ALL',
      );
      await client.query(
        `SET lock_timeout = ${options.lockTimeoutMs}; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0`,
      );
      await takeOwnerRole(client, target.ownerRole);
    },
  };
}

/** What is made from here on belongs to the owner role. */
export async function takeOwnerRole(client: Client, ownerRole: string | undefined): Promise<void> {
  if (ownerRole !== undefined) await client.query(`SET ROLE ${quoteIdentifier(ownerRole)}`);
}

function reportNotices(context: Context, client: Client) {
  const onNotice = (notice: { message?: string | undefined; severity?: string | undefined }): void => {
    const severity = notice.severity?.toLowerCase() ?? 'notice';
    context.report({ type: 'postgres-notice', severity, message: `${severity}: ${notice.message ?? ''}` });
  };
  client.on('notice', onNotice);
  return onNotice;
}
