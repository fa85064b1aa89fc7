import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConnectionTarget } from '../../../../../src/database/target.ts';
import type { OpenWorld } from '../../../../../src/providers/aws/open-world.ts';
import { withLiveLogin } from '../../../../../src/providers/aws/rotation/store/live-login.ts';
import type { StageDatabase } from '../../../../../src/providers/aws/routes/stage-database.ts';
import type { CredentialStore, StoreSeen } from '../../../../../src/rotation/parts.ts';
import { Secret } from '../../../../../src/secret.ts';
import { openTarget, startServer, type TestServer } from '../../../../rotation/database-bed.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.cleanUp());

/** Only what is asked for. */
const world = {
  openRoutes: ({ admin, app }: StageDatabase) => openTarget(admin, app),
} as unknown as OpenWorld;

const wrong = new Secret('not-this-0ne');

/** One role does everything; its working password is the server's own admin's. */
function databaseWith(password: ConnectionTarget['password']): StageDatabase {
  const login = { ...server.local.admin, password };
  return {
    ...{ admin: login, app: login, publiclyAccessible: true, isOutside: true },
    ...{ runnerName: 'shop-dev-runner', title: 'elsewhere' },
  };
}

function storeOf(pending?: { readonly user: string; readonly password: Secret }): CredentialStore {
  const seen: StoreSeen = {
    pendingIsCurrent: false,
    ...(pending !== undefined && { pending: { versionId: 'next', login: pending } }),
  };
  return { title: 'a secret', read: async () => seen } as CredentialStore;
}

function right(): { readonly user: string; readonly password: Secret } {
  const { user, password } = server.local.admin;
  if (typeof password === 'function') throw new Error('the admin of the bed has a password');
  return { user, password };
}

test('when the database has the next password already, it is the one that finishes', async () => {
  const { admin, app } = await withLiveLogin(world, databaseWith(wrong), storeOf(right()));
  // The very objects: two secrets look alike to `toEqual`.
  expect(admin.password).toBe(right().password);
  expect(app.password).toBe(right().password);
});

test('a pending value that does not log in yet, another role, or none: the current one stays', async () => {
  const database = databaseWith(right().password);
  const { user } = right();
  for (const pending of [{ user, password: wrong }, { ...right(), user: 'another' }, undefined])
    expect(await withLiveLogin(world, database, storeOf(pending))).toBe(database);
});

test('a store that cannot be read is explained elsewhere', async () => {
  const database = databaseWith(wrong);
  const store = { ...storeOf(), read: async () => Promise.reject(new Error('unreadable')) };
  expect(await withLiveLogin(world, database, store)).toBe(database);
});
