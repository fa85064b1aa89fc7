import type { ProjectNames } from '../project/names.ts';
import type { Secret } from '../secret.ts';
import { quoteIdentifier, quoteLiteral } from './identifier.ts';
import { isRotating } from './rotation-lease.ts';
import { scramVerifier } from './scram.ts';
import type { Client } from './with-client.ts';

/** The roles of a project. */
export interface RoleNames {
  /** No login: owns the database and everything in it; migrations run as it. */
  readonly owner: string;
  /** No login: holds DML by the owner's default privileges. */
  readonly app: string;
  /** The two logins that take turns when credentials rotate. */
  readonly slots: { readonly a: string; readonly b: string };
}

export const slotNames = ['a', 'b'] as const;
export type SlotName = (typeof slotNames)[number];

/**
 * How the slots log in: by passwords (a slot without one waits for its first rotation), or by IAM tokens, which on RDS are for
 * members of `rds_iam`, who then have no other way in.
 */
export type SlotLogins = { readonly [slot in SlotName]?: Secret } | 'iam';

export function roleNames(names: ProjectNames): RoleNames {
  const prefix = names.snake;
  return { owner: `${prefix}_owner`, app: `${prefix}_app`, slots: { a: `${prefix}_a`, b: `${prefix}_b` } };
}

/**
 * Creates what is missing of the project's roles and their rights in the database that `client` is connected to. Safe to
 * repeat and to run twice at once. A slot that exists keeps its password, for changing one is a rotation, unless it is among
 * `renewed`: slots that cannot log in with what `logins` has for them. While a rotation runs these keep theirs, too: it is between
 * a secret and its role, and what was read before it would bring back a password that it has retired.
 *
 * @param client a superuser, or (as on RDS) a role with CREATEROLE and CREATEDB that owns the database
 * @throws pg's DatabaseError, 42501 when the role may not do this
 */
export async function ensureRoles(
  client: Client,
  names: ProjectNames,
  logins: SlotLogins,
  renewed: readonly SlotName[] = [],
): Promise<void> {
  await inTransaction(client, async () => {
    const isLeft = renewed.length > 0 && (await isRotating(client));
    await createRoles(client, roleNames(names), logins, isLeft ? [] : renewed);
    await grantDatabase(client, roleNames(names));
  });
}

/** The part of `ensureRoles` that belongs to one database, for another database of the same project. */
export async function ensureDatabaseGrants(client: Client, names: ProjectNames): Promise<void> {
  await inTransaction(client, () => grantDatabase(client, roleNames(names)));
}

async function createRoles(
  client: Client,
  roles: RoleNames,
  logins: SlotLogins,
  renewed: readonly SlotName[],
): Promise<void> {
  const { owner, app, slots } = roles;
  const existing = await existingRoles(client, [owner, app, slots.a, slots.b]);
  const [ownerId, appId] = [quoteIdentifier(owner), quoteIdentifier(app)];
  if (!existing.has(owner)) await client.query(`CREATE ROLE ${ownerId} NOLOGIN`);
  if (!existing.has(app)) await client.query(`CREATE ROLE ${appId} NOLOGIN`);
  await joinOwner(client, owner);
  for (const slot of slotNames) {
    const id = quoteIdentifier(slots[slot]);
    const password = logins === 'iam' ? undefined : logins[slot];
    if (!existing.has(slots[slot])) await client.query(`CREATE ROLE ${id} LOGIN NOINHERIT`);
    if (password !== undefined && (!existing.has(slots[slot]) || renewed.includes(slot))) {
      await client.query(`ALTER ROLE ${id} PASSWORD ${quoteLiteral(scramVerifier(password))}`);
    }
    const byToken = await hasMember(client, 'rds_iam', slots[slot]);
    if (logins === 'iam' && !byToken) await client.query(`GRANT rds_iam TO ${id}`);
    if (logins !== 'iam' && byToken) await client.query(`REVOKE rds_iam FROM ${id}`);
    if (!(await hasMember(client, app, slots[slot]))) await client.query(`GRANT ${appId} TO ${id}`);
    await client.query(`ALTER ROLE ${id} SET role = ${quoteLiteral(app)}`);
  }
}

/**
 * The admin must be able to act as the owner (`SET ROLE`, default privileges, giving the database away). A superuser can
 * already; the creator of a role gets only ADMIN OPTION on it since PostgreSQL 16, and nothing at all before.
 */
async function joinOwner(client: Client, owner: string): Promise<void> {
  const { rows } = await client.query<{ joined: boolean; modern: boolean }>({
    text: `SELECT pg_has_role(current_user, $1, 'USAGE') AND pg_has_role(current_user, $1, 'MEMBER') AS joined,
             current_setting('server_version_num')::int >= 160000 AS modern`,
    values: [owner],
  });
  if (rows[0]?.joined) return;
  const options = rows[0]?.modern ? ' WITH INHERIT TRUE, SET TRUE' : '';
  await client.query(`GRANT ${quoteIdentifier(owner)} TO CURRENT_USER${options}`);
}

async function grantDatabase(client: Client, roles: RoleNames): Promise<void> {
  const { rows } = await client.query<{ name: string; owner: string; admin: string }>(
    `SELECT datname AS name, pg_get_userbyid(datdba) AS owner, current_user AS admin
       FROM pg_database WHERE datname = current_database()`,
  );
  const [found] = rows;
  if (found === undefined) throw new Error('pg_database does not list the current database');
  const database = quoteIdentifier(found.name);
  const [owner, app] = [quoteIdentifier(roles.owner), quoteIdentifier(roles.app)];
  const slots = `${quoteIdentifier(roles.slots.a)}, ${quoteIdentifier(roles.slots.b)}`;
  if (found.owner !== roles.owner) await client.query(`ALTER DATABASE ${database} OWNER TO ${owner}`);
  await client.query(`SET LOCAL ROLE ${owner}`);
  await client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
  // To the slots themselves: CONNECT is checked before their `SET role` applies, and they inherit nothing.
  await client.query(`GRANT CONNECT ON DATABASE ${database} TO ${app}, ${slots}`);
  for (const grant of [
    'SELECT, INSERT, UPDATE, DELETE ON TABLES',
    'USAGE, SELECT ON SEQUENCES',
    'EXECUTE ON FUNCTIONS',
    'USAGE ON SCHEMAS',
  ]) {
    await client.query(`ALTER DEFAULT PRIVILEGES FOR ROLE ${owner} GRANT ${grant} TO ${app}`);
  }
  await client.query('RESET ROLE');
  await grantPublicSchema(client, roles);
}

/** Since PostgreSQL 15 the schema belongs to the database's owner; in an older, upgraded database it may not. */
async function grantPublicSchema(client: Client, roles: RoleNames): Promise<void> {
  const { rows } = await client.query<{ ownerCreates: boolean; appUses: boolean }>({
    text: `SELECT has_schema_privilege($1, oid, 'CREATE') AS "ownerCreates",
             has_schema_privilege($2, oid, 'USAGE') AS "appUses"
           FROM pg_namespace WHERE nspname = 'public'`,
    values: [roles.owner, roles.app],
  });
  const [schema] = rows;
  if (schema === undefined) return;
  if (!schema.ownerCreates) {
    await client.query(`GRANT USAGE, CREATE ON SCHEMA public TO ${quoteIdentifier(roles.owner)}`);
  }
  if (!schema.appUses) await client.query(`GRANT USAGE ON SCHEMA public TO ${quoteIdentifier(roles.app)}`);
}

async function existingRoles(client: Client, names: readonly string[]): Promise<Set<string>> {
  const { rows } = await client.query<{ rolname: string }>({
    text: 'SELECT rolname FROM pg_roles WHERE rolname = ANY ($1)',
    values: [names],
  });
  return new Set(rows.map((row) => row.rolname));
}

/** No where there is no such role: `rds_iam` is RDS's alone. */
async function hasMember(client: Client, role: string, member: string): Promise<boolean> {
  const { rows } = await client.query({
    text: `SELECT 1 FROM pg_auth_members
            WHERE roleid = (SELECT oid FROM pg_roles WHERE rolname = $1)
              AND member = (SELECT oid FROM pg_roles WHERE rolname = $2)`,
    values: [role, member],
  });
  return rows.length > 0;
}

/** One transaction at a time per database: `ALTER ROLE` of one role by two sessions ends in XX000 for one of them. */
async function inTransaction(client: Client, work: () => Promise<void>): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('lambdapg:roles', 0))`);
    await work();
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}
