import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RoleGraph, readRoleGraph } from '../../src/database/role-graph.ts';
import { type Client, withClient } from '../../src/database/with-client.ts';
import { planAdopt } from '../../src/rotation/adopt/adopt-plan.ts';
import type { AdoptPlan } from '../../src/rotation/adopt/adopt-step.ts';
import { startTestPostgres } from '../postgres-server.ts';
import { makeSingleRole, roles, type Server, type SingleRole } from './adopt-suite.ts';

const applicationName = 'cautions test';
const role = 'shop_user';
let server: Server;
let single: SingleRole;
let graph: RoleGraph;
beforeAll(async () => {
  server = await startTestPostgres();
  single = await makeSingleRole(server, role);
  graph = await withClient(single.open.admin, { applicationName }, (client) => readRoleGraph(client, [role]));
});
afterAll(() => server.cleanUp());

/** The plan after the superuser has done this, which is undone again. */
async function planAfter(sql: string, undo: string): Promise<AdoptPlan> {
  return withClient(single.superuser, { applicationName }, async (client: Client) => {
    await client.query(sql);
    try {
      const found = await withClient(single.open.admin, { applicationName }, (admin) =>
        readRoleGraph(admin, [role]),
      );
      return planAdopt(found, role, roles);
    } finally {
      await client.query(undo);
    }
  });
}

const textOf = ({ transactions }: AdoptPlan): string =>
  transactions.flatMap(({ steps }) => steps.map(({ sql }) => sql)).join('\n');

test('a plan gives before it takes, and takes one relation at a time', () => {
  const { transactions, refusals, warnings } = planAdopt(graph, role, roles);
  expect(refusals).toEqual([]);
  const [first, ...others] = transactions;
  expect(first?.steps.map(({ sql }) => sql).join('\n')).not.toMatch(
    /REASSIGN|ALTER TABLE|ALTER SEQUENCE|REVOKE/,
  );
  expect(others.slice(0, -1).map(({ steps }) => steps.length)).toEqual(others.slice(0, -1).map(() => 1));
  expect(others.at(-1)?.steps.at(-1)?.sql).toBe('REVOKE "shop_user" FROM "shop_owner"');
  expect(warnings.join('\n')).toContain('consumers that run DDL');
  expect(warnings.join('\n')).toMatch(/\d+ relations are locked for a moment/);
  for (const { steps } of transactions) for (const { why } of steps) expect(why).not.toBe('');
});

/** What is done before, how it is undone, the code of the refusal, and a part of what it suggests. */
const refused: readonly (readonly [sql: string, undo: string, code: string, suggestion: string])[] = [
  [
    `ALTER ROLE ${role} CREATEROLE`,
    `ALTER ROLE ${role} NOCREATEROLE`,
    'ADOPT_ADMIN',
    'a role of its own first',
  ],
  [
    `ALTER ROLE ${role} SUPERUSER`,
    `ALTER ROLE ${role} NOSUPERUSER`,
    'ADOPT_ADMIN',
    'a role of its own first',
  ],
  [`ALTER ROLE ${role} NOLOGIN`, `ALTER ROLE ${role} LOGIN`, 'ADOPT_NO_LOGIN', ''],
  [`ALTER ROLE ${role} SET role = reporting`, `ALTER ROLE ${role} RESET role`, 'ADOPT_ACTS_AS', 'RESET role'],
  [
    `ALTER DATABASE library OWNER TO ${role}`,
    'ALTER DATABASE library OWNER TO postgres',
    'ADOPT_OWNS_DATABASES',
    'ALTER DATABASE',
  ],
  [
    'ALTER TABLE customer ENABLE ROW LEVEL SECURITY',
    'ALTER TABLE customer DISABLE ROW LEVEL SECURITY',
    'ADOPT_ROW_SECURITY',
    'ALTER TABLE public.customer FORCE ROW LEVEL SECURITY',
  ],
  [
    'ALTER ROLE cloud_admin NOCREATEROLE',
    'ALTER ROLE cloud_admin CREATEROLE',
    'NO_CREATEROLE',
    'ALTER ROLE "cloud_admin" CREATEROLE',
  ],
  [
    'ALTER ROLE cloud_admin NOCREATEDB',
    'ALTER ROLE cloud_admin CREATEDB',
    'NO_CREATEDB',
    'ALTER ROLE "cloud_admin" CREATEDB',
  ],
  [
    `CREATE TABLE hidden (id int); GRANT SELECT ON hidden TO ${role}`,
    'DROP TABLE hidden',
    'NO_RIGHT_TO_GRANT',
    'as "postgres": GRANT SELECT ON TABLE public.hidden TO "shop_app"',
  ],
  [
    `GRANT pg_read_all_stats TO ${role}`,
    `REVOKE pg_read_all_stats FROM ${role}`,
    'NO_RIGHT_TO_GRANT',
    'GRANT "pg_read_all_stats" TO "shop_app"',
  ],
];

test.each(refused)('refused after %s', async (sql, undo, code, suggestion) => {
  const { refusals } = await planAfter(sql, undo);
  expect(refusals.map((refusal) => refusal.code)).toContain(code);
  expect(refusals.flatMap(({ suggestions }) => suggestions).join('\n')).toContain(suggestion);
});

test('a role that is not there, one of the house, and the admin itself', () => {
  expect(planAdopt(graph, 'nobody', roles).refusals).toMatchObject([{ code: 'NO_SUCH_ROLE' }]);
  expect(planAdopt(graph, 'cloud_admin', roles).refusals).toMatchObject([{ code: 'ADOPT_ADMIN' }]);
  const house = {
    ...graph,
    roles: graph.roles.map((one) => (one.name === role ? { ...one, name: 'shop_a' } : one)),
  };
  expect(planAdopt(house, 'shop_a', roles).refusals).toMatchObject([{ code: 'ADOPT_OWN_ROLE' }]);
});

describe('what a person should know', () => {
  const warned: readonly (readonly [sql: string, undo: string, words: string])[] = [
    [
      'CREATE POLICY mine ON customer USING (name = session_user)',
      'DROP POLICY mine ON customer',
      'the policy mine of public.customer: (name = SESSION_USER)',
    ],
    [
      'ALTER TABLE customer ALTER name SET DEFAULT current_user',
      'ALTER TABLE customer ALTER name DROP DEFAULT',
      'the default public.customer.name: CURRENT_USER',
    ],
    [
      `CREATE EXTENSION postgres_fdw; CREATE SERVER books FOREIGN DATA WRAPPER postgres_fdw; CREATE USER MAPPING FOR ${role} SERVER books OPTIONS (password 'a-secret-word')`,
      'DROP EXTENSION postgres_fdw CASCADE',
      'CREATE USER MAPPING FOR "shop_app" SERVER books',
    ],
    [`CREATE ROLE alice LOGIN IN ROLE ${role}`, 'DROP ROLE alice', `"alice" had the rights of "${role}"`],
    [
      `CREATE ROLE bob LOGIN`,
      'DROP ROLE bob',
      `"bob", "library_a", "library_b" may connect only because everybody may`,
    ],
    [
      `CREATE SCHEMA ${role}; CREATE TABLE ${role}.mine (); ALTER TABLE ${role}.mine OWNER TO ${role}`,
      `DROP SCHEMA ${role} CASCADE`,
      `"$user" finds the schema "${role}"`,
    ],
  ];
  test.each(warned)('after %s', async (sql, undo, words) => {
    const plan = await planAfter(sql, undo);
    expect(plan.warnings.join('\n')).toContain(words);
    expect(JSON.stringify(plan)).not.toContain('a-secret-word');
  });

  test('objects in another database of the cluster', async () => {
    const elsewhere = { ...single.superuser, database: 'library' };
    const inLibrary = (sql: string) =>
      withClient(elsewhere, { applicationName }, (client) => client.query(sql));
    await inLibrary(`CREATE TABLE stray (id int); ALTER TABLE stray OWNER TO ${role}`);
    const plan = await planAfter('SELECT 1', 'SELECT 1');
    await inLibrary('DROP TABLE stray');
    expect(plan.warnings.join('\n')).toMatch(/owns \d objects? in the database "library" too/);
  });
});

test('"$user" keeps finding the schema of the role, in the slots by its name', async () => {
  const sql = `CREATE SCHEMA ${role}; ALTER ROLE ${role} SET search_path = "$user", sales, public`;
  const plan = await planAfter(sql, `DROP SCHEMA ${role}; ALTER ROLE ${role} RESET search_path`);
  expect(textOf(plan)).toContain(
    `ALTER ROLE "shop_a" IN DATABASE "shop" SET "search_path" = "shop_user", sales, public`,
  );
});

test('a hidden setting is copied on the server, and the plan does not show it', async () => {
  const sql = `ALTER ROLE ${role} SET "app.key" = 'a-secret-word'`;
  const plan = await planAfter(sql, `ALTER ROLE ${role} RESET "app.key"`);
  expect(JSON.stringify(plan)).not.toContain('a-secret-word');
  const copy = textOf(plan)
    .split('\n')
    .findIndex((line) => line.includes('app'));
  expect(copy).toBeGreaterThan(-1);
  expect(textOf(plan)).toContain(`EXECUTE ''ALTER ROLE "shop_a" SET "app"."key" = ''`);
});

test('a policy for the role is one for the app role too, with the lock of its table', async () => {
  const sql = `ALTER TABLE customer FORCE ROW LEVEL SECURITY; ALTER TABLE customer ENABLE ROW LEVEL SECURITY; CREATE POLICY mine ON customer TO ${role} USING (true)`;
  const undo =
    'DROP POLICY mine ON customer; ALTER TABLE customer NO FORCE ROW LEVEL SECURITY; ALTER TABLE customer DISABLE ROW LEVEL SECURITY';
  const plan = await planAfter(sql, undo);
  expect(plan.refusals).toEqual([]);
  const move = plan.transactions.find(({ steps }) =>
    steps.some((step) => step.sql.startsWith('ALTER POLICY')),
  );
  expect(move?.steps.map((step) => step.sql)).toEqual([
    'ALTER POLICY mine ON public.customer TO "shop_user", "shop_app"',
    'ALTER TABLE public.customer OWNER TO "shop_owner"',
  ]);
});

test('statements of the role queue behind a lock that is waited for: its own timeouts shorten that', async () => {
  const plan = await planAfter(
    `ALTER ROLE ${role} SET lock_timeout = '300ms'`,
    `ALTER ROLE ${role} RESET lock_timeout`,
  );
  expect(plan.lockTimeoutMs).toBe(100);
});
