import { randomBytes } from 'node:crypto';
import { quoteIdentifier } from '../../database/identifier.ts';
import type { RoleGraph } from '../../database/role-graph.ts';
import { scramVerifier } from '../../database/scram.ts';
import type { ConnectionTarget } from '../../database/target.ts';
import { type Client, withClient } from '../../database/with-client.ts';
import { errorMessage, UserError } from '../../errors.ts';
import { Secret } from '../../secret.ts';
import { type GraphSql, renderGraph } from './rehearse-graph.ts';

const applicationName = 'lambdapg rehearsal';
/** Beside the real server's roles, of which one may be named `postgres` and be no superuser. */
const superuser = 'lambdapg_rehearsal';

/** A server with the roles and rights of the real one. */
export interface StageSet {
  readonly superuser: ConnectionTarget;
  /** With the real admin's rights, no more. */
  readonly admin: ConnectionTarget;
  /** The login in use. */
  readonly login: { readonly user: string; readonly password: Secret };
  readonly made: number;
  /** What could not be made anew, with the server's words. */
  readonly left: readonly string[];
}

/** Makes the graph anew in an empty server. The passwords are made up. @throws UserError NO_SUCH_ROLE */
export async function setStage(empty: ConnectionTarget, graph: RoleGraph, user: string): Promise<StageSet> {
  if (!graph.roles.some(({ name }) => name === user)) {
    throw new UserError('NO_SUCH_ROLE', `there is no role "${user}" in the database "${graph.database}"`, {
      suggestions: ['lambdapg rotate-creds --status shows which login is stored'],
    });
  }
  const password = newPassword();
  const all: ConnectionTarget = { ...empty, database: 'postgres', user: superuser, password };
  await withClient({ ...empty, database: 'postgres' }, { applicationName }, (client) =>
    client.query(`CREATE ROLE ${superuser} SUPERUSER LOGIN PASSWORD '${scramVerifier(password)}'`),
  );
  const sql = renderGraph(graph);
  const logins = { admin: newPassword(), user: newPassword() };
  const left = await makeCluster(all, graph, sql, [
    [graph.server.admin, logins.admin],
    [user, user === graph.server.admin ? logins.admin : logins.user],
  ]);
  const place = { ...all, database: graph.database };
  left.push(...(await withClient(place, { applicationName }, (client) => runAll(client, sql.database))));
  return {
    superuser: place,
    admin: { ...place, user: graph.server.admin, password: logins.admin },
    login: { user, password: user === graph.server.admin ? logins.admin : logins.user },
    made: sql.cluster.length + sql.database.length - left.length,
    left,
  };
}

const newPassword = (): Secret => new Secret(randomBytes(24).toString('base64url'));

async function makeCluster(
  target: ConnectionTarget,
  graph: RoleGraph,
  { cluster }: GraphSql,
  passwords: readonly (readonly [name: string, password: Secret])[],
): Promise<string[]> {
  return withClient(target, { applicationName }, async (client) => {
    // The bootstrap superuser cannot be dropped, and its name may be needed.
    await client.query('ALTER ROLE postgres RENAME TO lambdapg_bootstrap');
    const left = await runAll(client, cluster);
    for (const [name, password] of passwords) {
      await client.query(`ALTER ROLE ${quoteIdentifier(name)} LOGIN PASSWORD '${scramVerifier(password)}'`);
    }
    if (graph.database !== 'postgres')
      await client.query(`CREATE DATABASE ${quoteIdentifier(graph.database)}`);
    return left;
  });
}

/** Each on its own: a missing type is no reason to rehearse nothing. */
async function runAll(client: Client, statements: readonly string[]): Promise<string[]> {
  const left: string[] = [];
  for (const statement of statements) {
    await client
      .query(statement)
      .catch((error: unknown) => left.push(`${statement}: ${errorMessage(error)}`));
  }
  return left;
}

/** Rights on tables that a role has in whatever way, as `SELECT on sales.event`; what a rotation must not change. */
export async function readRights(target: ConnectionTarget, role: string): Promise<readonly string[]> {
  return withClient(target, { applicationName }, async (client) => {
    await client.query(`SET search_path = pg_catalog`);
    const { rows } = await client.query<{ entry: string }>({
      text: `SELECT format('%s on %s', privilege, c.oid::regclass) AS entry
               FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace,
                    unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege
              WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
                AND has_schema_privilege($1, n.oid, 'USAGE') AND has_table_privilege($1, c.oid, privilege)
                AND (relkind <> 'm' OR privilege = 'SELECT') ORDER BY 1`,
      values: [role],
    });
    return rows.map(({ entry }) => entry);
  });
}
