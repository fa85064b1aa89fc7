import { quoteIdentifier } from '../database/identifier.ts';
import type { Client } from '../database/with-client.ts';
import type { PostgresError } from './explain-statement.ts';
import type { SeedTable } from './seed-table.ts';
import { findStagedRow, stagingSql } from './staging.ts';

interface ForeignKey {
  columns: string[];
  target: string;
  targetColumns: string[];
  self: boolean;
}

export interface DanglingRow {
  /** Undefined when no row of the file explains the error: a default or a trigger made the reference. */
  readonly row: number | undefined;
  readonly columns: readonly string[];
}

/**
 * The staged row that a foreign key error (23503) is about; undefined for any other error. A table may refer to
 * itself, forwards too, so trying parts of the file would find innocent rows.
 */
export async function findDanglingRow(
  client: Client,
  error: PostgresError,
  table: SeedTable,
  present: readonly string[],
): Promise<DanglingRow | undefined> {
  if (error.code !== '23503') return undefined;
  const { rows } = await client.query<ForeignKey>(
    `SELECT array(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY AS k (attnum, place)
                    JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = k.attnum ORDER BY place) AS columns,
            array(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY AS k (attnum, place)
                    JOIN pg_attribute a ON a.attrelid = confrelid AND a.attnum = k.attnum ORDER BY place) AS "targetColumns",
            confrelid::regclass::text AS target, confrelid = conrelid AS self
       FROM pg_constraint WHERE conname = $1 AND conrelid = $2::regclass AND contype = 'f'`,
    [error.constraint, table.sql],
  );
  const key = rows[0];
  if (key === undefined) return { row: undefined, columns: [] };
  const there = [...key.columns, ...(key.self ? key.targetColumns : [])];
  if (!there.every((name) => present.includes(name))) return { row: undefined, columns: key.columns };
  const matches = (other: string): string =>
    key.columns
      .map(
        (name, index) =>
          `${other}.${quoteIdentifier(key.targetColumns[index] ?? '')} = s.${quoteIdentifier(name)}`,
      )
      .join(' AND ');
  const conditions = [
    ...key.columns.map((name) => `s.${quoteIdentifier(name)} IS NOT NULL`),
    `NOT EXISTS (SELECT FROM ${key.target} o WHERE ${matches('o')})`,
    ...(key.self ? [`NOT EXISTS (SELECT FROM ${stagingSql} o WHERE ${matches('o')})`] : []),
  ];
  return { row: await findStagedRow(client, conditions.join(' AND ')), columns: key.columns };
}
