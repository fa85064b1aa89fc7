import { quoteIdentifier } from '../database/identifier.ts';
import type { Client } from '../database/with-client.ts';
import { type SchemaSession, takeOwnerRole } from './schema-session.ts';

/** What the database knows about one migration. */
export interface MigrationRecord {
  readonly name: string;
  /** `started` only for a file without transaction that has not come to its end. */
  readonly state: 'started' | 'applied';
  /** Of the whole file when applied; of the statements done so far when started. */
  readonly sha256: string;
  readonly statementsDone: number;
  /** One more than done: that statement was sent and its outcome is not known. */
  readonly statementsBegun: number;
  /** Of the statements begun so far; null when applied. */
  readonly begunSha256: string | null;
}

const createTableSql = `
  CREATE TABLE lambdapg.migrations (
    name text PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('started', 'applied')),
    sha256 text NOT NULL,
    statements_begun integer NOT NULL,
    statements_done integer NOT NULL,
    begun_sha256 text,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    applied_at timestamptz,
    duration_ms integer,
    lambdapg_version text NOT NULL
  );
  COMMENT ON TABLE lambdapg.migrations IS 'Written by lambdapg migrate: what has been applied here'`;

/**
 * The owner's default privileges give the application DML on everything new; what has been applied is not its to
 * say.
 */
const revokeSql = `
  DO $$
  DECLARE grantee text;
  BEGIN
    FOR grantee IN SELECT DISTINCT acl.grantee::regrole FROM pg_namespace, aclexplode(nspacl) AS acl
                    WHERE nspname = 'lambdapg' AND acl.grantee NOT IN (0, nspowner) LOOP
      EXECUTE format('REVOKE ALL ON SCHEMA lambdapg FROM %s', grantee);
      EXECUTE format('REVOKE ALL ON TABLE lambdapg.migrations FROM %s', grantee);
    END LOOP;
  END $$`;

/** Makes the table where it is missing. Call under the schema lock. */
export async function createMigrationLog({ client, ownerRole }: SchemaSession): Promise<void> {
  const { rows } = await client.query<{ schema: boolean; table: boolean; mayCreate: boolean }>(
    `SELECT to_regnamespace('lambdapg') IS NOT NULL AS schema, to_regclass('lambdapg.migrations') IS NOT NULL AS table,
            has_database_privilege(current_database(), 'CREATE') AS "mayCreate"`,
  );
  const found = rows[0];
  if (found?.table === true) return;
  await client.query('BEGIN');
  if (found?.schema !== true) await createSchema(client, ownerRole, found?.mayCreate === true);
  await client.query(createTableSql);
  await client.query(revokeSql);
  await client.query('COMMIT');
}

/** An owner role without CREATE on the database is given the schema by the admin. */
async function createSchema(
  client: Client,
  ownerRole: string | undefined,
  ownerMayCreate: boolean,
): Promise<void> {
  if (ownerRole === undefined || ownerMayCreate) {
    await client.query('CREATE SCHEMA lambdapg');
    return;
  }
  await client.query('RESET ROLE');
  await client.query(`CREATE SCHEMA lambdapg AUTHORIZATION ${quoteIdentifier(ownerRole)}`);
  await takeOwnerRole(client, ownerRole);
}

/** All records, or none when the table does not exist yet. Writes nothing. */
export async function readMigrationLog(client: Client): Promise<MigrationRecord[]> {
  const { rows: tables } = await client.query<{ there: boolean }>(
    `SELECT to_regclass('lambdapg.migrations') IS NOT NULL AS there`,
  );
  if (tables[0]?.there !== true) return [];
  const { rows } = await client.query<MigrationRecord>(
    `SELECT name, state, sha256, statements_done AS "statementsDone", statements_begun AS "statementsBegun",
            begun_sha256 AS "begunSha256"
       FROM lambdapg.migrations`,
  );
  return rows;
}

export interface AppliedMigration {
  readonly name: string;
  readonly sha256: string;
  readonly statements: number;
  readonly durationMs: number;
  readonly version: string;
}

export async function recordApplied(client: Client, applied: AppliedMigration): Promise<void> {
  await client.query(
    `INSERT INTO lambdapg.migrations AS m
            (name, state, sha256, statements_begun, statements_done, applied_at, duration_ms, lambdapg_version)
     VALUES ($1, 'applied', $2, $3, $3, clock_timestamp(), $4, $5)
     ON CONFLICT (name) DO UPDATE
        SET state = 'applied', sha256 = excluded.sha256, statements_begun = excluded.statements_begun,
            statements_done = excluded.statements_done, begun_sha256 = NULL, applied_at = excluded.applied_at,
            duration_ms = excluded.duration_ms, lambdapg_version = excluded.lambdapg_version`,
    [applied.name, applied.sha256, applied.statements, Math.round(applied.durationMs), applied.version],
  );
}

export interface StartedMigration {
  readonly name: string;
  readonly begun: number;
  readonly done: number;
  /** Of the text of the statements that are done. */
  readonly sha256: string;
  readonly begunSha256: string;
  readonly version: string;
}

/** How far a file without transaction has come. */
export async function recordProgress(client: Client, progress: StartedMigration): Promise<void> {
  await client.query(
    `INSERT INTO lambdapg.migrations AS m (name, state, sha256, statements_begun, statements_done, lambdapg_version, begun_sha256)
     VALUES ($1, 'started', $2, $3, $4, $5, $6)
     ON CONFLICT (name) DO UPDATE
        SET sha256 = excluded.sha256, statements_begun = excluded.statements_begun,
            statements_done = excluded.statements_done, lambdapg_version = excluded.lambdapg_version,
            begun_sha256 = excluded.begun_sha256`,
    [progress.name, progress.sha256, progress.begun, progress.done, progress.version, progress.begunSha256],
  );
}
