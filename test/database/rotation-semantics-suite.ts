import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { judgeLogin } from '../../src/database/login-outcome.ts';
import { scramVerifier } from '../../src/database/scram.ts';
import type { ConnectionTarget } from '../../src/database/target.ts';
import { type Client, withClient } from '../../src/database/with-client.ts';
import { errorCode, errorMessage } from '../../src/errors.ts';
import type { PostgresMajor } from '../../src/project/postgres-packages.ts';
import { Secret } from '../../src/secret.ts';
import { startTestPostgres } from '../postgres-server.ts';
import { startTestStandby, type TestStandby } from '../standby-server.ts';

type Server = Awaited<ReturnType<typeof startTestPostgres>>;

const options = { applicationName: 'semantics test' };
const [oldPassword, newPassword] = [new Secret('the-old-password'), new Secret('the-new-password')];
const verifierOf = (password: Secret) => `'${scramVerifier(password)}'`;

/**
 * What a rotation rests on: how PostgreSQL treats sessions and logins while a role changes.
 *
 * @param lagMs also waits for a replica that is really so far behind
 */
export function describeRotationSemantics(major: PostgresMajor, { lagMs }: { lagMs?: number } = {}): void {
  describe(`PostgreSQL ${major}`, () => {
    let server: Server;
    let role: ConnectionTarget;
    beforeAll(async () => {
      server = await startTestPostgres({ major });
      role = { ...server.local.admin, user: 'app', password: oldPassword };
    });
    afterAll(() => server.cleanUp());
    const admin = (...statements: string[]) =>
      withClient(server.local.admin, options, async (client) => {
        for (const statement of statements) await client.query(statement);
      });
    beforeEach(() =>
      admin(
        'DROP ROLE IF EXISTS app',
        `CREATE ROLE app LOGIN PASSWORD ${verifierOf(oldPassword)}`,
        'GRANT CONNECT ON DATABASE library TO app',
      ).then(() => () => admin('REVOKE ALL ON DATABASE library FROM app')),
    );
    const logIn = (password: Secret, target: ConnectionTarget = role) => tryLogin({ ...target, password });

    test('P1 a new password ends no session and no transaction; new logins need it at once', async () => {
      await withClient(role, options, async (client) => {
        await client.query('BEGIN');
        await admin(`ALTER ROLE app PASSWORD ${verifierOf(newPassword)}`);
        await client.query('SELECT 1');
        await client.query('COMMIT');
        expect(await logIn(oldPassword)).toBe('28P01 bad');
        expect(await logIn(newPassword)).toBe('ok');
      });
    });

    test('P2 VALID UNTIL in the past ends no session; a client cannot tell it from a wrong password', async () => {
      await withClient(role, options, async (client) => {
        await admin(`ALTER ROLE app VALID UNTIL '2020-01-01'`);
        await client.query('SELECT 1');
        expect(await logIn(oldPassword)).toBe('28P01 bad');
        await admin(`ALTER ROLE app VALID UNTIL 'infinity'`);
        expect(await logIn(oldPassword)).toBe('ok');
      });
    });

    test('P3 NOLOGIN ends no session; the right password gets 28000, a wrong one 28P01', async () => {
      await withClient(role, options, async (client) => {
        await admin('ALTER ROLE app NOLOGIN');
        await client.query('SELECT 1');
        expect(await logIn(oldPassword)).toBe('28000 bad');
        expect(await logIn(newPassword)).toBe('28P01 bad');
      });
    });

    test('P4 a CONNECTION LIMIT says nothing about the password', async () => {
      await admin('ALTER ROLE app CONNECTION LIMIT 1');
      await withClient(role, options, async () => {
        expect(await logIn(oldPassword)).toBe('53300 unknown');
        expect(await logIn(newPassword)).toBe('28P01 bad');
      });
    });

    test('P5 a role that does not exist looks like a wrong password', async () => {
      expect(await logIn(oldPassword, { ...role, user: 'nobody_of_that_name' })).toBe('28P01 bad');
    });

    test('P6 a missing database is seen only behind the right password', async () => {
      const missing = { ...role, database: 'missing' };
      expect(await logIn(oldPassword, missing)).toBe('3D000 unknown');
      expect(await logIn(newPassword, missing)).toBe('28P01 bad');
    });

    test('P7 pg_terminate_backend breaks the statement in flight with 57P01', async () => {
      await withClient(role, options, async (client) => {
        const asked = client.query('SELECT pg_sleep(60)').catch((error: unknown) => error);
        await sleepingBackend(server.local.admin);
        await admin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'`);
        expect(errorCode(await asked)).toBe('57P01');
      });
    });

    test('P8 until COMMIT the old password is the one; ROLLBACK leaves it', async () => {
      for (const end of ['ROLLBACK', 'COMMIT']) {
        await withClient(server.local.admin, options, async (client) => {
          await client.query('BEGIN');
          await client.query(`ALTER ROLE app PASSWORD ${verifierOf(newPassword)}`);
          expect([await logIn(oldPassword), await logIn(newPassword)]).toEqual(['ok', '28P01 bad']);
          await client.query(end);
        });
      }
      expect([await logIn(oldPassword), await logIn(newPassword)]).toEqual(['28P01 bad', 'ok']);
    });

    test('P9 of two ALTER ROLE at once one waits, and then fails with XX000', async () => {
      await withClient(server.local.admin, options, (first) =>
        withClient(server.local.admin, options, async (second) => {
          const alter = `ALTER ROLE app PASSWORD ${verifierOf(newPassword)}`;
          await first.query('BEGIN');
          await first.query(alter);
          await second.query(`SET lock_timeout = '50ms'`);
          expect(await codeOf(second.query(alter))).toBe('55P03');
          await second.query('RESET lock_timeout');
          const late = second.query(alter).then(
            () => 'ok',
            (error: unknown) => `${errorCode(error)} ${errorMessage(error)}`,
          );
          await waitingBackend(first);
          await first.query('COMMIT');
          expect(await late).toBe('XX000 tuple concurrently updated');
        }),
      );
    });

    test('a verifier is stored as it is', async () => {
      const verifier = scramVerifier(newPassword);
      await admin(`ALTER ROLE app PASSWORD '${verifier}'`);
      await withClient(server.local.admin, options, async (client) => {
        const { rows } = await client.query(`SELECT rolpassword FROM pg_authid WHERE rolname = 'app'`);
        expect(rows).toEqual([{ rolpassword: verifier }]);
      });
    });

    describe('on a replica', () => {
      let standby: TestStandby;
      beforeAll(async () => {
        standby = await startTestStandby(server);
      });
      afterAll(() => standby.cleanUp());

      test('P10 the old password stays good and the new one bad until the change is replayed', async () => {
        await standby.caughtUp();
        await standby.pause();
        const there = standby.at(role);
        await admin(`ALTER ROLE app PASSWORD ${verifierOf(newPassword)}`);
        expect([await logIn(oldPassword), await logIn(newPassword)]).toEqual(['28P01 bad', 'ok']);
        expect([await logIn(oldPassword, there), await logIn(newPassword, there)]).toEqual([
          'ok',
          '28P01 bad',
        ]);
        await standby.resume();
        await standby.caughtUp();
        expect([await logIn(oldPassword, there), await logIn(newPassword, there)]).toEqual([
          '28P01 bad',
          'ok',
        ]);
        const change = withClient(standby.admin, options, (client) => client.query('ALTER ROLE app NOLOGIN'));
        expect(await codeOf(change)).toBe('25006');
      });

      if (lagMs === undefined) return;
      test('P10 so it is for as long as the replica lags', async () => {
        await standby.caughtUp();
        await standby.setDelay(lagMs ?? 0);
        const there = standby.at(role);
        await admin(`ALTER ROLE app PASSWORD ${verifierOf(newPassword)}`);
        expect([await logIn(oldPassword, there), await logIn(newPassword, there)]).toEqual([
          'ok',
          '28P01 bad',
        ]);
        await standby.caughtUp();
        expect([await logIn(oldPassword, there), await logIn(newPassword, there)]).toEqual([
          '28P01 bad',
          'ok',
        ]);
      });
    });
  });
}

/** `ok`, or the SQLSTATE and what is concluded from it. */
async function tryLogin(target: ConnectionTarget): Promise<string> {
  try {
    await withClient(target, options, (client) => client.query('SELECT 1'));
    return 'ok';
  } catch (error) {
    return `${errorCode(error)} ${judgeLogin(error).login}`;
  }
}

const codeOf = (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => 'ok',
    (error: unknown) => errorCode(error),
  );

const sleepingBackend = (target: ConnectionTarget): Promise<void> =>
  withClient(target, options, (client) => until(client, `usename = 'app' AND query LIKE '%pg_sleep(60)%'`));

const waitingBackend = (client: Client): Promise<void> =>
  until(client, `wait_event_type = 'Lock' AND query LIKE 'ALTER ROLE%'`);

async function until(client: Client, condition: string): Promise<void> {
  for (;;) {
    // Inside a transaction the view is a snapshot.
    await client.query('SELECT pg_stat_clear_snapshot()');
    const { rows } = await client.query(
      `SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND ${condition}`,
    );
    if (rows.length > 0) return;
    await client.query('SELECT pg_sleep(0.02)');
  }
}
