import { Database, settingsFromEnvironment } from '../lambdapg-runtime/index.ts';

/*
 * This file is yours. It opens nothing: the first query does, and the connection then stays open for as long as the
 * execution environment lives, through every freeze. A connection that died is replaced before the next statement, and
 * one whose login was rotated is exchanged.
 *
 * The settings are libpq's variables (PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD, PGSSLMODE, PGSSLROOTCERT).
 * `lambdapg dev` sets them; see .env.example for what each one means. In the cloud LAMBDAPG_SECRET_ARN or
 * LAMBDAPG_DB_AUTH=iam stand for the password.
 */
export const database = new Database(() => ({
  ...settingsFromEnvironment(process.env),
  // Shorter than the functions' timeout in lambdapg.json, so that an unreachable database is an error with a reason.
  connectTimeoutMs: 5_000,
}));

/** `await query('select title from books where id = $1', [id])` gives the rows, as plain objects. */
export const query = database.query;

/**
 * `await transaction(async (tx) => { await tx.query(…); await tx.query(…); })`: both or neither. An error rolls back.
 * A `query` from elsewhere waits until the transaction is over: there is one connection.
 */
export const transaction = database.transaction;

/** Whether PostgreSQL refused a statement because of the constraint `name` (they are named in `migrations/`). */
export function brokeConstraint(error: unknown, name: string): boolean {
  return error instanceof Error && 'constraint' in error && error.constraint === name;
}
