import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loginTry } from '../../src/database/login-sessions.ts';
import { withClient } from '../../src/database/with-client.ts';
import type { StoredLogin } from '../../src/rotation/parts.ts';
import { Secret } from '../../src/secret.ts';
import {
  failureOf,
  makeLogin,
  openRotation,
  sql,
  startServer,
  type TestServer,
  writerOf,
} from './database-bed.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.cleanUp());

const options = { applicationName: 'library' };
const newLogin = (user: string): StoredLogin => ({
  user,
  password: new Secret(randomBytes(32).toString('base64url')),
});
const slotA = (): StoredLogin => {
  const { user, password } = server.local.slots.a;
  if (typeof password === 'function') throw new Error('a slot of the bed has a password');
  return { user, password };
};

test('a stored login is tried at every endpoint, and what cannot be told is unknown', async () => {
  const writer = writerOf(server);
  const nobody = { title: 'reader nowhere', target: { ...writer.target, port: 1 } };
  const other = { title: 'writer elsewhere', target: { ...writer.target, database: 'missing' } };
  const rotation = openRotation(server, { endpoints: [writer, nobody, other] });
  expect(await rotation.logins(slotA())).toEqual([
    { endpoint: writer.title, login: 'ok' },
    { endpoint: 'reader nowhere', login: 'unknown', why: expect.stringContaining('ECONNREFUSED') },
    { endpoint: 'writer elsewhere', login: 'unknown', why: expect.stringContaining('3D000') },
  ]);
  const [bad] = await rotation.logins({ ...slotA(), password: new Secret('wrong') });
  expect(bad).toMatchObject({ login: 'bad', why: expect.stringContaining('28P01') });
});

test('a login that acts as another role is not taken for good', async () => {
  const [seen] = await openRotation(server, { expectedRole: 'library_owner' }).logins(slotA());
  expect(seen).toMatchObject({
    login: 'unknown',
    why: '"library_a" logs in and acts as "library_app" instead of "library_owner"',
  });
});

test('a slot gets its password and may log in again; retired by NOLOGIN or by a password that nobody has, it may not', async () => {
  const rotation = openRotation(server);
  const login = newLogin('library_b');
  await rotation.withLease(async () => {
    await sql(server.local.admin, `ALTER ROLE library_b NOLOGIN VALID UNTIL '2020-01-01'`);
    await rotation.setPassword(login);
    expect(await rotation.logins(login)).toMatchObject([{ login: 'ok' }]);
    await rotation.retire('library_b', 'nologin');
    expect(await rotation.logins(login)).toMatchObject([
      { login: 'bad', why: expect.stringContaining('not permitted to log in') },
    ]);
    await rotation.setPassword(login);
    await rotation.retire('library_b', 'scramble');
    expect(await rotation.logins(login)).toMatchObject([
      { login: 'bad', why: expect.stringContaining('28P01') },
    ]);
  });
});

test('beside the session of the lease it takes one connection of a server at a time', async () => {
  const rotation = openRotation(server);
  await sql(server.local.admin, 'ALTER ROLE library_a CONNECTION LIMIT 1');
  await rotation.withLease(async () => {
    const looks = Array.from({ length: 5 }, () => rotation.logins(slotA()));
    for (const look of await Promise.all(looks)) expect(look).toMatchObject([{ login: 'ok' }]);
  });
  await sql(server.local.admin, 'ALTER ROLE library_a CONNECTION LIMIT -1');
});

test('outside the lease nothing is changed', async () => {
  await expect(openRotation(server).setPassword(newLogin('library_b'))).rejects.toThrow('without the lease');
});

test('sessions of a login are listed with who has them, without the rotation’s own; ended are those of the connection runtime that nobody uses', async () => {
  const rotation = openRotation(server);
  const login = newLogin('library_b');
  const target = { ...server.local.slots.b, password: login.password };
  await rotation.withLease(async () => {
    await rotation.setPassword(login);
    const before = await rotation.now();
    const module = { applicationName: 'lpg/orders/1/0a1b2c3d' };
    await withClient(target, module, (idle) =>
      withClient(target, options, async (busy) => {
        await busy.query('SELECT 1');
        const list = () => rotation.sessions('library_b');
        const seen = (await withClient(target, { applicationName: loginTry }, list)) ?? [];
        expect(seen).toMatchObject([
          { user: 'library_b', application: module.applicationName, state: 'idle' },
          { user: 'library_b', application: 'library', state: 'idle' },
        ]);
        for (const { startedAt } of seen) expect(startedAt).toBeGreaterThanOrEqual(before);
        await rotation.retire('library_b', 'scramble');
        expect(await rotation.countSessions('library_b', 60_000)).toEqual({ all: 2, unused: 0 });
        expect(await rotation.endSessions('library_b', 60_000)).toBe(0);
        expect(await rotation.countSessions('library_b', 0)).toEqual({ all: 2, unused: 1 });
        expect(await rotation.endSessions('library_b', 0)).toBe(1);
        // It is gone as soon as that is answered.
        expect(await rotation.countSessions('library_b', 0)).toEqual({ all: 1, unused: 0 });
        await expect(idle.query('SELECT 1')).rejects.toThrow();
        // A client that is not the connection runtime's would not notice before its next statement.
        await busy.query('SELECT 1');
        expect(await rotation.endSessions('library_b')).toBe(1);
      }),
    );
    expect(await rotation.sessions('library_b')).toEqual([]);
  });
});

test('behind a proxy nobody’s sessions are seen', async () => {
  const rotation = openRotation(server, { proxyEndpoints: [writerOf(server)] });
  expect(await rotation.sessions('library_a')).toBeUndefined();
  expect(await rotation.countSessions('library_a', 0)).toBeUndefined();
  expect(await rotation.proxyLogins(slotA())).toMatchObject([{ login: 'ok' }]);
});

test.each([
  ['quotes', `o"Hara's; DROP ROLE x`],
  ['63 bytes', 'x'.repeat(63)],
  ['other scripts', 'søknad_库_a'],
])('a role name with %s', async (_what, user) => {
  const login = await makeLogin(server, user);
  const rotation = openRotation(server, { expectedRole: user });
  const next = newLogin(user);
  await rotation.verifyMayAlter([user]);
  await rotation.withLease(() => rotation.setPassword(next));
  expect(await rotation.logins(next)).toMatchObject([{ login: 'ok' }]);
  expect(await rotation.logins(login)).toMatchObject([{ login: 'bad' }]);
  await rotation.withLease(() => rotation.retire(user, 'nologin'));
  expect(await rotation.logins(next)).toMatchObject([{ login: 'bad' }]);
});

test('a role that changes its own password is the admin with it from then on', async () => {
  const first = await makeLogin(server, 'alone');
  const rotation = openRotation(server, {
    id: 'alone-dev',
    expectedRole: 'alone',
    admin: { ...server.local.admin, ...first },
  });
  await rotation.verifyMayAlter(['alone']);
  const refusal = await failureOf(rotation.withLease(async () => {}));
  expect(refusal.code).toBe('LEASE_FORBIDDEN');
  // What it suggests is enough.
  await sql(server.local.admin, (refusal.suggestions[1] ?? '').replace(/^[^:]*: /, ''));
  const next = newLogin('alone');
  await rotation.withLease(async () => {
    await rotation.setPassword(next);
    expect(await rotation.logins(first)).toMatchObject([{ login: 'bad' }]);
    expect(await rotation.sessions('alone')).toEqual(expect.any(Array));
  });
  expect(await failureOf(rotation.verifyMayAlter(['library_a']))).toMatchObject({
    code: 'ROLE_FORBIDDEN',
    suggestions: ['to be run by a superuser: ALTER ROLE "alone" CREATEROLE'],
  });
});

test('how many connections there is room for', async () => {
  await sql(server.local.admin, 'ALTER ROLE library_b CONNECTION LIMIT 7');
  const room = await openRotation(server).connectionRoom(['library_a', 'library_b']);
  expect(room).toMatchObject({
    maxConnections: 100,
    reserved: 3,
    users: { library_b: { limit: 7, used: 0 } },
  });
  expect(room.used).toBeGreaterThan(0);
  await sql(server.local.admin, 'ALTER ROLE library_b CONNECTION LIMIT -1');
});
