import { quoteIdentifier } from './identifier.ts';
import type { Client } from './with-client.ts';

/**
 * Makes the schema `lambdapg`, where lambdapg keeps what it needs in a database, unless it is there. The application's role
 * sees nothing of it.
 *
 * @param ownerRole whom it is to belong to; the admin itself without one
 * @throws pg's DatabaseError, 42501 when the admin may not make schemas here
 */
export async function createSchema(client: Client, ownerRole: string | undefined): Promise<void> {
  const { rows } = await client.query<{ there: boolean }>(
    `SELECT to_regnamespace('lambdapg') IS NOT NULL AS there`,
  );
  if (rows[0]?.there === true) return;
  const owner = ownerRole === undefined ? '' : ` AUTHORIZATION ${quoteIdentifier(ownerRole)}`;
  await underSchemaLock(client, async () => {
    await client.query(`CREATE SCHEMA IF NOT EXISTS lambdapg${owner}`);
    await client.query(closeSchema);
  });
}

/** One transaction at a time per database: `IF NOT EXISTS` fails for one of two who make the same at once. */
export async function underSchemaLock(client: Client, work: () => Promise<void>): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('lambdapg:schema', 0))`);
    await work();
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** The owner's default privileges let the application into every new schema. */
const closeSchema = `
  DO $$
  DECLARE grantee text;
  BEGIN
    FOR grantee IN SELECT DISTINCT acl.grantee::regrole FROM pg_namespace, aclexplode(nspacl) AS acl
                    WHERE nspname = 'lambdapg' AND acl.grantee NOT IN (0, nspowner) LOOP
      EXECUTE format('REVOKE ALL ON SCHEMA lambdapg FROM %s', grantee);
    END LOOP;
  END $$`;
