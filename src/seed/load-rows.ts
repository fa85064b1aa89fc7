import { join } from 'node:path';
import type { Context } from '../context.ts';
import type { Client } from '../database/with-client.ts';
import { UserError } from '../errors.ts';
import { advanceSequences } from './advance-sequences.ts';
import { openCsvRows } from './csv-rows.ts';
import { explainCopyError, explainWriteError, isRowError } from './explain-row.ts';
import { openJsonRows } from './json-rows.ts';
import { refuseDuplicateKeys, refuseIdentityChanges, refuseNullKeys } from './refuse-rows.ts';
import { reportProgress } from './report-progress.ts';
import type { SchemaSession } from './schema-session.ts';
import type { RowsSeed } from './seed-files.ts';
import type { RowsLoad, SeedRows } from './seed-rows.ts';
import { getSeedTable, type SeedTable } from './seed-table.ts';
import { createStaging, dropStaging, fillStaging, stagingSql } from './staging.ts';
import { verifyColumns } from './verify-columns.ts';
import { countRows, type RowCounts, renderUpsert, type UpsertSql, writeCounted } from './write-rows.ts';

export interface LoadOptions {
  readonly projectDir: string;
  readonly dryRun: boolean;
  readonly longestRecordBytes: number;
  /** Deferred constraints are checked at the end of this file, where its lines are still known. */
  readonly checkConstraints: boolean;
}

export interface LoadedRows extends RowCounts {
  /** In the file. */
  readonly rows: number;
}

/**
 * Streams a file into a staging table and brings the target to its state. Needs an open transaction, and leaves it
 * to the caller to commit or to roll back.
 *
 * @throws UserError naming file, line, column and value of the first bad row
 */
export async function loadRows(
  context: Context,
  session: SchemaSession,
  seed: RowsSeed,
  options: LoadOptions,
): Promise<LoadedRows> {
  const { client } = session;
  const table = await getSeedTable(client, seed);
  const load = { seed, table, rows: await openRows(seed, table, options) };
  await createStaging(client, table, load.rows);
  await stage(context, session, load);
  const counts = await write(context, session, load, options);
  await dropStaging(client);
  if (!options.dryRun) await advanceSequences(client, table);
  return { rows: load.rows.countRows(), ...counts };
}

async function openRows(seed: RowsSeed, table: SeedTable, options: LoadOptions): Promise<SeedRows> {
  const text = { file: join(options.projectDir, seed.path), path: seed.path };
  if (seed.kind !== 'csv') return openJsonRows(text, seed.kind, table, options.longestRecordBytes);
  const rows = await openCsvRows(text, options.longestRecordBytes);
  verifyColumns(seed.path, rows.columns, table);
  return rows;
}

async function stage(context: Context, session: SchemaSession, load: RowsLoad): Promise<void> {
  const { client } = session;
  const progress = reportProgress(context, load.seed.path, load.rows.totalBytes);
  let taken: number;
  try {
    taken = await fillStaging(client, load.rows, (read) => {
      context.signal.throwIfAborted();
      progress(read);
    });
  } catch (error) {
    throw isRowError(error) ? await explainCopyError(error, load) : error;
  }
  if (taken !== load.rows.countRows()) {
    // Up to PostgreSQL 17, a line that is \. alone ends the data, and the rest is dropped without an error.
    const row = await load.rows.locate(taken + 1);
    throw new UserError(
      'SEED_BAD_CSV',
      `${load.seed.path} line ${row?.line}: PostgreSQL takes the line \\. for the end of the data`,
      {
        suggestions: ['put the value into double quotes: "\\."'],
      },
    );
  }
}

async function write(
  context: Context,
  session: SchemaSession,
  load: RowsLoad,
  options: LoadOptions,
): Promise<RowCounts> {
  const { client } = session;
  const { table, rows } = load;
  if (rows.countRows() === 0) return { inserted: 0, updated: 0 };
  const empty = await isEmpty(client, table);
  await session.watch(() => refuseBadRows(client, load, empty && !options.dryRun));
  const upsert = { table, ...rows.findColumns() };
  const sql = renderUpsert(upsert, stagingSql);
  const counts = empty
    ? { inserted: rows.countRows(), updated: 0 }
    : await session.watch(() => countRows(client, sql));
  if (options.dryRun) return counts;
  await client.query('SAVEPOINT lambdapg_write');
  try {
    const written = await session.watch(() =>
      empty ? insertAll(session, sql) : writeCounted(client, sql, counts),
    );
    if (options.checkConstraints) await session.watch(() => client.query('SET CONSTRAINTS ALL IMMEDIATE'));
    await client.query('RELEASE SAVEPOINT lambdapg_write');
    return written;
  } catch (error) {
    context.signal.throwIfAborted();
    if (!isRowError(error)) throw error;
    await client.query('ROLLBACK TO SAVEPOINT lambdapg_write');
    throw await explainWriteError(context, error, client, load, upsert);
  }
}

async function isEmpty(client: Client, table: SeedTable): Promise<boolean> {
  const { rows } = await client.query<{ empty: boolean }>(
    `SELECT NOT EXISTS (SELECT FROM ${table.sql}) AS empty`,
  );
  return rows[0]?.empty === true;
}

/** When an empty table is filled, its unique index finds doubled keys without another pass. */
async function refuseBadRows(client: Client, load: RowsLoad, indexFindsDuplicates: boolean): Promise<void> {
  await refuseNullKeys(client, load);
  if (!indexFindsDuplicates) await refuseDuplicateKeys(client, load);
  await refuseIdentityChanges(client, load);
}

async function insertAll({ client }: SchemaSession, { insertAll: sql }: UpsertSql): Promise<RowCounts> {
  return { inserted: (await client.query(sql)).rowCount ?? 0, updated: 0 };
}
