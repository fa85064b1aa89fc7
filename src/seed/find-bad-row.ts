import type { Context } from '../context.ts';
import type { Client } from '../database/with-client.ts';
import { isPostgresError, type PostgresError } from './explain-statement.ts';
import { stagingSql } from './staging.ts';
import { countRows, renderUpsert, type Upsert, writeCounted } from './write-rows.ts';

/*
 * PostgreSQL says which constraint a set of rows breaks, not which of the rows. The staged rows are still there
 * (the failed statement was rolled back to a savepoint), so the first row with which the same error comes back is
 * looked for by writing ever smaller parts, in the file's order. What was written before a part stays written, so
 * that the second of two equal rows is found too. In all this writes each row about once more.
 */
export async function findBadRow(
  context: Context,
  client: Client,
  error: PostgresError,
  upsert: Upsert,
  rowCount: number,
): Promise<number | undefined> {
  const numbered = 'pg_temp.lambdapg_numbered';
  await client.query(
    `CREATE TEMPORARY TABLE lambdapg_numbered ON COMMIT DROP AS
       SELECT *, row_number() OVER (ORDER BY ctid) AS "lambdapg row" FROM ${stagingSql}`,
  );
  let good = 0;
  let bad = rowCount;
  if (!(await failsTheSame(client, error, upsert, part(numbered, 0, rowCount)))) return undefined;
  while (bad - good > 1) {
    context.signal.throwIfAborted();
    const middle = (good + bad) >> 1;
    if (await failsTheSame(client, error, upsert, part(numbered, good, middle))) bad = middle;
    else good = middle;
  }
  return bad;
}

function part(numbered: string, after: number, upTo: number): string {
  return `(SELECT * FROM ${numbered} WHERE "lambdapg row" > ${after} AND "lambdapg row" <= ${upTo} ORDER BY "lambdapg row")`;
}

/** What is written without the error stays. */
async function failsTheSame(
  client: Client,
  wanted: PostgresError,
  upsert: Upsert,
  source: string,
): Promise<boolean> {
  await client.query('SAVEPOINT lambdapg_part');
  try {
    const sql = renderUpsert(upsert, source);
    await writeCounted(client, sql, await countRows(client, sql));
    await client.query('SET CONSTRAINTS ALL IMMEDIATE');
    await client.query('RELEASE SAVEPOINT lambdapg_part');
    return false;
  } catch (error) {
    if (!isPostgresError(error)) throw error;
    await client.query('ROLLBACK TO SAVEPOINT lambdapg_part');
    return error.code === wanted.code && error.constraint === wanted.constraint;
  }
}
