import { copyFrom } from '../database/copy.ts';
import { quoteIdentifier } from '../database/identifier.ts';
import type { Client } from '../database/with-client.ts';
import { absentColumn, type ReadProgress, type SeedRows } from './seed-rows.ts';
import type { SeedTable } from './seed-table.ts';

/**
 * The staging table has the target's types, so that COPY itself names line, column and value of what does not fit,
 * but none of its constraints, defaults or triggers. It is temporary (no WAL) and made in the transaction that
 * fills it, which keeps its rows in the file's order: their `ctid`s count the file's rows.
 */
export const stagingName = 'lambdapg_stage';
export const stagingSql = `pg_temp.${stagingName}`;

export async function createStaging(client: Client, table: SeedTable, rows: SeedRows): Promise<void> {
  const columns = rows.columns.map((name) =>
    name === absentColumn ? `NULL::text[] AS "${absentColumn}"` : quoteIdentifier(name),
  );
  await client.query(
    `CREATE TEMPORARY TABLE ${stagingName} ON COMMIT DROP AS SELECT ${columns.join(', ')} FROM ${table.sql} WITH NO DATA`,
  );
}

/** @returns the number of rows that the server took */
export async function fillStaging(
  client: Client,
  rows: SeedRows,
  onProgress: (progress: ReadProgress) => void,
): Promise<number> {
  const columns = rows.columns.map((name) => quoteIdentifier(name)).join(', ');
  return copyFrom(
    client,
    `COPY ${stagingSql} (${columns}) FROM STDIN WITH (${rows.copyOptions})`,
    rows.read(onProgress),
  );
}

export async function dropStaging(client: Client): Promise<void> {
  await client.query(`DROP TABLE ${stagingSql}`);
}

/** Number of the first staged row, from 1, for which `condition` on `s` holds. */
export async function findStagedRow(
  client: Client,
  condition: string,
  values: readonly unknown[] = [],
): Promise<number | undefined> {
  const { rows } = await client.query<{ row: number }>(
    `SELECT "lambdapg row"::int AS row
       FROM (SELECT *, row_number() OVER (ORDER BY ctid) AS "lambdapg row" FROM ${stagingSql}) s
      WHERE ${condition} ORDER BY 1 LIMIT 1`,
    [...values],
  );
  return rows[0]?.row;
}
