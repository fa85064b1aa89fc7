import type { RowsSeed } from './seed-files.ts';
import type { SeedTable } from './seed-table.ts';

/** How far the reading of a file has come. */
export interface ReadProgress {
  readonly bytes: number;
  readonly rows: number;
}

/** A row of a seed file, found again for an error. */
export interface LocatedRow {
  /** Where it begins in the file, from 1. */
  readonly line: number;
  /** As text, null for SQL's NULL. */
  readonly values: ReadonlyMap<string, string | null>;
  /** As it stands in the file. */
  readonly text: string;
}

/** The rows of one seed file, whatever its format, on their way into a staging table. */
export interface SeedRows {
  /** Columns of the staging table, in the order of the COPY data. */
  readonly columns: readonly string[];
  /** For `COPY … WITH (…)`. */
  readonly copyOptions: string;
  readonly totalBytes: number;
  /**
   * Streams the COPY data; memory does not grow with the file.
   *
   * @throws UserError naming file and line
   */
  read(onProgress: (progress: ReadProgress) => void): AsyncIterable<Buffer>;
  /** After reading: the columns that at least one row had, and those that some row lacked. */
  findColumns(): { readonly present: readonly string[]; readonly sometimesAbsent: readonly string[] };
  /** After reading. */
  countRows(): number;
  /** The row with this number, from 1, by reading the file again. */
  locate(row: number): Promise<LocatedRow | undefined>;
  /** PostgreSQL's line number in a COPY error to the row's number. */
  findRowOfCopyLine(copyLine: number): Promise<number | undefined>;
}

/** Filled by a source for rows that lack columns: their names. Never a column of a person's table. */
export const absentColumn = 'lambdapg absent';

/** A file on its way into its table. */
export interface RowsLoad {
  readonly seed: RowsSeed;
  readonly table: SeedTable;
  readonly rows: SeedRows;
}
