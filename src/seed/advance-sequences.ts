import { quoteIdentifier } from '../database/identifier.ts';
import type { Client } from '../database/with-client.ts';
import type { SeedTable } from './seed-table.ts';

interface OwnedSequence {
  column: string;
  sequence: string;
  ascending: boolean;
}

/**
 * Sets the sequences that a table owns (serial and identity) past its highest id, never backwards, so that the
 * application's first insert finds a free one. Writes nothing when they stand there already.
 */
export async function advanceSequences(client: Client, table: SeedTable): Promise<void> {
  const { rows } = await client.query<OwnedSequence>(
    `SELECT column_name AS column, sequence, seqincrement > 0 AS ascending
       FROM unnest($2::text[]) AS column_name,
            LATERAL pg_get_serial_sequence($1, column_name) AS sequence JOIN pg_sequence ON seqrelid = sequence::regclass
      WHERE sequence IS NOT NULL`,
    [table.sql, [...table.columns.keys()]],
  );
  for (const { column, sequence, ascending } of rows) {
    const [highest, past] = ascending ? ['max', '>'] : ['min', '<'];
    // Without a row, `value` is NULL and nothing is set.
    await client.query(
      `SELECT setval($1::regclass, found.value)
         FROM (SELECT ${highest}(${quoteIdentifier(column)}) AS value FROM ${table.sql}) found, ${sequence} s
        WHERE found.value ${past} s.last_value OR (found.value = s.last_value AND NOT s.is_called)`,
      [sequence],
    );
  }
}
