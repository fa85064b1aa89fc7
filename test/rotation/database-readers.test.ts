import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withClient } from '../../src/database/with-client.ts';
import { worstLogin } from '../../src/rotation/observation.ts';
import type { StoredLogin } from '../../src/rotation/parts.ts';
import { Secret } from '../../src/secret.ts';
import { testContext } from '../postgres-server.ts';
import { startTestStandby, type TestStandby } from '../standby-server.ts';
import { failureOf, openRotation, startServer, type TestServer, writerOf } from './database-bed.ts';

let server: TestServer;
let reader: TestStandby;
beforeAll(async () => {
  server = await startServer();
  reader = await startTestStandby(server);
});
afterAll(async () => {
  await reader.cleanUp();
  await server.cleanUp();
});

const options = { applicationName: 'library' };
const newLogin = (): StoredLogin => ({
  user: 'library_b',
  password: new Secret(randomBytes(32).toString('base64url')),
});
const rotation = () => {
  const writer = writerOf(server);
  const target = { ...writer.target, port: reader.port };
  return openRotation(server, { endpoints: [writer, { title: 'reader', target }] });
};

test('a password is not good before the last reader has it, nor bad before the last has lost it', async () => {
  const database = rotation();
  const [first, second] = [newLogin(), newLogin()];
  await database.withLease(async () => {
    await database.setPassword(first);
    await reader.caughtUp();
    expect(await database.logins(first)).toMatchObject([{ login: 'ok' }, { login: 'ok' }]);
    await reader.pause();
    await database.setPassword(second);
    const [now, before] = [await database.logins(second), await database.logins(first)];
    expect(now).toMatchObject([{ login: 'ok' }, { endpoint: 'reader', login: 'bad' }]);
    expect(before).toMatchObject([{ login: 'bad' }, { login: 'ok' }]);
    expect([worstLogin(now), worstLogin(before)]).toEqual(['unknown', 'unknown']);
    await reader.resume();
    await reader.caughtUp();
    expect(worstLogin(await database.logins(second))).toBe('ok');
  });
});

test('sessions of a reader are listed, and ended, with those of the writer', async () => {
  const database = rotation();
  const login = newLogin();
  const target = { ...server.local.slots.b, password: login.password };
  await database.withLease(async () => {
    await database.setPassword(login);
    await reader.caughtUp();
    await withClient(target, options, () =>
      withClient(reader.at(target), options, async (client) => {
        expect(await database.sessions('library_b')).toMatchObject([
          { application: 'library', state: 'idle' },
          { application: 'library', state: 'idle' },
        ]);
        expect(await database.countSessions('library_b', 0)).toEqual({ all: 2, unused: 0 });
        expect(await database.endSessions('library_b')).toBe(2);
        await expect(client.query('SELECT 1')).rejects.toThrow();
      }),
    );
  });
});

test('a reader that does not answer keeps nobody from ending the sessions at the writer, and is told of', async () => {
  const context = testContext();
  const writer = writerOf(server);
  const dead = { title: 'reader', target: { ...writer.target, port: 1 } };
  const database = openRotation(server, { context, endpoints: [writer, dead] });
  await database.withLease(async () => {
    expect(await database.endSessions('library_b')).toBe(0);
    const left = { type: 'sessions-left', message: expect.stringContaining('those on localhost:1 (') };
    expect(context.events).toContainEqual(expect.objectContaining(left));
  });
});

test('at a replica nothing is begun', async () => {
  const database = openRotation(server, { admin: reader.admin });
  expect(await failureOf(database.withLease(async () => {}))).toMatchObject({
    code: 'DATABASE_READ_ONLY',
    exit: 75,
    message: expect.stringContaining('"library" takes no changes there, as on a replica: '),
  });
});
