import { quoteIdentifier, quoteLiteral } from './identifier.ts';
import type { RoleSetting } from './role-graph.ts';

/** Whose values are lists of names (GUC_LIST_QUOTE), so that one literal would be one odd name; as pg_dump knows them. */
const listSettings = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'temp_tablespaces',
]);

/** As PostgreSQL keeps a list: names, quoted where they have to be. */
const listForm = /^(?:"(?:[^"]|"")*"|[a-z_][a-z0-9_$]*)(?:, ?(?:"(?:[^"]|"")*"|[a-z_][a-z0-9_$]*))*$/i;

/** `ALTER ROLE … SET …` that gives a role, or with null a database, a setting with its value as it is kept. */
export function setRoleSetting(
  role: string | null,
  { database, name, value }: Omit<RoleSetting, 'role'>,
): string {
  const isList = listSettings.has(name) && listForm.test(value);
  return `${alterRole(role, database)} SET ${quoteSetting(name)} = ${isList ? value : quoteLiteral(value)}`;
}

export function resetRoleSetting(
  role: string,
  { database, name }: Pick<RoleSetting, 'database' | 'name'>,
): string {
  return `${alterRole(role, database)} RESET ${quoteSetting(name)}`;
}

/**
 * The same where the value is not to leave the server: it is copied there from another role. `EXECUTE` inside a block is
 * not logged as a statement.
 */
export function copyRoleSetting(
  from: string,
  to: string,
  { database, name }: Pick<RoleSetting, 'database' | 'name'>,
): string {
  const source = `(SELECT substr(line, ${name.length + 2}) FROM pg_db_role_setting, unnest(setconfig) AS line
    WHERE setrole = (SELECT oid FROM pg_roles WHERE rolname = ${quoteLiteral(from)})
      AND setdatabase = ${database === null ? '0' : `(SELECT oid FROM pg_database WHERE datname = ${quoteLiteral(database)})`}
      AND starts_with(line, ${quoteLiteral(`${name}=`)}))`;
  const head = `${alterRole(to, database)} SET ${quoteSetting(name)} = `;
  return block(`EXECUTE ${quoteLiteral(head)} || quote_literal(${source});`);
}

/** A setting whose value `readRoleGraph` does not show. */
export const isHidden = ({ name }: Pick<RoleSetting, 'name'>): boolean => name.includes('.');

function alterRole(role: string | null, database: string | null): string {
  if (role === null)
    return database === null ? 'ALTER ROLE ALL' : `ALTER DATABASE ${quoteIdentifier(database)}`;
  return `ALTER ROLE ${quoteIdentifier(role)}${database === null ? '' : ` IN DATABASE ${quoteIdentifier(database)}`}`;
}

/** Each part on its own: `my.setting`. */
const quoteSetting = (name: string): string => name.split('.').map(quoteIdentifier).join('.');

/** An anonymous block whose quoting no name can break. */
export function block(body: string): string {
  return `DO ${quoteLiteral(`BEGIN ${body} END`)}`;
}
