import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quoteIdentifier } from '../../src/database/identifier.ts';
import { ensureRoles, roleNames } from '../../src/database/roles.ts';
import { scramVerifier } from '../../src/database/scram.ts';
import type { ConnectionTarget } from '../../src/database/target.ts';
import { type Client, withClient } from '../../src/database/with-client.ts';
import { parseProjectName } from '../../src/project/names.ts';
import type { PostgresMajor } from '../../src/project/postgres-packages.ts';
import { type AdoptDatabase, adopt, readAdoptPlan, readGraph } from '../../src/rotation/adopt/adopt.ts';
import { findDisparities } from '../../src/rotation/parity/parity.ts';
import { Secret } from '../../src/secret.ts';
import { startTestPostgres, testContext } from '../postgres-server.ts';

export const applicationName = 'adopt test';
export const names = parseProjectName('shop');
export const roles = roleNames(names);
const password = new Secret('a-password-of-the-shop');

export type Server = Awaited<ReturnType<typeof startTestPostgres>>;

/** A database that a single role made and works on, as an admin such as RDS has given it out. */
export interface SingleRole {
  readonly role: string;
  readonly open: AdoptDatabase;
  readonly superuser: ConnectionTarget;
  readonly app: ConnectionTarget;
}

/** Tables that hang together, and everything that belongs to them. */
const schema = `
  CREATE SCHEMA sales;
  CREATE TABLE public.customer (id serial PRIMARY KEY, name text NOT NULL UNIQUE);
  CREATE TABLE sales.purchase (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer int NOT NULL REFERENCES public.customer ON DELETE CASCADE, cents int NOT NULL, at timestamptz DEFAULT now());
  CREATE TABLE sales.event (at timestamptz NOT NULL, what text) PARTITION BY RANGE (at);
  CREATE TABLE sales.event_past PARTITION OF sales.event FOR VALUES FROM (MINVALUE) TO ('2100-01-01');
  CREATE SEQUENCE sales.ticket;
  CREATE TYPE sales.mood AS ENUM ('good', 'bad');
  CREATE VIEW sales.top AS SELECT name, sum(cents) AS cents FROM public.customer JOIN sales.purchase ON customer = customer.id GROUP BY name;
  CREATE VIEW sales.a_few AS SELECT * FROM sales.top LIMIT 3;
  CREATE MATERIALIZED VIEW sales.daily AS SELECT count(*) AS purchases FROM sales.purchase;
  CREATE FUNCTION sales.total() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT coalesce(sum(cents), 0) FROM sales.purchase';
  CREATE FUNCTION sales.private_total() RETURNS bigint LANGUAGE sql AS 'SELECT sales.total()';
  REVOKE EXECUTE ON FUNCTION sales.private_total() FROM PUBLIC;
  INSERT INTO public.customer (name) SELECT 'first ' || n FROM generate_series(1, 500) AS n;
  SELECT lo_from_bytea(4711, 'large');
  ALTER DEFAULT PRIVILEGES IN SCHEMA sales GRANT SELECT ON TABLES TO reporting;`;

/** @param role any legal name */
export async function makeSingleRole(server: Server, role: string, ownsDatabase = true): Promise<SingleRole> {
  const superuser = { ...server.local.admin, database: 'shop' };
  const [id, verifier] = [quoteIdentifier(role), scramVerifier(password)];
  const asAdmin: ConnectionTarget = { ...superuser, user: 'cloud_admin', password };
  const app: ConnectionTarget = { ...superuser, user: role, password };
  await withClient(server.local.admin, { applicationName }, async (client) => {
    await client.query(`CREATE ROLE cloud_admin LOGIN CREATEROLE CREATEDB PASSWORD '${verifier}'`);
    await client.query('CREATE DATABASE shop OWNER cloud_admin');
  });
  await withClient(asAdmin, { applicationName }, async (client) => {
    await client.query(
      `CREATE ROLE ${id} LOGIN PASSWORD '${verifier}'; CREATE ROLE reporting; CREATE ROLE auditor`,
    );
    await client.query(
      `GRANT auditor TO ${id}; ALTER ROLE ${id} SET statement_timeout = '20s'; ALTER ROLE ${id} CONNECTION LIMIT 40`,
    );
    await client.query(
      `CREATE TABLE setting (key text PRIMARY KEY, value text); INSERT INTO setting VALUES ('tax', '19')`,
    );
    await client.query(
      `CREATE TABLE audit (what text, secret text); GRANT INSERT ON audit TO auditor; GRANT SELECT (what) ON audit TO ${id}`,
    );
    await client.query(`GRANT SELECT, UPDATE ON setting TO ${id}`);
    await client.query(
      `GRANT CREATE, USAGE ON SCHEMA public TO ${id}; GRANT CREATE, TEMPORARY ON DATABASE shop TO ${id}`,
    );
  });
  // Only the owner of a database may have been a member of the role.
  if (ownsDatabase)
    await withClient(superuser, { applicationName }, (client) =>
      client.query(`ALTER DATABASE shop OWNER TO ${id}`),
    );
  await withClient(app, { applicationName }, (client) => client.query(schema));
  const open: AdoptDatabase = {
    admin: asAdmin,
    run: (job, target, input) => job.work(testContext(), target, input),
  };
  return { role, open, superuser, app };
}

/** What a consumer does all the time: each statement is one that a request could be answered by. */
const statements = [
  `INSERT INTO customer (name) VALUES (md5(random()::text))`,
  `INSERT INTO sales.purchase (customer, cents) SELECT max(id), 5 FROM customer`,
  `INSERT INTO sales.event VALUES (now(), 'visit')`,
  `UPDATE sales.purchase SET cents = cents + 1 WHERE id = (SELECT max(id) FROM sales.purchase)`,
  `SELECT * FROM sales.top`,
  `SELECT * FROM sales.a_few`,
  `SELECT purchases FROM sales.daily`,
  `SELECT sales.total(), sales.private_total(), 'good'::sales.mood`,
  `SELECT nextval('sales.ticket'), lo_get(4711)`,
  `UPDATE setting SET value = '20' WHERE key = 'tax'`,
  `INSERT INTO audit VALUES ('a')`,
  `SELECT what FROM audit`,
  `DELETE FROM customer WHERE id = (SELECT min(id) FROM customer)`,
  `CREATE TEMP TABLE IF NOT EXISTS basket (id int)`,
] as const;

/** In one transaction, in an order that asks for deadlocks with whoever locks several tables. */
async function oneOrder(client: Client): Promise<void> {
  await client.query('BEGIN');
  for (const table of ['sales.event', 'sales.purchase', 'customer'].toSorted(() => Math.random() - 0.5)) {
    await client.query(`SELECT count(*) FROM ${table}`);
    await client.query('SELECT pg_sleep(0.005)');
  }
  await client.query('COMMIT');
}

export interface Load {
  readonly failures: string[];
  done: number;
  stop(): Promise<void>;
}

/** Sessions that never pause, and one that logs in anew each time. */
export function startLoad(target: ConnectionTarget, only: readonly string[] = statements): Load {
  let running = true;
  const load = { failures: [] as string[], done: 0 };
  const attempt = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    await work().then(
      () => {
        load.done += 1;
      },
      (error: Error) => load.failures.push(`${what}: ${error.message}`),
    );
  };
  const session = async (work: (client: Client) => Promise<void>): Promise<void> => {
    await withClient(target, { applicationName: 'consumer' }, async (client) => {
      while (running) await work(client);
    });
  };
  const all = async (client: Client): Promise<void> => {
    for (const statement of only) await attempt(statement, () => client.query(statement));
  };
  const logins = async (): Promise<void> => {
    while (running) {
      await attempt('login', () =>
        withClient(target, { applicationName: 'consumer' }, (client) => client.query('SELECT 1')),
      );
    }
  };
  const working = [session(all), session(all), logins()];
  if (only === statements) working.push(session((client) => attempt('order', () => oneOrder(client))));
  return Object.assign(load, {
    async stop() {
      running = false;
      await Promise.all(working);
    },
  });
}

/** @param only kinds of names */
export function describeAdopt(major: PostgresMajor, ...only: readonly ('plain' | 'quoted')[]): void {
  const kinds = { plain: 'shop_user', quoted: `o'shop "user"` } as const;
  describe.each(only.map((kind) => [kind, kinds[kind]]))(
    `PostgreSQL ${major}: adopting a %s name`,
    (_kind, role) => {
      let server: Server;
      let single: SingleRole;
      beforeAll(async () => {
        server = await startTestPostgres({ major });
        single = await makeSingleRole(server, role);
      });
      afterAll(() => server.cleanUp());

      test('no statement of a running client fails, and the slots can do what it can', async () => {
        const load = startLoad(single.app);
        await until(() => load.done > 60);
        const plan = await readAdoptPlan(single.open, role, roles);
        expect(plan.refusals).toEqual([]);
        await adopt(testContext(), single.open, plan, { lockTimeoutMs: 200, patienceMs: 30_000 });
        const before = load.done;
        await until(() => load.done > before + 60);
        await load.stop();
        expect(load.failures).toEqual([]);
        await givePasswords(single.superuser);
        for (const slot of [roles.slots.a, roles.slots.b]) {
          await withClient({ ...single.app, user: slot }, { applicationName }, async (client) => {
            for (const statement of statements) await client.query(statement);
            await expect(client.query('DROP TABLE customer')).rejects.toMatchObject({ code: '42501' });
          });
        }
      });

      test('the second time there is nothing to do', async () => {
        const plan = await readAdoptPlan(single.open, role, roles);
        expect(plan.transactions).toEqual([]);
        expect(await adopt(testContext(), single.open, plan)).toEqual({ statements: 0 });
      });

      test('the slots are no different from the role and from each other', async () => {
        const graph = await readGraph(single.open, [role]);
        const { app, owner, slots } = roles;
        const base = { app, owner, slots };
        expect(findDisparities(graph, { ...base, current: role, standby: slots.a })).toEqual([]);
        expect(findDisparities(graph, { ...base, current: slots.a, standby: slots.b })).toEqual([]);
      });

      test('everything belongs to the owner role, which has nothing of the role any more', async () => {
        const graph = await readGraph(single.open, [role]);
        expect(graph.owned.filter((one) => one.role === role)).toEqual([]);
        expect(graph.memberships.filter((one) => one.role === role && one.member === roles.owner)).toEqual(
          [],
        );
        const defaults = graph.defaultPrivileges.filter(
          (one) => one.owner === roles.owner && one.schema === 'sales',
        );
        expect(defaults).toMatchObject([{ on: 'TABLES', grants: [{ to: 'reporting', rights: ['SELECT'] }] }]);
      });

      test("what provisioning makes of a database is there: nothing is added but PUBLIC's way out", async () => {
        const seen = async () => {
          const { objects, ...graph } = await readGraph(single.open, [role]);
          return { ...graph, objects: objects.filter(({ kind }) => kind !== 'DATABASE') };
        };
        const before = await seen();
        await withClient(single.open.admin, { applicationName }, (client) => ensureRoles(client, names, {}));
        expect(await seen()).toEqual(before);
        await withClient(single.app, { applicationName }, (client) => client.query(statements[0]));
      });

      test('what a migration makes later is for the role and the slots', async () => {
        await withClient(single.open.admin, { applicationName }, async (client) => {
          await client.query(`SET ROLE ${roles.owner}; CREATE TABLE later (id serial, a text)`);
        });
        for (const user of [role, roles.slots.a]) {
          await withClient({ ...single.app, user }, { applicationName }, (client) =>
            client.query(`INSERT INTO later (a) VALUES ('x')`),
          );
        }
      });
    },
  );
}

async function givePasswords(superuser: ConnectionTarget): Promise<void> {
  await withClient(superuser, { applicationName }, async (client) => {
    for (const slot of [roles.slots.a, roles.slots.b]) {
      await client.query(`ALTER ROLE ${slot} PASSWORD '${scramVerifier(password)}'`);
    }
  });
}

export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 20));
}
