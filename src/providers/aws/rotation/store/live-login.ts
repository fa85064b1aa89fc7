import { rotationLoginJob } from '../../../../jobs/rotation-login-job.ts';
import type { CredentialStore } from '../../../../rotation/parts.ts';
import type { OpenWorld } from '../../open-world.ts';
import type { StageDatabase } from '../../routes/stage-database.ts';

const timeoutMs = 5_000;

/**
 * The database with the login that works. Outside AWS there is one for everything, so what is rotated is the admin's own: when a
 * run ended between the database's change and the store's, that is the pending value, and only it can finish.
 */
export async function withLiveLogin(
  world: OpenWorld,
  database: StageDatabase,
  store: CredentialStore,
): Promise<StageDatabase> {
  // What is wrong with a value is explained by `verifySecret`.
  const seen = await store.read().catch(() => undefined);
  const pending = seen?.pending?.login;
  if (pending === undefined || pending.user !== database.admin.user) return database;
  const { password } = pending;
  const next = { ...database.admin, password };
  const { login } = await world.openRoutes(database).run(rotationLoginJob, next, { timeoutMs });
  return login === 'ok' ? { ...database, admin: next, app: { ...database.app, password } } : database;
}
