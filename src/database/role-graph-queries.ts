/*
 * What `readRoleGraph` asks; one column per member of its types. Names come out quoted where they go into SQL text again.
 */

/** The grants of an `aclitem[]`, as JSON; null when there are none on record. */
const grantsOf = (acl: string): string => `
  (SELECT json_agg(g) FROM (
     SELECT CASE WHEN grantee = 0 THEN NULL ELSE pg_get_userbyid(grantee) END AS "to",
            json_agg(privilege_type || CASE WHEN is_grantable THEN '*' ELSE '' END ORDER BY privilege_type) AS rights
       FROM aclexplode(${acl}) GROUP BY grantee ORDER BY 1 NULLS FIRST) AS g)`;

/** PostgreSQL's own, those of extensions and of lambdapg. */
const ownSchema = (schema: string): string =>
  `(${schema} = 'information_schema' OR ${schema} LIKE 'pg\\_%' OR ${schema} = 'lambdapg')`;

/** The search path of whoever looks can be its own: then PostgreSQL's is taken for the server's. */
export const serverSql = `
  SELECT current_setting('server_version_num')::int / 10000 AS major, current_user AS admin,
         (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
         (SELECT CASE WHEN source IN ('default', 'configuration file', 'command line') THEN reset_val ELSE boot_val END
            FROM pg_settings WHERE name = 'search_path') AS "searchPath",
         coalesce(current_setting('rds.restrict_password_commands', true) IN ('1', 'on'), false) AS "restrictsPasswords"`;

export const databaseSql = 'SELECT current_database() AS database';

export const rolesSql = `
  SELECT rolname AS name, rolcanlogin AS login, rolinherit AS inherit, rolsuper AS superuser, rolcreaterole AS "createRole",
         rolcreatedb AS "createDatabase", rolreplication AS replication, rolbypassrls AS "bypassRowSecurity",
         rolconnlimit AS "connectionLimit",
         CASE WHEN isfinite(rolvaliduntil) THEN rolvaliduntil END AS "validUntil"
    FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%' ORDER BY rolname`;

/** Before PostgreSQL 16 a member may always SET ROLE, and inherits when it says so of itself. Several grants are one. */
export function membershipsSql(major: number): string {
  const options =
    major >= 16
      ? 'bool_or(admin_option) AS admin, bool_or(inherit_option) AS inherit, bool_or(set_option) AS set'
      : 'bool_or(admin_option) AS admin, bool_or(member.rolinherit) AS inherit, true AS set';
  return `
    SELECT pg_get_userbyid(roleid) AS role, member.rolname AS member, ${options}
      FROM pg_auth_members JOIN pg_roles AS member ON member.oid = pg_auth_members.member
     WHERE member.rolname NOT LIKE 'pg\\_%' GROUP BY 1, 2 ORDER BY 1, 2`;
}

export const settingsSql = `
  SELECT CASE WHEN setrole <> 0 THEN pg_get_userbyid(setrole) END AS role, datname AS database, name,
         CASE WHEN name LIKE '%.%' THEN 'md5:' || md5(value) ELSE value END AS value
    FROM pg_db_role_setting LEFT JOIN pg_database ON pg_database.oid = setdatabase,
         unnest(setconfig) AS line, split_part(line, '=', 1) AS name, substr(line, length(name) + 2) AS value
   ORDER BY 1, 2, 3`;

export const defaultPrivilegesSql = `
  SELECT pg_get_userbyid(defaclrole) AS owner, quote_ident(nspname) AS schema,
         CASE defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'ROUTINES'
                            WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' END AS on,
         coalesce(${grantsOf('defaclacl')}, '[]') AS grants
    FROM pg_default_acl LEFT JOIN pg_namespace ON pg_namespace.oid = defaclnamespace
   WHERE defaclobjtype IN ('r', 'S', 'f', 'T', 'n') ORDER BY 1, 2, 3`;

/** `deptype` e: the object came with an extension. */
const ofExtension = (catalogue: string, oid: string): string =>
  `EXISTS (SELECT 1 FROM pg_depend WHERE classid = '${catalogue}'::regclass AND objid = ${oid} AND deptype = 'e')`;

const none = `NULL::json AS columns, NULL::text AS "rowSecurity"`;
const flags = (extension: string): string => `${extension} AS "ofExtension", false AS "ofTable"`;

/** Indexes, partitions' parts and TOAST follow their table; a table's own sequence and row type too. */
const relationsSql = `
  SELECT CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE'
                      WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
         format('%I.%I', nspname, relname) AS name, quote_ident(nspname) AS schema, relowner AS owner, relacl AS acl,
         (SELECT json_agg(json_build_object('name', quote_ident(attname), 'grants', ${grantsOf('attacl')}) ORDER BY attnum)
            FROM pg_attribute WHERE attrelid = c.oid AND attacl IS NOT NULL AND NOT attisdropped) AS columns,
         CASE WHEN relrowsecurity THEN CASE WHEN relforcerowsecurity THEN 'forced' ELSE 'on' END END AS "rowSecurity",
         ${ofExtension('pg_class', 'c.oid')} AS "ofExtension",
         relkind = 'S' AND EXISTS (SELECT 1 FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid
                                     AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')) AS "ofTable",
         false AS definer
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
   WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND NOT ${ownSchema('nspname')}`;

const otherObjectsSql = `
  SELECT 'DATABASE' AS kind, quote_ident(datname) AS name, NULL AS schema, datdba AS owner, datacl AS acl, ${none},
         ${flags('false')}, false AS definer FROM pg_database WHERE datname = current_database()
  UNION ALL
  SELECT 'SCHEMA', quote_ident(nspname), NULL, nspowner, nspacl, ${none}, ${flags(ofExtension('pg_namespace', 'oid'))}, false
    FROM pg_namespace WHERE NOT ${ownSchema('nspname')}
  UNION ALL
  SELECT 'ROUTINE', p.oid::regprocedure::text, quote_ident(nspname), proowner, proacl, ${none},
         ${flags(ofExtension('pg_proc', 'p.oid'))}, prosecdef
    FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace WHERE NOT ${ownSchema('nspname')}
  UNION ALL
  SELECT 'TYPE', t.oid::regtype::text, quote_ident(nspname), typowner, typacl, ${none},
         ${flags(ofExtension('pg_type', 't.oid'))}, false
    FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = typnamespace
   WHERE NOT ${ownSchema('nspname')} AND typelem = 0 AND typtype IN ('c', 'd', 'e', 'r')
     AND (typrelid = 0 OR (SELECT relkind FROM pg_class WHERE oid = typrelid) = 'c')
  UNION ALL
  SELECT 'LANGUAGE', quote_ident(lanname), NULL, lanowner, lanacl, ${none}, ${flags('false')}, false
    FROM pg_language WHERE lanacl IS NOT NULL
  UNION ALL
  SELECT 'FOREIGN DATA WRAPPER', quote_ident(fdwname), NULL, fdwowner, fdwacl, ${none}, ${flags('false')}, false
    FROM pg_foreign_data_wrapper
  UNION ALL
  SELECT 'FOREIGN SERVER', quote_ident(srvname), NULL, srvowner, srvacl, ${none}, ${flags('false')}, false
    FROM pg_foreign_server
  UNION ALL
  SELECT 'PARAMETER', parname, NULL, 10, paracl, ${none}, ${flags('false')}, false FROM pg_parameter_acl
  UNION ALL
  SELECT 'PUBLICATION', quote_ident(pubname), NULL, pubowner, NULL, ${none}, ${flags('false')}, false FROM pg_publication
  UNION ALL
  SELECT 'SUBSCRIPTION', quote_ident(subname), NULL, subowner, NULL, ${none}, ${flags('false')}, false
    FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/** $1: roles whose objects come first; $2: at most so many. What an extension brought counts only when it concerns those. */
export const objectsSql = `
  SELECT kind, name, schema, pg_get_userbyid(owner) AS owner, ${grantsOf('acl')} AS grants, columns, "rowSecurity",
         "ofExtension", "ofTable", definer, count(*) OVER () AS total
    FROM (SELECT o.*, pg_get_userbyid(owner) = ANY ($1)
                   OR EXISTS (SELECT 1 FROM aclexplode(acl) WHERE pg_get_userbyid(grantee) = ANY ($1)) AS concerned
            FROM (${relationsSql} UNION ALL ${otherObjectsSql}) AS o) AS o
   WHERE concerned OR NOT "ofExtension"
   ORDER BY NOT concerned, kind <> 'DATABASE', kind <> 'SCHEMA', kind, name LIMIT $2`;

/** Default privileges and user mappings only name a role: they have other parts of the graph. */
export const ownedSql = `
  SELECT pg_get_userbyid(refobjid) AS role, datname AS database, classid::regclass::text AS catalogue, count(*) AS objects
    FROM pg_shdepend LEFT JOIN pg_database ON pg_database.oid = dbid
   WHERE refclassid = 'pg_authid'::regclass AND deptype = 'o'
     AND classid NOT IN ('pg_default_acl'::regclass, 'pg_user_mapping'::regclass) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`;

export const userMappingsSql = `
  SELECT quote_ident(srvname) AS server, CASE WHEN umuser <> 0 THEN usename END AS user FROM pg_user_mappings ORDER BY 1, 2`;

export const policiesSql = `
  SELECT polrelid::regclass::text AS table, quote_ident(polname) AS name,
         (SELECT json_agg(CASE WHEN r <> 0 THEN pg_get_userbyid(r) END) FROM unnest(polroles) AS r) AS roles,
         concat_ws(' / ', pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) AS expression
    FROM pg_policy ORDER BY 1, 2`;

/** Bodies stay where they are: only the line that asks is shown, cut. */
const line = (text: string): string =>
  `left(substring(${text} FROM '[^\\n]*\\m(?:session_user|current_user|current_role)\\M[^\\n]*'), 200)`;

/** A word of SQL, not a part of one. */
const asks = (text: string): string => `${text} ~* '\\m(session_user|current_user|current_role)\\M'`;

export const identityUsesSql = `
  SELECT * FROM (
    SELECT 'function' AS kind, p.oid::regprocedure::text AS name, trim(${line('lower(prosrc)')}) AS text
      FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = pronamespace
     WHERE NOT ${ownSchema('nspname')} AND ${asks('prosrc')} AND NOT ${ofExtension('pg_proc', 'p.oid')}
    UNION ALL
    SELECT 'default', format('%s.%I', attrelid::regclass, attname), left(pg_get_expr(adbin, adrelid), 200)
      FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
     WHERE ${asks('pg_get_expr(adbin, adrelid)')}
    UNION ALL
    SELECT 'view', c.oid::regclass::text, trim(${line('lower(pg_get_viewdef(c.oid))')})
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
     WHERE relkind IN ('v', 'm') AND NOT ${ownSchema('nspname')} AND ${asks('pg_get_viewdef(c.oid)')}
       AND NOT ${ofExtension('pg_class', 'c.oid')}
  ) AS uses ORDER BY 1, 2 LIMIT 100`;
