import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quoteIdentifier } from '../../src/database/identifier.ts';
import { ensureRoles, roleNames } from '../../src/database/roles.ts';
import { type Lease, releaseLease, takeLease } from '../../src/database/rotation-lease.ts';
import { scramVerifier } from '../../src/database/scram.ts';
import type { ConnectionTarget } from '../../src/database/target.ts';
import { type Client, withClient } from '../../src/database/with-client.ts';
import { parseProjectName } from '../../src/project/names.ts';
import type { PostgresMajor } from '../../src/project/postgres-packages.ts';
import { Secret } from '../../src/secret.ts';
import { startTestPostgres } from '../postgres-server.ts';

type Server = Awaited<ReturnType<typeof startTestPostgres>>;

const options = { applicationName: 'roles test' };
const passwords = { a: new Secret('slot-a-password'), b: new Secret('slot-b-password') };

/** Proves the project's roles on one major version: made by the superuser, and by an admin such as RDS has. */
export function describeRoles(major: PostgresMajor): void {
  describe(`PostgreSQL ${major}`, () => {
    let server: Server;
    beforeAll(async () => {
      server = await startTestPostgres({ major });
    });
    afterAll(() => server.cleanUp());

    describe('made by a superuser', () => {
      let way: Ways;
      beforeAll(async () => {
        const { local } = server;
        way = { names: parseProjectName('library'), admin: local.admin, a: local.slots.a, b: local.slots.b };
        await createTables(way);
      });
      describeSlot(() => way);
      describeRepetition(() => way);
      describeRenewal(() => way);
    });

    describe('made by an admin with CREATEROLE and CREATEDB, who is no superuser', () => {
      let way: Ways;
      beforeAll(async () => {
        way = await makeCloudDatabase(server.local.admin);
        await withClient(way.admin, options, (client) => ensureRoles(client, way.names, passwords));
        await createTables(way);
      });
      describeSlot(() => way);
      describeRepetition(() => way);
      describeRenewal(() => way);
    });
  });
}

interface Ways {
  readonly names: ReturnType<typeof parseProjectName>;
  readonly admin: ConnectionTarget;
  readonly a: ConnectionTarget;
  readonly b: ConnectionTarget;
}

/** A database in the hands of an admin such as RDS's master user. */
async function makeCloudDatabase(superuser: ConnectionTarget): Promise<Ways> {
  const password = new Secret('cloud-admin-password');
  await withClient(superuser, options, async (client) => {
    const verifier = scramVerifier(password);
    await client.query(`CREATE ROLE cloud_admin LOGIN CREATEROLE CREATEDB PASSWORD '${verifier}'`);
    await client.query('CREATE DATABASE shop OWNER cloud_admin');
  });
  const names = parseProjectName('shop');
  const { slots } = roleNames(names);
  const place = { ...superuser, database: 'shop' };
  return {
    names,
    admin: { ...place, user: 'cloud_admin', password },
    a: { ...place, user: slots.a, password: passwords.a },
    b: { ...place, user: slots.b, password: passwords.b },
  };
}

/** As a migration does: after the roles were made, by the owner. */
async function createTables({ names, admin }: Ways): Promise<void> {
  await withClient(admin, options, async (client) => {
    await client.query(`SET ROLE ${quoteIdentifier(roleNames(names).owner)}`);
    await client.query('CREATE TABLE book (id bigserial PRIMARY KEY, title text NOT NULL)');
    await client.query('CREATE SCHEMA audit CREATE TABLE audit.entry (id int)');
    await client.query(`CREATE FUNCTION answer() RETURNS int LANGUAGE sql AS 'SELECT 42'`);
    await client.query('REVOKE EXECUTE ON FUNCTION answer() FROM PUBLIC');
  });
}

const forbidden = [
  'DROP TABLE book',
  'ALTER TABLE book ADD COLUMN note text',
  'TRUNCATE book',
  'CREATE TABLE more (id int)',
  'CREATE TEMP TABLE more (id int)',
  'CREATE SCHEMA more',
  'DROP SCHEMA audit CASCADE',
  'CREATE INDEX ON book (title)',
  'ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC; CREATE TABLE more (id int)',
  'CREATE ROLE more',
  'SET ROLE %owner%',
  'GRANT %owner% TO %slot%',
  'DROP DATABASE %database%',
];

function describeSlot(way: () => Ways): void {
  test.each(['a', 'b'] as const)(
    'slot %s reads and writes what the owner made later, also after DISCARD ALL',
    async (slot) => {
      await withClient(way()[slot], options, async (client) => {
        for (const before of ['SELECT 1', 'DISCARD ALL', 'RESET ROLE']) {
          await client.query(before);
          const { rows } = await client.query(`INSERT INTO book (title) VALUES ('Emma') RETURNING id`);
          expect(Number(rows[0].id)).toBeGreaterThan(0);
          await client.query(`UPDATE book SET title = 'Persuasion' WHERE id = $1`, [rows[0].id]);
          expect((await client.query('SELECT title FROM book')).rows).toEqual([{ title: 'Persuasion' }]);
          expect((await client.query('DELETE FROM book')).rowCount).toBe(1);
          await client.query(
            `SELECT nextval('book_id_seq'), currval('book_id_seq'), last_value FROM book_id_seq`,
          );
          await client.query('INSERT INTO audit.entry VALUES (1)');
          expect((await client.query('SELECT answer()')).rows).toEqual([{ answer: 42 }]);
        }
      });
    },
  );

  test.each(forbidden)('a slot cannot %s, also after DISCARD ALL', async (statement) => {
    const { names, a } = way();
    const { owner, slots } = roleNames(names);
    const text = statement
      .replaceAll('%owner%', owner)
      .replaceAll('%slot%', slots.a)
      .replaceAll('%database%', names.snake);
    await withClient(a, options, async (client) => {
      for (const before of ['SELECT 1', 'DISCARD ALL', 'RESET ROLE', 'SET ROLE NONE']) {
        await client.query(before);
        await expect(client.query(text)).rejects.toMatchObject({ code: '42501' });
      }
    });
  });

  test('a GRANT by a slot has no effect: PostgreSQL warns and goes on', async () => {
    const { a, b } = way();
    const readRights = `SELECT relacl::text FROM pg_class WHERE relname = 'book'`;
    await withClient(a, options, async (client) => {
      const before = await client.query(readRights);
      const warnings: unknown[] = [];
      client.on('notice', ({ code }) => warnings.push(code));
      for (const grantee of ['PUBLIC', quoteIdentifier(b.user)]) {
        await client.query(`GRANT SELECT ON book TO ${grantee}`);
      }
      expect(warnings).toEqual(['01007', '01007']);
      expect((await client.query(readRights)).rows).toEqual(before.rows);
    });
  });

  test("a slot works as the app role, and a stranger's login does not get in", async () => {
    const { names, a, admin } = way();
    const { app, slots } = roleNames(names);
    await withClient(a, options, async (client) => {
      const { rows } = await client.query('SELECT session_user AS login, current_user AS role');
      expect(rows).toEqual([{ login: slots.a, role: app }]);
    });
    const stranger = `${names.snake}_stranger`;
    const password = new Secret('stranger-password');
    await withClient(admin, options, (client) =>
      client.query(`CREATE ROLE ${stranger} LOGIN PASSWORD '${scramVerifier(password)}'`),
    );
    const opened = withClient({ ...a, user: stranger, password }, options, async () => 'opened');
    await expect(opened).rejects.toMatchObject({ code: '42501' });
  });
}

function describeRepetition(way: () => Ways): void {
  test('a repetition changes nothing, and four at once agree', async () => {
    const { names, admin, a } = way();
    const before = await snapshot(admin);
    const again = { a: new Secret('another-password'), b: new Secret('another-password') };
    const ensure = () => withClient(admin, options, (client) => ensureRoles(client, names, again));
    await Promise.all([ensure(), ensure(), ensure(), ensure()]);
    expect(await snapshot(admin)).toEqual(before);
    await withClient(a, options, (client) => client.query('SELECT 1'));
  });
}

/** The other login's password changes: by `ensureRoles`, unless somebody rotates. */
function describeRenewal(way: () => Ways): void {
  test('a slot that is refused gets its password anew, but not while a rotation runs', async () => {
    const { names, admin, b } = way();
    const former = { b: b.password as Secret };
    const next = { b: new Secret('the-next-password') };
    const renew = (client: Client) => ensureRoles(client, names, next, ['b']);
    const login = (password: Secret) =>
      withClient({ ...b, password }, options, (client) => client.query('SELECT 1'));
    const holder = { run: '1f', user: 'ana', host: 'fern', machine: '2e', pid: 1 };
    await withClient(admin, options, async (client) => {
      const { owner } = roleNames(names);
      const lease = await takeLease(client, { id: `${names.kebab}-dev`, holder, leaseMs: 60_000 }, owner);
      await renew(client);
      await expect(login(next.b)).rejects.toMatchObject({ code: '28P01' });
      await login(former.b);
      await releaseLease(client, lease as Lease);
      await renew(client);
      await login(next.b);
      await ensureRoles(client, names, former, ['b']);
    });
  });
}

async function snapshot(admin: ConnectionTarget): Promise<unknown> {
  return withClient(admin, options, async (client) => {
    const { rows } = await client.query(
      `SELECT (SELECT json_agg(r ORDER BY rolname) FROM (SELECT rolname, rolcanlogin, rolinherit, rolconfig FROM pg_roles) r) AS roles,
              (SELECT json_agg(m ORDER BY roleid, member) FROM (SELECT roleid, member FROM pg_auth_members) m) AS members,
              (SELECT json_agg(a ORDER BY defaclobjtype) FROM (SELECT defaclobjtype, defaclacl FROM pg_default_acl) a) AS defaults,
              (SELECT datacl FROM pg_database WHERE datname = current_database()) AS rights`,
    );
    return rows;
  });
}
