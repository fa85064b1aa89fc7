import { randomUUID } from 'node:crypto';
import { readRoleGraph } from '../../src/database/role-graph.ts';
import { roleNames } from '../../src/database/roles.ts';
import { withClient } from '../../src/database/with-client.ts';
import type { withThrowawayPostgres } from '../../src/local/postgres/throwaway-postgres.ts';
import { parseProjectName } from '../../src/project/names.ts';
import type { PostgresMajor } from '../../src/project/postgres-packages.ts';
import type { Wish } from '../../src/rotation/decide/decision.ts';
import type { RehearseOptions } from '../../src/rotation/rehearse/rehearse.ts';
import { startTestPostgres } from '../postgres-server.ts';
import type { Server } from './adopt-suite.ts';

export const applicationName = 'rehearse test';
export const wish: Wish = {
  strategy: 'slots',
  start: randomUUID(),
  rollback: false,
  repair: false,
  acceptWindow: false,
  canary: [50, 100],
  retire: 'scramble',
  terminate: 'idle',
};

/** A project of the house whose roles and tables are to be rehearsed with. */
export async function startHouse(major: PostgresMajor = 17): Promise<Server> {
  const server = await startTestPostgres({ major });
  await withClient(server.local.admin, { applicationName }, async (client) => {
    await client.query(
      `SET ROLE library_owner; CREATE SCHEMA sales; CREATE TABLE book (id serial PRIMARY KEY, title text)`,
    );
    await client.query('CREATE TABLE sales.loan (id int); CREATE VIEW sales.few AS SELECT * FROM book');
    await client.query(
      'CREATE TYPE sales.mood AS ENUM (); CREATE FUNCTION sales.rate(sales.mood, int) RETURNS int LANGUAGE sql AS $$SELECT 1$$',
    );
    await client.query(`RESET ROLE; CREATE ROLE "o'hara" LOGIN; GRANT SELECT ON book TO "o'hara"`);
    for (const slot of ['a', 'b'])
      await client.query(`ALTER ROLE library_${slot} SET search_path = sales, public`);
  });
  return server;
}

/** As the real one, with a cluster that is copied instead of made. */
export const lend: typeof withThrowawayPostgres = async (_context, _dir, major, work) => {
  const { local, cleanUp } = await startTestPostgres({ major, name: 'lambdapg-throwaway' });
  return work(local).finally(cleanUp);
};

export async function houseOptions(server: Server): Promise<RehearseOptions> {
  const graph = await withClient(server.local.admin, { applicationName }, (client) =>
    readRoleGraph(client, []),
  );
  const names = roleNames(parseProjectName('library'));
  return { projectDir: server.projectDir, graph, names, user: 'library_a', wish, adopt: false };
}
