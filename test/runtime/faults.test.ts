import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createServerCertificate } from '../../src/local/postgres/certificates.ts';
import { lastingPort, startTestPostgres } from '../postgres-server.ts';
import { type Driver, driverLanguages } from './driver.ts';
import {
  failureOf,
  metricsOf,
  ofSecret,
  type RuntimeBed,
  secretOf,
  startRuntimeBed,
  userOf,
} from './runtime-bed.ts';
import { type ServerDoor, startServerDoor } from './server-door.ts';
import { startTcpRelay } from './tcp-relay.ts';

/* What a server does to an environment that asks it for a connection, or keeps one. */

let bed: RuntimeBed;
let door: ServerDoor;
beforeAll(async () => {
  bed = await startRuntimeBed({ settings: { max_connections: '20' } });
  const authority = {
    certificate: await readFile(bed.local.caFile, 'utf8'),
    key: await readFile(join(bed.local.caFile, '..', 'ca.key'), 'utf8'),
  };
  const { certificate: cert, key } = await createServerCertificate(authority);
  door = await startServerDoor(bed.local, { cert, key });
});
afterAll(async () => {
  await door.close();
  await bed.cleanUp();
});
beforeEach(() => bed.changePassword('library_a', bed.login.PGPASSWORD ?? ''));
afterEach(async () => {
  await bed.reset();
  door.refusals.length = 0;
  door.forever = false;
});

const full = [
  ['53300', 'sorry, too many clients already'],
  ['53300', 'remaining connection slots are reserved for roles with the SUPERUSER attribute'],
  ['53300', 'remaining connection slots are reserved for non-replication superuser connections'],
  ['53300', 'too many connections for role "library_a"'],
  ['53300', 'too many connections for database "library"'],
  ['53300', 'The maximum number of client connections to the proxy exceeded 20.'],
  ['08000', 'Timed-out waiting to acquire database connection.'],
  ['08P01', 'no more connections allowed (max_client_conn)'],
  ['57P03', 'the database system is starting up'],
  ['57P03', 'the database system is shutting down'],
  ['57P03', 'the database system is in recovery mode'],
  ['57P03', 'the database system is not yet accepting connections'],
] as const;

describe.each(driverLanguages)('an environment in %s', (language) => {
  const start = (changed: Record<string, string> = {}): Driver =>
    bed.start(language, { ...bed.login, TEST_RETRY_WITHIN_MS: '60000', ...changed });
  const throughDoor = (changed: Record<string, string> = {}): Driver =>
    start({ PGHOST: '127.0.0.1', PGPORT: String(door.port), ...changed });

  test('waits its turn, whatever the server calls it', async () => {
    const driver = throughDoor();
    for (const refusal of full) {
      door.refusals.push(refusal);
      expect(await userOf(driver), refusal[1]).toBe('library_a');
      await bed.killBackends();
    }
    expect(metricsOf(driver)).toHaveLength(full.length);
    for (const metrics of metricsOf(driver)) {
      expect(metrics).toMatchObject({ slot_waits: 1, auth_failures: 0, connect_failures: 0 });
    }
  });

  test('waits with the same credentials: the secret is not read again', async () => {
    bed.endpoint.secret = secretOf('library_a', bed.login.PGPASSWORD ?? '');
    const [first = ['', '']] = full;
    door.refusals.push(first, first, first);
    expect(await userOf(throughDoor({ ...ofSecret, PGUSER: '', PGPASSWORD: '' }))).toBe('library_a');
    expect(bed.endpoint.asked).toHaveLength(1);
  });

  test('does not wait longer than the invocation may take, and says what it waited for', async () => {
    const driver = throughDoor({ TEST_RETRY_WITHIN_MS: '3600000' });
    door.refusals.push(['53300', 'sorry, too many clients already']);
    door.forever = true;
    await driver.do({ op: 'invoke', remainingMs: 5_000 });
    expect(await failureOf(driver)).toMatch(/cannot connect to .* as library_a: .*too many clients already/);
    door.forever = false;
    door.refusals.length = 0;
    await driver.do({ op: 'invoke', remainingMs: 60_000 });
    expect(await userOf(driver)).toBe('library_a');
  });

  test('a server that was busy is tried again when it hangs up, and what it had said is told in the end', async () => {
    const [busy = ['', '']] = full;
    door.refusals.push(busy, 'hang-up', 'hang-up');
    expect(await userOf(throughDoor())).toBe('library_a');

    const driver = throughDoor({ TEST_RETRY_WITHIN_MS: '3600000' });
    door.refusals.push(busy, 'hang-up');
    door.forever = true;
    await driver.do({ op: 'invoke', remainingMs: 6_000 });
    expect(await failureOf(driver)).toMatch(/too many clients already.*; .*(terminated|closed|reset)/i);
  });

  test('a wrong setting, a wrong address or a wrong password is told at once', async () => {
    door.refusals.push(
      ['3D000', 'database "library" does not exist'],
      ['28000', 'no pg_hba.conf entry for host "10.0.0.1"'],
      ['28P01', 'password authentication failed for user "library_a"'],
    );
    const before = door.logins();
    const driver = throughDoor();
    for (const part of ['does not exist', 'pg_hba.conf', 'password authentication failed']) {
      expect(await failureOf(driver)).toContain(part);
    }
    expect(door.logins() - before).toBe(3);
    expect(await failureOf(start({ PGPORT: '1' }))).toMatch(/ECONNREFUSED|refused/);
  });

  test('40 environments on 17 slots, each held for a moment: all get one, where a bare client fails', async () => {
    const driver = start();
    const asked = { op: 'together', sql: 'select 1 as one from pg_sleep(0.2)', count: 40 } as const;
    expect(await driver.do(asked)).toEqual(Array(40).fill([{ one: 1 }]));
    expect(metricsOf(driver).some(({ slot_waits }) => slot_waits > 0)).toBe(true);
  });

  test('two first statements at once share one connection', async () => {
    const rows = await start().do({ op: 'race', sql: 'select pg_backend_pid() as pid', count: 10 });
    expect(new Set((rows as { pid: number }[][]).map(([row]) => row?.pid)).size).toBe(1);
  });

  test('reads may go to another server', async () => {
    const driver = start({ PGHOST: 'writer.invalid', PGHOST_READER: '127.0.0.1' });
    expect(await driver.do({ op: 'read', sql: 'select 1 as one' })).toEqual([{ one: 1 }]);
    expect(await failureOf(driver)).toContain('writer.invalid');
    expect(await start().do({ op: 'read', sql: 'select 2 as two' })).toEqual([{ two: 2 }]);
  });

  describe('time limits', () => {
    test('a statement that takes too long is ended by the server, and the connection is used on', async () => {
      const driver = start();
      const [before] = await driver.query('select pg_backend_pid() as pid');
      const slow = { op: 'query', sql: 'select pg_sleep(60)', timeoutMs: 50 } as const;
      await expect(driver.do(slow)).rejects.toMatchObject({ code: '57014' });
      const statements = ['select 1 as one', 'select pg_sleep(60)'];
      await expect(driver.do({ op: 'transaction', statements, timeoutMs: 50 })).rejects.toMatchObject({
        code: '57014',
      });
      const rows = await driver.query(
        "select pg_backend_pid() as pid, current_setting('statement_timeout') as timeout",
      );
      expect(rows).toEqual([{ ...before, timeout: '0' }]);
      const quick = { op: 'query', sql: 'select 1 as one', timeoutMs: 60_000 } as const;
      expect(await driver.do(quick)).toEqual([{ one: 1 }]);
    });

    test('a server that is not heard of any more is given up', async () => {
      const relay = await startTcpRelay('127.0.0.1', bed.local);
      try {
        const driver = start({ PGHOST: '127.0.0.1', PGPORT: String(relay.port) });
        const [{ pid } = {}] = await driver.query('select pg_backend_pid() as pid');
        // The server's own limit is off: however late the wire is cut, it has said nothing.
        const statements = ['set local statement_timeout = 0', 'select pg_sleep(60)'];
        const cut = driver.do({ op: 'transaction', statements, timeoutMs: 2_000 });
        const failure = expect(cut).rejects.not.toMatchObject({ code: '57014' });
        const begun = `select 1 from pg_stat_activity where pid = ${pid} and query = 'select pg_sleep(60)'`;
        await expect.poll(() => bed.admin(begun), { timeout: 20_000 }).toHaveLength(1);
        relay.silence();
        await failure;
        expect(await userOf(driver)).toBe('library_a');
      } finally {
        await relay.close();
      }
    });

    test("an environment that stands still hears the server's word first", async () => {
      const driver = start();
      const [before] = await driver.query('select pg_backend_pid() as pid');
      const slow = driver.do({ op: 'query', sql: 'select pg_sleep(60)', timeoutMs: 1_000 });
      const ended = expect(slow).rejects.toMatchObject({ code: '57014' });
      const of = `from pg_stat_activity where pid = ${before?.pid}`;
      const begun = `select 1 ${of} and query = 'select pg_sleep(60)'`;
      await expect.poll(() => bed.admin(begun), { timeout: 20_000 }).toHaveLength(1);
      driver.freeze();
      await expect
        .poll(() => bed.admin(`${begun} and state <> 'active'`), { timeout: 20_000 })
        .toHaveLength(1);
      // As long as the server may be silent.
      await sleep(2_500);
      driver.thaw();
      await ended;
      expect(await driver.query('select pg_backend_pid() as pid')).toEqual([before]);
    });

    test('a limit that is none is an error', async () => {
      await expect(start().do({ op: 'query', sql: 'select 1', timeoutMs: 0 })).rejects.toThrow(
        /no time limit/,
      );
    });
  });
});

test('the slots of these tests are too few for bare clients', async () => {
  const { local } = bed;
  if (local.slots.a.tls === false) throw new Error('TLS was expected');
  const { PGUSER: user = '', PGPASSWORD: password = '' } = bed.login;
  const { host, port, database, tls } = local.slots.a;
  const clients = Array.from({ length: 40 }, () => {
    const client = new pg.Client({
      host,
      port,
      database,
      user,
      password,
      ssl: { ...tls },
    });
    return client.on('error', () => {});
  });
  const settled = await Promise.allSettled(clients.map((client) => client.connect()));
  await Promise.allSettled(clients.map((client) => client.end()));
  expect(settled.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(10);
});

test('a server that is restarted on its port while the environments go on: no statement fails', async () => {
  const first = await startTestPostgres({ preferredPort: lastingPort() });
  const { projectDir, local } = first;
  const drivers = driverLanguages.map((language) =>
    bed.start(language, {
      ...bed.login,
      ...{ PGPORT: String(local.port), PGSSLROOTCERT: local.caFile, TEST_RETRY_WITHIN_MS: '60000' },
      PGPASSWORD: revealed(local.slots.a.password),
    }),
  );
  await Promise.all(drivers.map(userOf));
  await local.stop();
  const nobody = createServer((socket) => socket.on('error', () => {}).destroy());
  nobody.listen(local.port, '127.0.0.1');
  await once(nobody, 'listening');
  const asked: Promise<unknown>[] = [];
  for (const driver of drivers) {
    const knocked = once(nobody, 'connection');
    asked.push(userOf(driver));
    await knocked;
    driver.freeze();
  }
  nobody.close();
  await once(nobody, 'close');
  for (const driver of drivers) driver.thaw();
  const users = Promise.all(asked);
  const second = await startTestPostgres({ projectDir, preferredPort: local.port });
  try {
    expect(second.local.port).toBe(local.port);
    expect(await users).toEqual(['library_a', 'library_a']);
    for (const driver of drivers) expect(metricsOf(driver)).toMatchObject([{ connect_failures: 0 }]);
  } finally {
    await second.cleanUp();
  }
}, 90_000);

function revealed(password: unknown): string {
  return (password as { reveal(): string }).reveal();
}
