import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeTarget, explainPostgresError } from '../../src/database/explain.ts';
import { scramVerifier } from '../../src/database/scram.ts';
import type { ConnectionTarget } from '../../src/database/target.ts';
import { withClient } from '../../src/database/with-client.ts';
import { UserError } from '../../src/errors.ts';
import { Secret } from '../../src/secret.ts';
import { startTestPostgres } from '../postgres-server.ts';

let server: Awaited<ReturnType<typeof startTestPostgres>>;
beforeAll(async () => {
  server = await startTestPostgres();
});
afterAll(() => server.cleanUp());

const canary = 'canary-password';
const options = { applicationName: 'explain test', connectTimeoutMs: 30_000 };

async function explainConnecting(
  target: ConnectionTarget,
  { connectTimeoutMs }: { connectTimeoutMs: number } = options,
): Promise<UserError> {
  const error = await withClient(target, { ...options, connectTimeoutMs }, async () => 'opened').catch(
    (thrown: unknown) => thrown,
  );
  const explained = explainPostgresError(error, describeTarget(target));
  if (!(explained instanceof UserError)) throw new Error(`not explained: ${inspect(error)}`);
  expect(explained.message).toContain(`${target.user}@${target.host}:${target.port}/${target.database}`);
  expect(explained.suggestions.length).toBeGreaterThan(0);
  expect(inspect(explained, { depth: 9, showHidden: true })).not.toContain(canary);
  return explained;
}

const withAdmin = (text: string) =>
  withClient(server.local.admin, options, async (client) => {
    await client.query(text);
  });

test('a wrong password', async () => {
  const explained = await explainConnecting({ ...server.local.slots.a, password: new Secret(canary) });
  expect(explained).toMatchObject({ code: 'DATABASE_LOGIN_REFUSED', exit: 1 });
  expect(explained.message).toContain('password authentication failed for user "library_a"');
});

test('a role that may not log in', async () => {
  await withAdmin(`CREATE ROLE retired NOLOGIN PASSWORD '${scramVerifier(new Secret(canary))}'`);
  const explained = await explainConnecting({
    ...server.local.admin,
    user: 'retired',
    password: new Secret(canary),
  });
  expect(explained.code).toBe('DATABASE_ACCESS_REFUSED');
  expect(explained.message).toContain('is not permitted to log in');
});

test('a role that may not use the database', async () => {
  await withAdmin(`CREATE ROLE uninvited LOGIN PASSWORD '${scramVerifier(new Secret(canary))}'`);
  await withAdmin('CREATE DATABASE closed');
  await withAdmin('REVOKE CONNECT ON DATABASE closed FROM PUBLIC');
  const target = { ...server.local.slots.a, database: 'closed', user: 'uninvited' };
  const explained = await explainConnecting({ ...target, password: new Secret(canary) });
  expect(explained).toMatchObject({ code: 'DATABASE_ACCESS_REFUSED', exit: 1 });
  expect(explained.suggestions[0]).toContain('GRANT CONNECT');
});

test('a connection without TLS is refused, as with rds.force_ssl', async () => {
  const explained = await explainConnecting({ ...server.local.slots.a, tls: false });
  expect(explained.code).toBe('DATABASE_ACCESS_REFUSED');
  expect(explained.message).toMatch(/no pg_hba.conf entry for host .*, no encryption/);
});

test('a missing database', async () => {
  const explained = await explainConnecting({ ...server.local.admin, database: 'nowhere' });
  expect(explained.code).toBe('DATABASE_MISSING');
  expect(explained.message).toContain('database "nowhere" does not exist');
});

test('no connection left', async () => {
  await withAdmin('ALTER ROLE library_b CONNECTION LIMIT 0');
  const explained = await explainConnecting(server.local.slots.b);
  expect(explained).toMatchObject({ code: 'DATABASE_FULL', exit: 75 });
  expect(explained.message).toContain('too many connections for role "library_b"');
});

test('a server that shuts down', async () => {
  const other = await startTestPostgres({ name: 'leaving' });
  await withClient(other.local.admin, options, async (client) => {
    const { rows } = await client.query<{ pid: number }>(
      `SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int AS pid`,
    );
    // A smart shutdown waits for this session and lets nobody else in.
    process.kill(rows[0]?.pid ?? 0, 'SIGTERM');
    let explained = await explainAnyway(other.local.slots.a);
    while (explained === undefined) explained = await explainAnyway(other.local.slots.a);
    expect(explained).toMatchObject({ code: 'DATABASE_NOT_READY', exit: 75 });
    expect(explained.message).toContain('the database system is shutting down');
  });
  await other.cleanUp();
});

async function explainAnyway(target: ConnectionTarget): Promise<UserError | undefined> {
  const outcome = await withClient(target, options, async () => undefined).catch((thrown: unknown) => thrown);
  return outcome === undefined ? undefined : explainPostgresError(outcome, describeTarget(target));
}

test('an authority that is not known', async () => {
  const explained = await explainConnecting({ ...server.local.slots.a, tls: {} });
  expect(explained.code).toBe('DATABASE_TLS_UNTRUSTED');
  expect(explained.message).toContain('unable to verify the first certificate');
});

test('a certificate for another name, by host name and by address', async () => {
  const { tls } = server.local.admin;
  for (const host of ['localhost', '127.0.0.1']) {
    const target = { ...server.local.slots.a, host, tls: { ...tls, name: 'db.example.com' } };
    const explained = await explainConnecting(target);
    expect(explained.code).toBe('DATABASE_TLS_WRONG_NAME');
    expect(explained.message).toContain('db.example.com');
  }
});

test('a dialled address whose certificate holds the name that is asked for', async () => {
  const target = {
    ...server.local.slots.a,
    host: '127.0.0.1',
    tls: { ...server.local.admin.tls, name: 'localhost' },
  };
  expect(await withClient(target, options, async () => 'opened')).toBe('opened');
});

test('a server without TLS', async () => {
  await withFakeServer('N', async (port) => {
    const explained = await explainConnecting(fakeTarget('127.0.0.1', port));
    expect(explained.code).toBe('DATABASE_TLS_MISSING');
  });
});

test('a server that never answers', async () => {
  await withFakeServer(undefined, async (port) => {
    const explained = await explainConnecting(fakeTarget('127.0.0.1', port), { connectTimeoutMs: 500 });
    expect(explained).toMatchObject({ code: 'DATABASE_TIMEOUT', exit: 75 });
  });
});

test('a closed port, by address and by a name with two addresses', async () => {
  const port = await withFakeServer(undefined, async (open) => open);
  for (const host of ['127.0.0.1', 'localhost']) {
    const explained = await explainConnecting(fakeTarget(host, port));
    expect(explained.code).toBe('DATABASE_UNREACHABLE');
    expect(explained.message).toContain(`connect ECONNREFUSED 127.0.0.1:${port}`);
  }
});

test('a host that does not exist', async () => {
  const explained = await explainConnecting(fakeTarget('no-such-host.invalid', 5432));
  expect(explained.code).toBe('DATABASE_HOST_UNKNOWN');
  expect(explained.message).toContain('no-such-host.invalid');
});

test('a fault of a statement, and a bug, are not connection faults', async () => {
  const error = await withAdmin('SELEC 1').catch((thrown: unknown) => thrown);
  expect(explainPostgresError(error, 'here')).toBeUndefined();
  expect(explainPostgresError(new TypeError('x is not a function'), 'here')).toBeUndefined();
});

function fakeTarget(host: string, port: number): ConnectionTarget {
  return { host, port, database: 'library', user: 'ann', password: new Secret(canary), tls: {} };
}

/** A TCP server that answers the TLS request with one byte, or never. */
async function withFakeServer<T>(answer: string | undefined, work: (port: number) => Promise<T>): Promise<T> {
  const fake = createServer((socket) => {
    socket.on('error', () => {});
    if (answer !== undefined) socket.once('data', () => socket.write(answer));
  });
  fake.listen(0, '127.0.0.1');
  await once(fake, 'listening');
  try {
    return await work((fake.address() as AddressInfo).port);
  } finally {
    fake.close();
  }
}
