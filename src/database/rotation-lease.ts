import { errorCode, errorMessage, exitCodes, UserError } from '../errors.ts';
import { quoteIdentifier } from './identifier.ts';
import { createSchema, underSchemaLock } from './own-schema.ts';
import type { Client } from './with-client.ts';

/** Who rotates, for the person who is refused. No secret. */
export interface LeaseHolder {
  /** 16 hex digits, new for each run. */
  readonly run: string;
  readonly user: string;
  readonly host: string;
  /** Of `thisMachine`: process ids mean something only where they were given. */
  readonly machine: string;
  readonly pid: number;
}

/** The right to change logins, as long as nobody took it over: whoever does counts `fence` up. */
export interface Lease {
  /** `shop-dev`. */
  readonly id: string;
  readonly run: string;
  readonly fence: number;
}

export interface HeldLease {
  readonly fence: number;
  readonly holder: LeaseHolder;
  /** Milliseconds since 1970, by the database's clock. */
  readonly since: number;
  /** Milliseconds until it is free, unless it is renewed. */
  readonly leftMs: number;
}

export interface LeaseWish {
  readonly id: string;
  readonly holder: LeaseHolder;
  /** How long it lasts without a renewal. */
  readonly leaseMs: number;
  /** Taken over although it has not ended, while it has this number: its holder is known to be dead. */
  readonly insteadOf?: number;
}

const table = 'lambdapg.rotation_lease';

/**
 * Takes the lease when it is free, has ended, or is this run's already (an answer was lost).
 *
 * @param client the admin
 * @param ownerRole of the schema `lambdapg`, if that has yet to be made
 * @returns the lease, or who holds it
 * @throws UserError LEASE_FORBIDDEN, DATABASE_READ_ONLY
 */
export async function takeLease(
  client: Client,
  { id, holder, leaseMs, insteadOf }: LeaseWish,
  ownerRole?: string,
): Promise<Lease | HeldLease> {
  try {
    await createTable(client, ownerRole);
    for (;;) {
      const { rows } = await client.query<{ fence: string }>(
        `INSERT INTO ${table} AS l (id, fence, holder, since, expires_at)
         VALUES ($1, 1, $2, clock_timestamp(), clock_timestamp() + $3 * interval '1 ms')
         ON CONFLICT (id) DO UPDATE
           SET fence = l.fence + 1, holder = excluded.holder, since = excluded.since,
               expires_at = clock_timestamp() + $3 * interval '1 ms'
         WHERE l.holder IS NULL OR l.expires_at < clock_timestamp() OR l.fence = $4
            OR l.holder->>'run' = excluded.holder->>'run'
         RETURNING fence`,
        [id, JSON.stringify(holder), leaseMs, insteadOf ?? null],
      );
      if (rows[0] !== undefined) return { id, run: holder.run, fence: Number(rows[0].fence) };
      const held = await readLease(client, id);
      if (held !== undefined) return held;
    }
  } catch (error) {
    throw explainLeaseError(error, client, ownerRole) ?? error;
  }
}

/** Who holds the lease now; undefined when it is free. */
export async function readLease(client: Client, id: string): Promise<HeldLease | undefined> {
  const { rows } = await client.query<{ fence: string; holder: LeaseHolder; since: number; left: number }>(
    `SELECT fence, holder, (extract(epoch FROM since) * 1000)::float8 AS since,
            (extract(epoch FROM expires_at - clock_timestamp()) * 1000)::float8 AS left
       FROM ${table} WHERE id = $1 AND holder IS NOT NULL AND expires_at >= clock_timestamp()`,
    [id],
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  return { fence: Number(row.fence), holder: row.holder, since: row.since, leftMs: row.left };
}

/** Whether anybody rotates logins of this database, as far as `client` may see. */
export async function isRotating(client: Client): Promise<boolean> {
  const readable = await client.query({
    text: `SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE nspname = $1 AND relname = $2
              AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')`,
    values: table.split('.'),
  });
  if (readable.rowCount === 0) return false;
  const held = await client.query(
    `SELECT FROM ${table} WHERE holder IS NOT NULL AND expires_at >= clock_timestamp()`,
  );
  return held.rowCount !== 0;
}

/**
 * Renews the lease, and holds its row until the transaction ends: nobody takes over between this check and what the same
 * transaction does. A lease that has ended is still ours while nobody has taken it.
 *
 * @throws UserError LEASE_LOST
 */
export async function verifyLease(client: Client, { id, run, fence }: Lease, leaseMs: number): Promise<void> {
  const { rowCount } = await client.query(
    `UPDATE ${table} SET expires_at = clock_timestamp() + $4 * interval '1 ms'
      WHERE id = $1 AND fence = $2 AND holder->>'run' = $3`,
    [id, fence, run, leaseMs],
  );
  if (rowCount !== 1) throw leaseLost(id);
}

/** The row stays, so that its number only ever grows. */
export async function releaseLease(client: Client, { id, run, fence }: Lease): Promise<void> {
  await client.query(
    `UPDATE ${table} SET holder = NULL, expires_at = '-infinity'
      WHERE id = $1 AND fence = $2 AND holder->>'run' = $3`,
    [id, fence, run],
  );
}

/** Another run has taken over. What this one did until now stays, and is looked at anew by the next. */
export function leaseLost(id: string, cause?: unknown): UserError {
  return new UserError('LEASE_LOST', `this run no longer holds the rotation of ${id}`, {
    exit: exitCodes.temporary,
    suggestions: ['lambdapg rotate-creds --status says who rotates', 'then lambdapg rotate-creds --resume'],
    ...(cause !== undefined && { cause }),
  });
}

async function createTable(client: Client, ownerRole: string | undefined): Promise<void> {
  const there = await client.query<{ there: boolean }>(`SELECT to_regclass('${table}') IS NOT NULL AS there`);
  if (there.rows[0]?.there === true) return;
  await createSchema(client, ownerRole);
  await underSchemaLock(client, async () => {
    await client.query(
      `CREATE TABLE IF NOT EXISTS ${table}
         (id text PRIMARY KEY, fence bigint NOT NULL, holder jsonb, since timestamptz NOT NULL, expires_at timestamptz NOT NULL)`,
    );
  });
}

function explainLeaseError(error: unknown, client: Client, ownerRole = ''): UserError | undefined {
  const [code, text] = [errorCode(error), errorMessage(error)];
  const { user: admin = '', database = '' } = client;
  if (code === '25006') {
    return new UserError(
      'DATABASE_READ_ONLY',
      `"${database}" takes no changes there, as on a replica: ${text}`,
      {
        exit: exitCodes.temporary,
        suggestions: ['after a failover run it again; else name the writer as the database'],
        cause: error,
      },
    );
  }
  if (code !== '42501') return undefined;
  const [to, place] = [quoteIdentifier(admin), quoteIdentifier(database)];
  const schema = `GRANT USAGE, CREATE ON SCHEMA lambdapg TO ${to}`;
  const suggestions = text.includes(`"${ownerRole}"`)
    ? [`as a superuser, or who made it: GRANT ${quoteIdentifier(ownerRole)} TO ${to}`]
    : [
        `as the owner of the database: GRANT CREATE ON DATABASE ${place} TO ${to}`,
        `where the schema is there: ${schema}; GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA lambdapg TO ${to}`,
      ];
  return new UserError(
    'LEASE_FORBIDDEN',
    `"${admin}" may not keep the rotation's lease in the schema lambdapg of "${database}": ${text}`,
    { suggestions, cause: error },
  );
}
