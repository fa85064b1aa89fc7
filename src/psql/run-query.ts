import type { Context } from '../context.ts';
import type { OpenDatabase } from '../database/open-database.ts';
import type { StatementResult } from '../database/run-statement.ts';
import { queryJob } from '../jobs/query-job.ts';
import type { Login } from './login.ts';
import type { GivenSql } from './read-query.ts';

export interface QueryRun {
  readonly results: readonly StatementResult[];
  /** Rows are missing that the person did not say to leave out. */
  readonly incomplete: boolean;
}

/** A result is held in memory: here to align it, in the runner to compress it. */
const largestResult = 64 * 1024 * 1024;

/** Runs SQL by whatever route is open. A result that is cut without `limit` is reported. */
export async function runQuery(
  context: Context,
  database: OpenDatabase,
  { target, role }: Login,
  { path, text, oneTransaction, limit }: GivenSql & { readonly limit: number | undefined },
): Promise<QueryRun> {
  const { results } = await database.run(queryJob, target, {
    path,
    text,
    oneTransaction,
    maxRows: limit ?? Number.MAX_SAFE_INTEGER,
    maxSize: largestResult,
    ...(role !== undefined && { role }),
  });
  const rows = results.reduce((total, result) => total + result.rows.length, 0);
  const incomplete = results.some(({ cut }) => cut) && (limit === undefined || rows < limit);
  if (incomplete) {
    const message = `the result is longer than ${largestResult / 1024 / 1024} MB: only its first ${rows} rows are shown`;
    context.report({ type: 'result-cut-warning', rows, message });
  }
  return { results, incomplete };
}
