import {
  databaseSql,
  defaultPrivilegesSql,
  identityUsesSql,
  membershipsSql,
  objectsSql,
  ownedSql,
  policiesSql,
  rolesSql,
  serverSql,
  settingsSql,
  userMappingsSql,
} from './role-graph-queries.ts';
import type { Client } from './with-client.ts';

/** What one grantee may do with one object. `to` null: PUBLIC. A right `SELECT*` may be passed on. */
export interface Grant {
  readonly to: string | null;
  readonly rights: readonly string[];
}

export interface GraphRole {
  readonly name: string;
  readonly login: boolean;
  readonly inherit: boolean;
  readonly superuser: boolean;
  readonly createRole: boolean;
  readonly createDatabase: boolean;
  readonly replication: boolean;
  readonly bypassRowSecurity: boolean;
  /** -1: no limit. */
  readonly connectionLimit: number;
  /** ISO; null when the password is valid for ever. */
  readonly validUntil: string | null;
}

/** `member` is in `role`. The options are PostgreSQL 16's; before it they follow from the member's own `inherit`. */
export interface Membership {
  readonly role: string;
  readonly member: string;
  readonly admin: boolean;
  readonly inherit: boolean;
  readonly set: boolean;
}

/** `ALTER ROLE … [IN DATABASE …] SET name = value`. */
export interface RoleSetting {
  /** null: of the database as a whole. */
  readonly role: string | null;
  readonly database: string | null;
  readonly name: string;
  /** Of a setting with a dot in its name, which people keep secrets in, only `md5:…`. */
  readonly value: string;
}

/** `ALTER DEFAULT PRIVILEGES FOR ROLE owner [IN SCHEMA schema]`. */
export interface DefaultPrivilege {
  readonly owner: string;
  /** Quoted for SQL. */
  readonly schema: string | null;
  readonly on: 'TABLES' | 'SEQUENCES' | 'ROUTINES' | 'TYPES' | 'SCHEMAS';
  readonly grants: readonly Grant[];
}

export const objectKinds = [
  'DATABASE',
  'SCHEMA',
  'TABLE',
  'VIEW',
  'MATERIALIZED VIEW',
  'FOREIGN TABLE',
  'SEQUENCE',
  'ROUTINE',
  'TYPE',
  'LANGUAGE',
  'FOREIGN DATA WRAPPER',
  'FOREIGN SERVER',
  'PARAMETER',
  'PUBLICATION',
  'SUBSCRIPTION',
] as const;
export type ObjectKind = (typeof objectKinds)[number];

export interface GraphObject {
  readonly kind: ObjectKind;
  /** With its schema and a routine's arguments, quoted for SQL. */
  readonly name: string;
  /** Quoted for SQL; null for what is in no schema. */
  readonly schema: string | null;
  readonly owner: string;
  /** null: nothing was ever granted or revoked, PostgreSQL's defaults hold. */
  readonly grants: readonly Grant[] | null;
  /** Rights on single columns, the columns quoted. */
  readonly columns: readonly { readonly name: string; readonly grants: readonly Grant[] }[] | null;
  /** Row-level security: for all but the owner, or (`forced`) for the owner too. */
  readonly rowSecurity: 'on' | 'forced' | null;
  /** Belongs to an extension. */
  readonly ofExtension: boolean;
  /** A sequence that moves with its table. */
  readonly ofTable: boolean;
  /** A routine that runs with its owner's rights. */
  readonly definer: boolean;
}

/** How many objects of one catalogue a role owns. */
export interface OwnedCount {
  readonly role: string;
  /** null: shared by the cluster (databases, tablespaces). */
  readonly database: string | null;
  readonly catalogue: string;
  readonly objects: number;
}

export interface GraphPolicy {
  readonly table: string;
  readonly name: string;
  /** null: PUBLIC. */
  readonly roles: readonly (string | null)[];
  readonly expression: string;
}

/** A routine, view or default whose text asks who the user is. */
export interface IdentityUse {
  readonly kind: string;
  readonly name: string;
  readonly text: string;
}

/** All that a rotation depends on in one database: who may what, by which name. JSON, without secrets. */
export interface RoleGraph {
  readonly server: {
    readonly major: number;
    /** Who looked. */
    readonly admin: string;
    readonly superuser: boolean;
    /** Of a session without a setting of its own. */
    readonly searchPath: string;
    /** `ALTER ROLE … PASSWORD` takes membership of `rds_password` here. */
    readonly restrictsPasswords: boolean;
  };
  readonly database: string;
  readonly roles: readonly GraphRole[];
  readonly memberships: readonly Membership[];
  readonly settings: readonly RoleSetting[];
  readonly defaultPrivileges: readonly DefaultPrivilege[];
  readonly objects: readonly GraphObject[];
  /** Objects beyond the limit; those that concern the roles looked at come first. */
  readonly objectsLeftOut: number;
  readonly owned: readonly OwnedCount[];
  readonly userMappings: readonly { readonly server: string; readonly user: string | null }[];
  readonly policies: readonly GraphPolicy[];
  readonly identityUses: readonly IdentityUse[];
}

/** About 4 MB of JSON; the answer of a function ends at 6 MB. */
const usualLimit = 12_000;

/**
 * Reads the graph in one snapshot, changing nothing. Needs no more than a login: the catalogues are public.
 *
 * @param focus roles whose objects come first when there are more than `limit`
 */
export async function readRoleGraph(
  client: Client,
  focus: readonly string[],
  limit = usualLimit,
): Promise<RoleGraph> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    const [server] = await read<RoleGraph['server']>(client, serverSql);
    const [place] = await read<{ database: string }>(client, databaseSql);
    if (server === undefined || place === undefined) throw new Error('the server does not say what it is');
    // So that names come out with their schema.
    await client.query(`SET LOCAL search_path = pg_catalog`);
    const objects = await read<GraphObject & { total: number }>(client, objectsSql, [focus, limit]);
    return {
      server,
      database: place.database,
      roles: await read(client, rolesSql),
      memberships: await read(client, membershipsSql(server.major)),
      settings: await read(client, settingsSql),
      defaultPrivileges: await read(client, defaultPrivilegesSql),
      objects: objects.map(({ total: _total, ...object }) => object),
      objectsLeftOut: (objects[0]?.total ?? 0) - objects.length,
      owned: await read(client, ownedSql),
      userMappings: await read(client, userMappingsSql),
      policies: await read(client, policiesSql),
      identityUses: await read(client, identityUsesSql),
    };
  } finally {
    await client.query('ROLLBACK').catch(() => {});
  }
}

async function read<Row>(client: Client, text: string, values: readonly unknown[] = []): Promise<Row[]> {
  const { rows } = await client.query<{ row: Row }>({
    text: `SELECT row_to_json(found) AS row FROM (${text}) AS found`,
    values: [...values],
  });
  return rows.map(({ row }) => row);
}
