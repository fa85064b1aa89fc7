import { quoteIdentifier, quoteLiteral } from '../database/identifier.ts';
import type { Client } from '../database/with-client.ts';
import { absentColumn } from './seed-rows.ts';
import type { SeedTable } from './seed-table.ts';

/** Which columns of the staged rows go into the table. */
export interface Upsert {
  readonly table: SeedTable;
  /** Columns that the file has. */
  readonly present: readonly string[];
  /** Those of them that some row lacks: its default when the row is new, untouched otherwise. */
  readonly sometimesAbsent: readonly string[];
}

export interface RowCounts {
  readonly inserted: number;
  readonly updated: number;
}

/** SQL text for one upsert; `source` is the staging table or a part of it. Pure. */
export interface UpsertSql {
  readonly count: string;
  /** For an empty table. */
  readonly insertAll: string;
  readonly insert: string;
  readonly update: string;
  /** Both at once, so that a row may refer to another of the same file whichever of the two is new. */
  readonly both: string;
}

/**
 * Not `INSERT … ON CONFLICT DO UPDATE`: it fires BEFORE INSERT triggers and draws from sequences for rows that
 * exist already. New and changed rows are told apart first, and an unchanged row is not touched at all.
 */
export function renderUpsert(upsert: Upsert, source: string): UpsertSql {
  const { table, present, sometimesAbsent } = upsert;
  const quote = quoteIdentifier;
  const choose = (name: string, otherwise: string): string =>
    sometimesAbsent.includes(name)
      ? `CASE WHEN ${quoteLiteral(name)} = ANY (s.${quote(absentColumn)}) THEN ${otherwise} ELSE s.${quote(name)} END`
      : `s.${quote(name)}`;
  const same = table.key.map((name) => `t.${quote(name)} = s.${quote(name)}`).join(' AND ');
  const settable = present.filter(
    (name) => !table.key.includes(name) && table.columns.get(name)?.identityAlways !== true,
  );
  const rowOf = (values: readonly string[]): string => `ROW(${values.join(', ')})::record`;
  // *<> compares what is stored, byte by byte: json has no equality, and 'Ann' equals 'ann' in citext.
  const changed =
    settable.length === 0
      ? 'false'
      : `${rowOf(settable.map((name) => `t.${quote(name)}`))} *<> ${rowOf(settable.map((name) => choose(name, `t.${quote(name)}`)))}`;
  const insertAll = `INSERT INTO ${table.sql} (${present.map(quote).join(', ')}) OVERRIDING SYSTEM VALUE
    SELECT ${present.map((name) => choose(name, table.columns.get(name)?.defaultSql ?? 'NULL')).join(', ')}
      FROM ${source} s`;
  const insert = `${insertAll} WHERE NOT EXISTS (SELECT FROM ${table.sql} t WHERE ${same})`;
  const update = `UPDATE ${table.sql} t SET ${settable.map((name) => `${quote(name)} = ${choose(name, `t.${quote(name)}`)}`).join(', ')}
      FROM ${source} s WHERE ${same} AND ${changed}`;
  const isNew = `t.${quote(table.key[0] ?? '')} IS NULL`;
  const count = `SELECT count(*) FILTER (WHERE ${isNew})::int AS inserted,
      count(*) FILTER (WHERE NOT ${isNew} AND ${changed})::int AS updated
    FROM ${source} s LEFT JOIN ${table.sql} t ON ${same}`;
  return { count, insertAll, insert, update, both: `WITH inserted AS (${insert}) ${update}` };
}

/** What writing would do. Statements that change no row would still fire statement triggers, hence the look first. */
export async function countRows(client: Client, sql: UpsertSql): Promise<RowCounts> {
  const { rows } = await client.query<RowCounts>(sql.count);
  return { inserted: rows[0]?.inserted ?? 0, updated: rows[0]?.updated ?? 0 };
}

/** Writes what `countRows` found, in one statement. */
export async function writeCounted(client: Client, sql: UpsertSql, counts: RowCounts): Promise<RowCounts> {
  if (counts.inserted > 0 && counts.updated > 0) {
    const { rowCount } = await client.query(sql.both);
    return { inserted: counts.inserted, updated: rowCount ?? 0 };
  }
  if (counts.inserted > 0) return { inserted: (await client.query(sql.insert)).rowCount ?? 0, updated: 0 };
  if (counts.updated > 0) return { inserted: 0, updated: (await client.query(sql.update)).rowCount ?? 0 };
  return { inserted: 0, updated: 0 };
}
