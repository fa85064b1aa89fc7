import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { hostname, userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { releaseLease, takeLease } from '../../src/database/rotation-lease.ts';
import { type Client, withClient } from '../../src/database/with-client.ts';
import { Secret } from '../../src/secret.ts';
import { thisMachine } from '../../src/this-machine.ts';
import { testContext } from '../postgres-server.ts';
import { failureOf, openRotation, sql, startServer, type TestServer } from './database-bed.ts';

let server: TestServer;
const children: ChildProcess[] = [];
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.cleanUp());
afterEach(async () => {
  for (const child of children.splice(0)) await end(child);
});

const login = (password: string) => ({ user: 'library_b', password: new Secret(password) });
const admin = <Row extends object>(text: string) => sql<Row>(server.local.admin, text);
const asAdmin = <T>(work: (client: Client) => Promise<T>) =>
  withClient(server.local.admin, { applicationName: 'lease test' }, work);
const leaseRow = async () =>
  (
    await admin<{ fence: string; held: boolean }>(
      `SELECT fence, holder IS NOT NULL AND expires_at > now() AS held FROM lambdapg.rotation_lease WHERE id = 'library-dev'`,
    )
  )[0];
/** As though the holder ran on that computer. */
const moveTo = (machine: string) =>
  admin(`UPDATE lambdapg.rotation_lease SET holder = holder || '{"machine": "${machine}", "host": "fern"}'`);
/** As though the holder ran elsewhere and had not renewed for long. */
const abandon = async () => {
  await moveTo('another');
  await admin(`UPDATE lambdapg.rotation_lease SET expires_at = clock_timestamp() - interval '1 s'`);
};

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** Another process that holds the lease. */
async function startHolder(isDirect: boolean): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('database-lease-child.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const { password, ...place } = server.local.admin;
  if (typeof password === 'function') throw new Error('the admin of the bed has a password');
  child.stdin.end(JSON.stringify({ place, password: password.reveal(), isDirect }));
  await once(child.stdout, 'data');
  return child;
}

describe.each([
  ['directly', true],
  ['where no session lasts', false],
])('%s', (_way, isDirect) => {
  const open = (times = {}) => openRotation(server, { isDirect, times });

  // First, when nothing is there yet: they make schema and table at once, too.
  test('of many at once one gets it', async () => {
    const runs = 6;
    let refused = 0;
    let allRefused = () => {};
    const othersAreDone = new Promise<void>((resolve) => {
      allRefused = resolve;
    });
    const results = await Promise.allSettled(
      Array.from({ length: runs }, () =>
        open()
          .withLease(() => othersAreDone)
          .catch((error: unknown) => {
            refused += 1;
            if (refused === runs - 1) allRefused();
            throw error;
          }),
      ),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'ROTATION_IN_PROGRESS' });
    }
  });

  test('a second run is refused with who rotates and since when', async () => {
    await open().withLease(async () => {
      const error = await failureOf(open().withLease(async () => {}));
      expect(error).toMatchObject({ code: 'ROTATION_IN_PROGRESS', exit: 75 });
      const who = `${userInfo().username} on ${hostname()} (process ${process.pid})`;
      expect(error.message).toMatch(
        new RegExp(`^${who.replace(/[()]/g, '\\$&')} is rotating library-dev since 20`),
      );
    });
    await open().withLease(async () => {});
    expect(await leaseRow()).toMatchObject({ held: false });
  });

  test('a killed run of this computer frees it at once, one of another computer when its lease ends', async () => {
    const child = await startHolder(isDirect);
    expect((await failureOf(open().withLease(async () => {}))).message).toContain(`(process ${child.pid})`);
    await end(child);
    const before = Number((await leaseRow())?.fence);
    await moveTo('another');
    const error = await failureOf(open().withLease(async () => {}));
    expect(error).toMatchObject({
      code: 'ROTATION_IN_PROGRESS',
      message: expect.stringContaining('on fern'),
    });
    await moveTo(thisMachine(process.env));
    await open().withLease(async () => {
      expect(await leaseRow()).toEqual({ fence: String(before + 1), held: true });
    });
  });

  test('an execution environment of Lambda takes nothing from another, whose process it does not see', async () => {
    const inLambda = (AWS_LAMBDA_LOG_STREAM_NAME: string) =>
      openRotation(server, { isDirect, context: testContext({ env: { AWS_LAMBDA_LOG_STREAM_NAME } }) });
    const own = { AWS_LAMBDA_LOG_STREAM_NAME: '2026/11/22/[$LATEST]1' };
    await open().withLease(async () => {});
    await admin(
      `UPDATE lambdapg.rotation_lease SET expires_at = clock_timestamp() + interval '1 hour', holder =
         '{"run": "theirs", "machine": "${thisMachine(own)}", "host": "fern", "user": "ada", "pid": 999999999}'`,
    );
    const other = inLambda('2026/11/22/[$LATEST]2').withLease(async () => {});
    expect(await failureOf(other)).toMatchObject({ code: 'ROTATION_IN_PROGRESS' });
    await inLambda(own.AWS_LAMBDA_LOG_STREAM_NAME).withLease(async () => {});
  });

  test('another run is waited for as long as one is told to', async () => {
    await open().withLease(async () => {});
    await admin(
      `UPDATE lambdapg.rotation_lease SET expires_at = clock_timestamp() + interval '700 ms',
              holder = '{"run": "theirs", "machine": "another", "host": "fern", "user": "ada", "pid": 1}'`,
    );
    expect(await open({ patienceMs: 20_000 }).withLease(async () => 'done')).toBe('done');
  });

  test('while it works the lease is renewed', async () => {
    await open({ leaseMs: 60_000, renewEveryMs: 50 }).withLease(async () => {
      await admin(`UPDATE lambdapg.rotation_lease SET expires_at = clock_timestamp() - interval '1 hour'`);
      await expect.poll(async () => (await leaseRow())?.held, { timeout: 10_000 }).toBe(true);
    });
  });
});

test('an effect of a run whose lease another has taken is refused', async () => {
  const [old, next] = [openRotation(server, { isDirect: false }), openRotation(server, { isDirect: false })];
  await old.withLease(async () => {
    await old.setPassword(login('of-the-old-run'));
    await abandon();
    await next.withLease(async () => {
      await next.setPassword(login('of-the-next-run'));
      for (const effect of [
        () => old.setPassword(login('too-late')),
        () => old.verifyLease?.() ?? Promise.resolve(),
        () => old.retire('library_b', 'scramble'),
        () => old.retire('library_b', 'nologin'),
        () => old.endSessions('library_b'),
      ]) {
        expect(await failureOf(effect())).toMatchObject({ code: 'LEASE_LOST', exit: 75 });
      }
      expect(await next.logins(login('of-the-next-run'))).toMatchObject([{ login: 'ok' }]);
    });
    // Nor after the next has given it back: somebody may have changed what was observed.
    expect(await failureOf(old.setPassword(login('too-late')))).toMatchObject({ code: 'LEASE_LOST' });
  });
});

test('a takeover waits for an effect that is in its transaction, and the effect counts', async () => {
  const [old, next] = [openRotation(server, { isDirect: false }), openRotation(server, { isDirect: false })];
  await old.withLease(async () => {
    await abandon();
    // Somebody else's open transaction holds the effect up, after its check of the lease.
    await asAdmin(async (blocker) => {
      await blocker.query('BEGIN; ALTER ROLE library_b CONNECTION LIMIT -1');
      const effect = old.setPassword(login('in-time'));
      await waitFor(`query LIKE 'ALTER ROLE%' AND wait_event_type = 'Lock'`);
      const takeover = failureOf(next.withLease(async () => {}));
      await waitFor(`query LIKE 'INSERT INTO lambdapg.rotation_lease%' AND wait_event_type = 'Lock'`);
      await blocker.query('ROLLBACK');
      await effect;
      // The effect has renewed it.
      expect(await takeover).toMatchObject({ code: 'ROTATION_IN_PROGRESS' });
    });
  });
  expect(await next.logins(login('in-time'))).toMatchObject([{ login: 'ok' }]);
});

async function waitFor(condition: string): Promise<void> {
  await expect
    .poll(() => admin(`SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND ${condition}`), {
      timeout: 20_000,
      interval: 20,
    })
    .not.toHaveLength(0);
}

test('whose answer was lost takes it again; who lost it gives nothing back', async () => {
  const holder = { run: '0123456789abcdef', user: 'ada', host: 'fern', machine: 'another', pid: 1 };
  const wish = { id: 'shop-dev', holder, leaseMs: 60_000 };
  const lost = await asAdmin((one) => takeLease(one, wish));
  const again = await asAdmin((one) => takeLease(one, wish));
  expect(again.fence).toBe(lost.fence + 1);
  const other = { ...wish, holder: { ...holder, run: 'fedcba9876543210' } };
  expect(await asAdmin((one) => takeLease(one, other))).toMatchObject({ holder, fence: again.fence });
  // Only of the run that is known to be dead, not of whoever came after it.
  expect(await asAdmin((one) => takeLease(one, { ...other, insteadOf: lost.fence }))).toHaveProperty(
    'holder',
  );
  const next = await asAdmin((one) => takeLease(one, { ...other, insteadOf: again.fence }));
  expect(next).toMatchObject({ run: 'fedcba9876543210', fence: again.fence + 1 });
  await asAdmin((one) => releaseLease(one, { id: 'shop-dev', run: holder.run, fence: again.fence }));
  expect(await asAdmin((one) => takeLease(one, wish))).toHaveProperty('holder');
  await asAdmin((one) => releaseLease(one, { id: 'shop-dev', run: 'fedcba9876543210', fence: next.fence }));
  expect(await asAdmin((one) => takeLease(one, wish))).toMatchObject({ fence: next.fence + 1 });
});

describe('the session on top of the lease', () => {
  const endSession = () =>
    admin(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted`);

  test('an effect after its end is refused', async () => {
    const rotation = openRotation(server);
    await rotation.withLease(async () => {
      await rotation.setPassword(login('before'));
      await endSession();
      expect(await failureOf(rotation.setPassword(login('after')))).toMatchObject({
        code: 'LEASE_LOST',
        exit: 75,
      });
      expect(await rotation.logins(login('before'))).toMatchObject([{ login: 'ok' }]);
    });
  });

  test('a paused run keeps it although its lease has ended', async () => {
    const paused = openRotation(server);
    await paused.withLease(async () => {
      await abandon();
      const error = await failureOf(openRotation(server).withLease(async () => {}));
      expect(error).toMatchObject({ code: 'ROTATION_IN_PROGRESS', exit: 75 });
      expect(error.message).toMatch(/^"postgres" from 127\.0\.0\.1|::1 \(backend \d+\) holds the lock/);
    });
    await openRotation(server).withLease(async () => {});
  });

  test('what the work throws is thrown as it is', async () => {
    const thrown = Object.assign(new Error('of the work'), { code: '28P01' });
    await expect(openRotation(server).withLease(() => Promise.reject(thrown))).rejects.toBe(thrown);
  });
});

test('somebody else’s ALTER ROLE at the same moment is a conflict, not a failure of ours', async () => {
  const rotation = openRotation(server);
  await rotation.withLease(async () => {
    await asAdmin(async (other) => {
      await other.query('BEGIN; ALTER ROLE library_b CONNECTION LIMIT -1');
      const refused = failureOf(rotation.setPassword(login('contested')));
      await waitFor(`query LIKE 'ALTER ROLE%' AND wait_event_type = 'Lock'`);
      await other.query('COMMIT');
      expect(await refused).toMatchObject({
        code: 'ROLE_CONFLICT',
        exit: 75,
        message: expect.stringContaining('tuple concurrently updated'),
      });
    });
  });
});

test('Ctrl-C while another run is waited for ends the waiting', async () => {
  const context = testContext();
  await openRotation(server, { isDirect: false }).withLease(async () => {
    const waiting = openRotation(server, { isDirect: false, context, times: { patienceMs: 60_000 } });
    const reason = new Error('cancelled');
    const refused = expect(waiting.withLease(async () => {})).rejects.toBe(reason);
    await expect
      .poll(() => context.events.map(({ type }) => type), { timeout: 10_000 })
      .toContain('lease-waiting');
    context.cancel(reason);
    await refused;
  });
});
