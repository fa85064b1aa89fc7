import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RoleGraph, readRoleGraph } from '../../src/database/role-graph.ts';
import { copyRoleSetting, setRoleSetting } from '../../src/database/role-setting.ts';
import { withClient } from '../../src/database/with-client.ts';
import { roleGraphJob } from '../../src/jobs/role-graph-job.ts';
import { startTestPostgres, testContext } from '../postgres-server.ts';

let server: Awaited<ReturnType<typeof startTestPostgres>>;
let graph: RoleGraph;
beforeAll(async () => {
  server = await startTestPostgres({ major: 15 });
  await withClient(server.local.admin, { applicationName: 'graph test' }, async (client) => {
    await client.query(
      `CREATE ROLE "o'hara ""x""" LOGIN NOINHERIT VALID UNTIL '2035-01-01' CONNECTION LIMIT 3`,
    );
    await client.query(
      `GRANT library_app TO "o'hara ""x"""; ALTER ROLE "o'hara ""x""" SET app.key = 'a-secret-word'`,
    );
    await client.query(`ALTER ROLE library_a SET search_path = "My Schema", public`);
    await client.query(
      `CREATE SCHEMA "My Schema"; CREATE TABLE "My Schema"."T" (id serial, "Who" text DEFAULT session_user)`,
    );
    await client.query(
      `GRANT SELECT ("Who"), UPDATE (id) ON "My Schema"."T" TO library_a WITH GRANT OPTION; GRANT SELECT ON "My Schema"."T" TO PUBLIC`,
    );
    await client.query(
      `CREATE FUNCTION f(a int, b text DEFAULT 'x') RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'`,
    );
    await client.query(
      'CREATE EXTENSION pg_trgm; CREATE EXTENSION postgres_fdw; CREATE SERVER books FOREIGN DATA WRAPPER postgres_fdw',
    );
    await client.query(`CREATE USER MAPPING FOR library_a SERVER books OPTIONS (password 'a-secret-word')`);
  });
  // As the weakest who may connect: the catalogues are for everybody.
  graph = await withClient(server.local.slots.a, { applicationName: 'graph test' }, (client) =>
    readRoleGraph(client, []),
  );
});
afterAll(() => server.cleanUp());

test('roles, memberships and settings, by their own names', () => {
  const name = `o'hara "x"`;
  expect(graph.server).toMatchObject({ major: 15, superuser: false, searchPath: '"$user", public' });
  expect(graph.roles.find((role) => role.name === name)).toMatchObject({
    login: true,
    inherit: false,
    connectionLimit: 3,
  });
  expect(graph.roles.find((role) => role.name === name)?.validUntil).toMatch(/^203[45]-/);
  // Before PostgreSQL 16 a member inherits when it says so of itself.
  expect(graph.memberships).toContainEqual({
    role: 'library_app',
    member: name,
    admin: false,
    inherit: false,
    set: true,
  });
  expect(graph.settings).toContainEqual({
    role: 'library_a',
    database: null,
    name: 'search_path',
    value: '"My Schema", public',
  });
});

test('names come out as SQL takes them, with rights on columns and what may be passed on', () => {
  const table = graph.objects.find(({ name }) => name === '"My Schema"."T"');
  expect(table).toMatchObject({
    kind: 'TABLE',
    schema: '"My Schema"',
    owner: 'postgres',
    ofExtension: false,
  });
  expect(table?.grants).toContainEqual({ to: null, rights: ['SELECT'] });
  expect(table?.columns).toEqual([
    { name: 'id', grants: [{ to: 'library_a', rights: ['UPDATE*'] }] },
    { name: '"Who"', grants: [{ to: 'library_a', rights: ['SELECT*'] }] },
  ]);
  const routine = graph.objects.find(({ kind }) => kind === 'ROUTINE');
  expect(routine).toMatchObject({ name: 'public.f(integer,text)', definer: true, grants: null });
  expect(graph.identityUses).toEqual([
    { kind: 'default', name: '"My Schema"."T"."Who"', text: 'SESSION_USER' },
  ]);
});

test('no secret is in it, nor what an extension brought', () => {
  const text = JSON.stringify(graph);
  expect(text).not.toMatch(/a-secret-word|SCRAM/);
  expect(graph.userMappings).toEqual([{ server: 'books', user: 'library_a' }]);
  expect(text).not.toContain('similarity');
});

test('beyond a limit what concerns the roles looked at comes first, and the rest is counted', async () => {
  const few = await withClient(server.local.admin, { applicationName: 'graph test' }, (client) =>
    readRoleGraph(client, ['library_a'], 2),
  );
  expect(few.objects.map(({ name }) => name)).toContain('library');
  expect(few.objects).toHaveLength(2);
  expect(few.objectsLeftOut).toBe(graph.objects.length - 2);
});

test('settings are set as they are kept: lists as lists, and hidden ones from role to role', async () => {
  const values = await withClient(server.local.admin, { applicationName: 'graph test' }, async (client) => {
    const list = graph.settings.find(({ name }) => name === 'search_path');
    await client.query(
      setRoleSetting('library_b', { database: null, name: 'search_path', value: list?.value ?? '' }),
    );
    await client.query(
      setRoleSetting('library_b', { database: 'library', name: 'app.quote', value: `it's` }),
    );
    await client.query(copyRoleSetting(`o'hara "x"`, 'library_b', { database: null, name: 'app.key' }));
    const { rows } = await client.query(
      `SELECT setdatabase <> 0 AS here, setconfig FROM pg_db_role_setting WHERE setrole = 'library_b'::regrole ORDER BY 1`,
    );
    return rows;
  });
  expect(values).toEqual([
    {
      here: false,
      setconfig: ['role=library_app', 'search_path="My Schema", public', 'app.key=a-secret-word'],
    },
    { here: true, setconfig: [`app.quote=it's`] },
  ]);
});

test('as a job, from wherever the database is reached', async () => {
  const found = await roleGraphJob.work(testContext(), server.local.admin, { focus: [] });
  expect(JSON.parse(JSON.stringify(found))).toEqual(found);
});
