import { UserError } from '../errors.ts';
import { mayNotAlter, roleMissing } from './change-password.ts';
import { quoteIdentifier } from './identifier.ts';
import type { Client } from './with-client.ts';

interface Row {
  readonly user: string;
  readonly exists: boolean;
  readonly isSuperuser: boolean;
  readonly isSelf: boolean;
  readonly isAdmin: boolean;
  readonly grantors: readonly string[];
}

interface Admin {
  readonly name: string;
  readonly isSuperuser: boolean;
  readonly createsRoles: boolean;
  readonly modern: boolean;
  readonly restricted: boolean;
  readonly hasPasswordRole: boolean;
  readonly seesSessions: boolean;
  readonly endsSessions: boolean;
  /** Of the extension credcheck: so many refused logins ban a role. 0: none does. */
  readonly refusalsToBan: number;
}

/** What a rotation can do without, or with, and the statement that would help. */
export interface MissingRight {
  readonly message: string;
  readonly grant: string;
}

/**
 * Whether the admin may change the passwords of these roles: before PostgreSQL 16 CREATEROLE is enough, since then it needs
 * ADMIN OPTION on each. RDS may keep passwords to the members of `rds_password`.
 *
 * @returns what is not needed and yet would help: rights to see and end sessions
 * @throws UserError ROLE_MISSING, ROLE_FORBIDDEN with the exact GRANT
 */
export async function verifyMayAlter(client: Client, users: readonly string[]): Promise<MissingRight[]> {
  const admin = await readAdmin(client, users);
  if (admin.isSuperuser) {
    for (const row of await readRoles(client, users)) if (!row.exists) throw roleMissing(row.user);
    return missingRights(admin);
  }
  for (const row of await readRoles(client, users)) {
    if (!row.exists) throw roleMissing(row.user);
    if (row.isSelf) continue;
    if (row.isSuperuser) throw superuserRole(row.user, admin.name);
    if (!admin.createsRoles) throw noCreateRole(row.user, admin.name);
    if (admin.modern && !row.isAdmin) throw mayNotAlter(row.user, admin.name, row.grantors);
  }
  if (admin.restricted && !admin.hasPasswordRole) throw passwordsRestricted(admin.name);
  return missingRights(admin);
}

async function readAdmin(client: Client, users: readonly string[]): Promise<Admin> {
  // Who has the privileges of a role itself sees and ends its sessions too.
  const all = (right: string) =>
    `(SELECT bool_and(pg_has_role(current_user, oid, 'USAGE')) FROM pg_roles WHERE rolname = ANY ($1))
     OR pg_has_role(current_user, '${right}', 'USAGE')`;
  const { rows } = await client.query<Admin>(
    `SELECT rolname AS name, rolsuper AS "isSuperuser", rolcreaterole AS "createsRoles",
            current_setting('server_version_num')::int >= 160000 AS modern,
            coalesce(current_setting('rds.restrict_password_commands', true), 'off') IN ('on', '1', 'true') AS restricted,
            coalesce((SELECT pg_has_role(current_user, oid, 'MEMBER') FROM pg_roles WHERE rolname = 'rds_password'), false)
              AS "hasPasswordRole",
            ${all('pg_read_all_stats')} AS "seesSessions",
            ${all('pg_signal_backend')} AS "endsSessions",
            coalesce(nullif(current_setting('credcheck.max_auth_failure', true), ''), '0')::int AS "refusalsToBan"
       FROM pg_roles WHERE rolname = current_user`,
    [users],
  );
  const [admin] = rows;
  if (admin === undefined) throw new Error('pg_roles does not list the current user');
  return admin;
}

async function readRoles(client: Client, users: readonly string[]): Promise<Row[]> {
  const { rows } = await client.query<Row>(
    `SELECT u AS user, r.oid IS NOT NULL AS exists, coalesce(r.rolsuper, false) AS "isSuperuser",
            coalesce(r.rolname = current_user, false) AS "isSelf",
            coalesce(pg_has_role(current_user, r.oid, 'MEMBER WITH ADMIN OPTION'), false) AS "isAdmin",
            ARRAY(SELECT m.rolname::text FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member
                   WHERE a.roleid = r.oid AND a.admin_option ORDER BY 1) AS grantors
       FROM unnest($1::text[]) AS u LEFT JOIN pg_roles r ON r.rolname = u`,
    [users],
  );
  return rows;
}

const superuserRole = (user: string, admin: string): UserError =>
  new UserError('ROLE_FORBIDDEN', `"${user}" is a superuser, whose password "${admin}" may not change`, {
    suggestions: ['let the application log in as a role of its own: lambdapg rotate-creds --adopt'],
  });

const noCreateRole = (user: string, admin: string): UserError =>
  new UserError(
    'ROLE_FORBIDDEN',
    `"${admin}" may not change the password of "${user}": it lacks CREATEROLE`,
    {
      suggestions: [`to be run by a superuser: ALTER ROLE ${quoteIdentifier(admin)} CREATEROLE`],
    },
  );

const passwordsRestricted = (admin: string): UserError =>
  new UserError(
    'ROLE_FORBIDDEN',
    `"${admin}" may change no passwords: rds.restrict_password_commands is on and it is no member of rds_password`,
    { suggestions: [`to be run by the master user: GRANT rds_password TO ${quoteIdentifier(admin)}`] },
  );

function missingRights({ name, seesSessions, endsSessions, refusalsToBan }: Admin): MissingRight[] {
  const to = quoteIdentifier(name);
  const rights: MissingRight[] = [];
  if (!seesSessions) {
    rights.push({
      message: `"${name}" may not see the sessions of the login names, so that late ones are not found`,
      grant: `GRANT pg_read_all_stats TO ${to}`,
    });
  }
  if (!endsSessions) {
    rights.push({
      message: `"${name}" may not end the sessions of the login names: leftover ones stay until they end by themselves`,
      grant: `GRANT pg_signal_backend TO ${to}`,
    });
  }
  if (refusalsToBan > 0) {
    rights.push({
      message: `credcheck bans a role after ${refusalsToBan} refused logins: those that try an old password may ban a good one`,
      grant: 'ALTER SYSTEM SET credcheck.max_auth_failure = 0',
    });
  }
  return rights;
}
