import Cursor from 'pg-cursor';
import type { Client } from './with-client.ts';

/** What one statement gave, as PostgreSQL writes it: every value is text or null. */
export interface StatementResult {
  /** The first word of the command's tag: `SELECT`, `CREATE`. Null when the result was cut. */
  readonly command: string | null;
  /** Rows that were read or written; null for a command that counts none, or when the result was cut. */
  readonly rowCount: number | null;
  /** Empty for a command that returns no rows. */
  readonly columns: readonly ResultColumn[];
  readonly rows: readonly (readonly (string | null)[])[];
  /** There were more rows than asked for; the statement itself was done to its end. */
  readonly cut: boolean;
}

export interface ResultColumn {
  readonly name: string;
  /** `pg_type.oid`. */
  readonly typeId: number;
}

export interface ResultLimits {
  readonly maxRows: number;
  /** Of the text of all values, counted in UTF-16 units. */
  readonly maxSize: number;
}

const portion = 1_000;
const asText = { getTypeParser: () => (value: string) => value };

/**
 * Runs one statement and reads at most as much of its result as `limits` allow. A statement that writes and returns rows is
 * done in full before the first row comes (PostgreSQL's PORTAL_ONE_RETURNING), so that leaving early undoes nothing.
 */
export async function runStatement(
  client: Client,
  text: string,
  limits: ResultLimits,
): Promise<StatementResult> {
  const cursor = client.query(new Cursor<string | null>(text, [], { rowMode: 'array', types: asText }));
  const rows: (string | null)[][] = [];
  let size = 0;
  for (;;) {
    // One more than is wanted tells whether there is more.
    const read = await readPortion(cursor, Math.min(portion, limits.maxRows + 1 - rows.length));
    for (const row of read.rows) {
      size += row.reduce((total, value) => total + (value?.length ?? 4), 0);
      if (rows.length >= limits.maxRows || size > limits.maxSize) {
        await cursor.close();
        return { command: null, rowCount: null, columns: read.columns, rows, cut: true };
      }
      rows.push(row);
    }
    if (read.command === undefined) continue;
    return { command: read.command, rowCount: read.rowCount, columns: read.columns, rows, cut: false };
  }
}

interface Portion {
  readonly rows: (string | null)[][];
  readonly columns: readonly ResultColumn[];
  /** Undefined while there may be more. */
  readonly command: string | undefined;
  readonly rowCount: number | null;
}

function readPortion(cursor: Cursor<string | null>, count: number): Promise<Portion> {
  return new Promise((resolve, reject) => {
    cursor.read(count, (error: Error | undefined, rows, result) => {
      if (error) return reject(error);
      const columns = (result?.fields ?? []).map(({ name, dataTypeID }) => ({ name, typeId: dataTypeID }));
      // Null until the command is complete, whatever the declared type says; no result at all after an empty statement.
      const command = result === undefined ? '' : ((result.command as string | null) ?? undefined);
      resolve({
        rows: rows as unknown as (string | null)[][],
        columns,
        command,
        rowCount: result?.rowCount ?? null,
      });
    });
  });
}
