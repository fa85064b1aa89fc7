import { quoteIdentifier } from '../../database/identifier.ts';
import type {
  DefaultPrivilege,
  Grant,
  GraphObject,
  GraphRole,
  Membership,
  RoleGraph,
} from '../../database/role-graph.ts';
import { setRoleSetting } from '../../database/role-setting.ts';
import { grantPlace } from '../parity/parity-grants.ts';

/** Behind every foreign server, for what is behind the real ones is nobody's business here. */
const wrapper = 'lambdapg_rehearsal';

/** SQL that makes the graph anew in an empty server, for a superuser. */
export interface GraphSql {
  /** For any database. */
  readonly cluster: readonly string[];
  /** For the graph's own database, which exists then. */
  readonly database: readonly string[];
}

/**
 * Roles with their attributes, memberships and settings; schemas, empty tables, functions that do nothing, with their owners and
 * rights; default privileges; policies and user mappings by their names. No data, and nobody's password.
 */
export function renderGraph(graph: RoleGraph): GraphSql {
  const { database, objects } = graph;
  return {
    cluster: [
      ...graph.roles.map(roleSql),
      ...graph.memberships.map((one) => membershipSql(one, graph.server.major)),
    ],
    database: [
      ...graph.settings
        .filter((one) => one.database === null || one.database === database)
        .map((one) => setRoleSetting(one.role, one)),
      ...(objects.some(({ kind }) => kind === 'FOREIGN SERVER')
        ? [`CREATE FOREIGN DATA WRAPPER ${wrapper}`]
        : []),
      ...inOrder(objects).flatMap(objectSql),
      ...graph.userMappings.map(({ server, user }) => {
        const whom = user === null ? 'PUBLIC' : quoteIdentifier(user);
        return `CREATE USER MAPPING FOR ${whom} SERVER ${server}`;
      }),
      ...graph.policies.map(({ table, name, roles }) => {
        const whom = roles.map((role) => (role === null ? 'PUBLIC' : quoteIdentifier(role))).join(', ');
        return `CREATE POLICY ${name} ON ${table} TO ${whom} USING (true)`;
      }),
      ...graph.defaultPrivileges.flatMap(defaultSql),
    ],
  };
}

function roleSql(role: GraphRole): string {
  const word = (is: boolean, name: string): string => (is ? name : `NO${name}`);
  const options = [
    word(role.login, 'LOGIN'),
    word(role.inherit, 'INHERIT'),
    word(role.superuser, 'SUPERUSER'),
    word(role.createRole, 'CREATEROLE'),
    word(role.createDatabase, 'CREATEDB'),
    word(role.replication, 'REPLICATION'),
    word(role.bypassRowSecurity, 'BYPASSRLS'),
    `CONNECTION LIMIT ${role.connectionLimit}`,
  ];
  return `CREATE ROLE ${quoteIdentifier(role.name)} ${options.join(' ')}`;
}

function membershipSql({ role, member, admin, inherit, set }: Membership, major: number): string {
  const sql = `GRANT ${quoteIdentifier(role)} TO ${quoteIdentifier(member)}`;
  if (major < 16) return admin ? `${sql} WITH ADMIN OPTION` : sql;
  return `${sql} WITH ADMIN ${admin}, INHERIT ${inherit}, SET ${set}`;
}

const order: readonly GraphObject['kind'][] = [
  'DATABASE',
  'SCHEMA',
  'TYPE',
  'TABLE',
  'FOREIGN DATA WRAPPER',
  'FOREIGN SERVER',
];

/** What others are made of comes first. */
function inOrder(objects: readonly GraphObject[]): GraphObject[] {
  const place = ({ kind }: GraphObject): number =>
    order.includes(kind) ? order.indexOf(kind) : order.length;
  return objects.toSorted((a, b) => place(a) - place(b));
}

function objectSql(object: GraphObject): string[] {
  const owner = quoteIdentifier(object.owner);
  const made = createSql(object);
  if (made === undefined) return [];
  // A foreign table is a table here.
  const kind = object.kind === 'FOREIGN TABLE' ? 'TABLE' : object.kind.replace('FOREIGN SERVER', 'SERVER');
  const alter = kind === 'PARAMETER' ? [] : [`ALTER ${kind} ${object.name} OWNER TO ${owner}`];
  return [...made, ...alter, ...grantsSql(object)];
}

/** Undefined where nothing like it can be made. What is there from the start takes no statement. */
function createSql({ kind, name, columns, rowSecurity, definer }: GraphObject): string[] | undefined {
  switch (kind) {
    case 'DATABASE':
    case 'LANGUAGE':
    case 'PARAMETER':
      return [];
    case 'SCHEMA':
      return [`CREATE SCHEMA IF NOT EXISTS ${name}`];
    case 'TABLE':
    case 'FOREIGN TABLE': {
      const list = (columns ?? []).map((column) => `${column.name} text`).join(', ');
      const security = rowSecurity === null ? [] : [`ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY`];
      if (rowSecurity === 'forced') security.push(`ALTER TABLE ${name} FORCE ROW LEVEL SECURITY`);
      return [`CREATE TABLE ${name} (${list})`, ...security];
    }
    case 'VIEW':
    case 'MATERIALIZED VIEW':
      return [`CREATE ${kind} ${name} AS SELECT 1 AS one`];
    case 'SEQUENCE':
      return [`CREATE SEQUENCE ${name}`];
    case 'ROUTINE':
      return [`CREATE FUNCTION ${name} RETURNS void LANGUAGE sql${definer ? ' SECURITY DEFINER' : ''} AS ''`];
    case 'TYPE':
      return [`CREATE TYPE ${name} AS ENUM ()`];
    case 'FOREIGN DATA WRAPPER':
      return [`CREATE FOREIGN DATA WRAPPER ${name}`];
    case 'PUBLICATION':
      return [`CREATE PUBLICATION ${name}`];
    case 'FOREIGN SERVER':
      return [`CREATE SERVER ${name} FOREIGN DATA WRAPPER ${wrapper}`];
    case 'SUBSCRIPTION':
      return undefined;
  }
}

/** From nothing, since a new object has PostgreSQL's defaults. */
function grantsSql(object: GraphObject): string[] {
  const { owner, grants, columns } = object;
  const place = grantPlace(object);
  const whole = [];
  if (grants !== null) {
    whole.push(
      `REVOKE ALL ON ${place} FROM PUBLIC${object.kind === 'PARAMETER' ? '' : `, ${quoteIdentifier(owner)}`}`,
    );
    whole.push(...grants.flatMap((grant) => grantSql(grant, (right) => right, place)));
  }
  const single = (columns ?? []).flatMap((column) =>
    column.grants.flatMap((grant) => grantSql(grant, (right) => `${right} (${column.name})`, place)),
  );
  return [...whole, ...single];
}

function grantSql({ to, rights }: Grant, spell: (right: string) => string, place: string): string[] {
  const whom = to === null ? 'PUBLIC' : quoteIdentifier(to);
  const plain = rights.filter((right) => !right.endsWith('*'));
  const passable = rights.filter((right) => right.endsWith('*')).map((right) => right.slice(0, -1));
  const sql = (some: readonly string[], option: string): string[] =>
    some.length === 0 ? [] : [`GRANT ${some.map(spell).join(', ')} ON ${place} TO ${whom}${option}`];
  return [...sql(plain, ''), ...sql(passable, ' WITH GRANT OPTION')];
}

function defaultSql({ owner, schema, on, grants }: DefaultPrivilege): string[] {
  const head = `ALTER DEFAULT PRIVILEGES FOR ROLE ${quoteIdentifier(owner)}${schema === null ? '' : ` IN SCHEMA ${schema}`}`;
  const reset =
    schema === null && (on === 'ROUTINES' || on === 'TYPES')
      ? [`${head} REVOKE ALL ON ${on} FROM PUBLIC`]
      : [];
  return [
    ...reset,
    ...grants.flatMap(({ to, rights }) => {
      const plain = rights.map((right) => right.replace('*', '')).join(', ');
      return [`${head} GRANT ${plain} ON ${on} TO ${to === null ? 'PUBLIC' : quoteIdentifier(to)}`];
    }),
  ];
}
