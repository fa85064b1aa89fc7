import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { scramVerifier } from '../../src/database/scram.ts';
import type { ConnectionTarget } from '../../src/database/target.ts';
import { withClient } from '../../src/database/with-client.ts';
import type { PostgresMajor } from '../../src/project/postgres-packages.ts';
import { Secret } from '../../src/secret.ts';
import { testContext } from '../postgres-server.ts';
import { failureOf, makeLogin, openRotation, sql, startServer, type TestServer } from './database-bed.ts';

/** Who may change whose password, as the preflight of a rotation says it, on one major version. */
export function describeRights(major: PostgresMajor): void {
  describe(`PostgreSQL ${major}`, () => {
    let server: TestServer;
    /** As RDS's master user: no superuser. */
    let cloudAdmin: ConnectionTarget;
    let maker: ConnectionTarget;
    beforeAll(async () => {
      server = await startServer({ major });
      cloudAdmin = { ...server.local.admin, ...(await makeLogin(server, 'Cloud"Admin', 'CREATEROLE')) };
      maker = { ...server.local.admin, ...(await makeLogin(server, 'maker', 'CREATEROLE')) };
      await sql(server.local.admin, 'GRANT CREATE ON DATABASE library TO "Cloud""Admin"');
      await sql(maker, `CREATE ROLE shop_a LOGIN PASSWORD '${scramVerifier(new Secret('of-slot-a'))}'`);
      await sql(server.local.admin, 'GRANT CONNECT ON DATABASE library TO shop_a');
    });
    afterAll(() => server.cleanUp());
    const rotationOf = (admin: ConnectionTarget, context = testContext()) =>
      openRotation(server, { id: 'shop-dev', admin, expectedRole: 'shop_a', context, ownerRole: '' });
    const next = { user: 'shop_a', password: new Secret('the-next-password-of-a') };

    test('an admin who may not make the schema is told what to grant', async () => {
      const hold = (admin: ConnectionTarget, ownerRole: string) =>
        failureOf(openRotation(server, { admin, ownerRole }).withLease(async () => {}));
      expect(await hold(cloudAdmin, 'library_owner')).toMatchObject({
        code: 'LEASE_FORBIDDEN',
        suggestions: ['as a superuser, or who made it: GRANT "library_owner" TO "Cloud""Admin"'],
      });
      expect(await hold(maker, '')).toMatchObject({
        code: 'LEASE_FORBIDDEN',
        suggestions: [
          'as the owner of the database: GRANT CREATE ON DATABASE "library" TO "maker"',
          expect.stringContaining('GRANT USAGE, CREATE ON SCHEMA lambdapg TO "maker"'),
        ],
      });
    });

    test('a role that somebody else made', async () => {
      const rotation = rotationOf(cloudAdmin);
      if (major < 16) {
        await rotation.verifyMayAlter(['shop_a']);
        await rotation.withLease(() => rotation.setPassword(next));
        return;
      }
      const grant = 'GRANT "shop_a" TO "Cloud""Admin" WITH ADMIN OPTION';
      expect(await failureOf(rotation.verifyMayAlter(['shop_a']))).toMatchObject({
        code: 'ROLE_FORBIDDEN',
        message: '"Cloud"Admin" may not change the password of "shop_a"',
        suggestions: [`to be run by "maker": ${grant}`],
      });
      expect(await failureOf(rotation.withLease(() => rotation.setPassword(next)))).toMatchObject({
        code: 'ROLE_FORBIDDEN',
        suggestions: [`to be run by a superuser, or who made the role: ${grant}`],
      });
      await sql(maker, grant);
      await rotation.verifyMayAlter(['shop_a']);
      await rotation.withLease(() => rotation.setPassword(next));
      expect(await rotation.logins(next)).toMatchObject([{ login: 'ok' }]);
    });

    test('sessions that the admin may neither see nor end are told, with the GRANT', async () => {
      const context = testContext();
      const rotation = rotationOf(maker, context);
      await sql(server.local.admin, 'GRANT USAGE, CREATE ON SCHEMA lambdapg TO maker');
      await sql(server.local.admin, 'GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA lambdapg TO maker');
      const grants = ['GRANT pg_read_all_stats TO "maker"', 'GRANT pg_signal_backend TO "maker"'];
      expect((await rotation.verifyMayAlter(['shop_a'])).map(({ grant }) => grant)).toEqual(grants);
      const session = { ...server.local.admin, ...next };
      await rotation.withLease(async () => {
        await rotation.setPassword(next);
        await withClient(session, { applicationName: 'shop' }, async (client) => {
          expect(await rotation.sessions('shop_a')).toBeUndefined();
          expect(await rotation.countSessions('shop_a', 0)).toEqual({ all: 1, unused: 0 });
          expect(await rotation.endSessions('shop_a')).toBe(0);
          expect(await rotation.sessions('shop_a')).toBeUndefined();
          expect(context.events.filter(({ type }) => type.startsWith('sessions'))).toMatchObject([
            { type: 'sessions-hidden', message: expect.stringContaining(grants[0] ?? '') },
            { type: 'sessions-left', message: expect.stringContaining(grants[1] ?? '') },
          ]);
          await client.query('SELECT 1');
          for (const grant of grants) await sql(server.local.admin, grant);
          expect(await rotation.verifyMayAlter(['shop_a'])).toEqual([]);
          expect(await rotation.sessions('shop_a')).toMatchObject([{ application: 'shop', state: 'idle' }]);
          expect(await rotation.endSessions('shop_a')).toBe(1);
        });
      });
    });

    test('rds.restrict_password_commands keeps passwords to the members of rds_password', async () => {
      await sql(server.local.admin, `ALTER DATABASE library SET rds.restrict_password_commands = 'on'`);
      await sql(server.local.admin, 'CREATE ROLE rds_password');
      const rotation = rotationOf(maker);
      const refusal = await failureOf(rotation.verifyMayAlter(['shop_a']));
      expect(refusal).toMatchObject({
        code: 'ROLE_FORBIDDEN',
        suggestions: ['to be run by the master user: GRANT rds_password TO "maker"'],
      });
      await sql(server.local.admin, 'GRANT rds_password TO maker');
      await rotation.verifyMayAlter(['shop_a']);
    });

    test('an extension that bans whoever is refused too often is told of', async () => {
      await sql(server.local.admin, `ALTER DATABASE library SET credcheck.max_auth_failure = '5'`);
      expect(await openRotation(server).verifyMayAlter(['shop_a'])).toMatchObject([
        { message: expect.stringContaining('after 5 refused logins') },
      ]);
      await sql(server.local.admin, 'ALTER DATABASE library RESET credcheck.max_auth_failure');
    });

    test('a superuser may all; its own password is nobody else’s', async () => {
      await openRotation(server).verifyMayAlter(['shop_a', 'maker']);
      expect(await failureOf(rotationOf(maker).verifyMayAlter(['postgres']))).toMatchObject({
        code: 'ROLE_FORBIDDEN',
        message: '"postgres" is a superuser, whose password "maker" may not change',
      });
      expect(await failureOf(openRotation(server).verifyMayAlter(['shop_z']))).toMatchObject({
        code: 'ROLE_MISSING',
        message: 'the database has no role "shop_z"',
      });
    });
  });
}
