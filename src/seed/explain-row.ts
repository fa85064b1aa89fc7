import type { Context } from '../context.ts';
import type { Client } from '../database/with-client.ts';
import { exitCodes, UserError } from '../errors.ts';
import { isPostgresError, type PostgresError } from './explain-statement.ts';
import { findBadRow } from './find-bad-row.ts';
import { findDanglingRow } from './find-dangling-row.ts';
import type { LocatedRow, RowsLoad } from './seed-rows.ts';
import { stagingName } from './staging.ts';
import { type Blocker, describeBlocker } from './watch-blockers.ts';
import type { Upsert } from './write-rows.ts';

const longestValue = 100;

/** Data exceptions, constraints, view checks, and what a trigger raises: one row's fault. */
export function isRowError(error: unknown): error is PostgresError {
  return isPostgresError(error) && /^(22|23|44|P0)/.test(error.code);
}

/** A value that did not fit its type, or a row with too few or too many values: found by COPY. */
export async function explainCopyError(error: PostgresError, { seed, rows }: RowsLoad): Promise<UserError> {
  const context = error.where?.slice(error.where.indexOf(stagingName)) ?? '';
  const copyLine = readCopyLine(context);
  const number = copyLine === undefined ? undefined : await rows.findRowOfCopyLine(copyLine);
  const row = number === undefined ? undefined : await rows.locate(number).catch(() => undefined);
  const column = findColumn(context, rows.columns);
  const value = column === undefined ? undefined : row?.values.get(column);
  const said = typeof value === 'string' ? `cannot take ${show(value)}: ${error.message}` : error.message;
  const lines = [
    `${describePlace(seed.path, row, column)}: ${said} (${error.code})`,
    ...(column === undefined && row !== undefined ? [`  row: ${cut(row.text.trimEnd())}`] : []),
    ...describeRest(error),
  ];
  return new UserError('SEED_BAD_ROW', lines.join('\n'), {
    suggestions: suggestForCopy(error),
    cause: error,
  });
}

/** `lambdapg_stage, line 3, column pages: "abc"`, in whatever language the server speaks. */
function readCopyLine(context: string): number | undefined {
  const digits = /\d+/.exec(context)?.[0];
  return digits === undefined ? undefined : Number(digits);
}

/** Of names that are each other's end, the longest is meant. The value comes last and may hold anything. */
function findColumn(context: string, columns: readonly string[]): string | undefined {
  const [first] = columns
    .map((name) => ({ name, at: context.indexOf(` ${name}: `) }))
    .filter(({ at }) => at !== -1)
    .sort((a, b) => a.at - b.at || b.name.length - a.name.length);
  return first?.name;
}

function suggestForCopy(error: PostgresError): string[] {
  if (/unquoted (newline|carriage return)/.test(error.message)) {
    return ['the file mixes kinds of line ends: save it with one kind, or quote the value that holds one'];
  }
  if (error.message.startsWith('extra data'))
    return ['a value with a comma or a quote needs double quotes around it'];
  return [];
}

/** A constraint or trigger that refused a row when it was written. Call after the rollback to the savepoint. */
export async function explainWriteError(
  context: Context,
  error: PostgresError,
  client: Client,
  { seed, rows, table }: RowsLoad,
  upsert: Upsert,
): Promise<UserError> {
  const dangling = await findDanglingRow(client, error, table, upsert.present);
  const number =
    dangling === undefined
      ? await findBadRow(context, client, error, upsert, rows.countRows())
      : dangling.row;
  const row = number === undefined ? undefined : await rows.locate(number).catch(() => undefined);
  const columns = dangling?.columns ?? (error.column === undefined ? [] : [error.column]);
  const place = describePlace(seed.path, row, columns.length === 1 ? columns[0] : undefined);
  const lines = [
    `${place}: ${error.message} (${error.code})`,
    ...(row === undefined ? [] : [`  row: ${showRow(row, dangling?.columns)}`]),
    ...describeRest(error),
  ];
  return new UserError('SEED_BAD_ROW', lines.join('\n'), { cause: error });
}

/** What the server says that is no row's fault: a lock, a missing right, a full disk. Others are returned as they are. */
export function explainFailure(error: unknown, what: string, blockers: readonly Blocker[]): unknown {
  if (!isPostgresError(error)) return error;
  const locked = error.code === '55P03';
  const lines = [
    `${what}: ${error.message} (${error.code})`,
    ...describeRest(error),
    ...(locked ? blockers.map((blocker) => `  blocked by ${describeBlocker(blocker)}`) : []),
  ];
  return new UserError(locked ? 'SEED_LOCKED' : 'SEED_FAILED', lines.join('\n'), {
    suggestions: locked ? ['run it again when the table is less busy'] : [],
    exit: locked ? exitCodes.temporary : exitCodes.notDone,
    cause: error,
  });
}

/** `seeds/10_books.csv line 3, column "pages"`, as far as it is known. */
export function describePlace(path: string, row: LocatedRow | undefined, column: string | undefined): string {
  return `${path}${row === undefined ? '' : ` line ${row.line}`}${column === undefined ? '' : `, column "${column}"`}`;
}

function describeRest({ detail, hint, where }: PostgresError): string[] {
  const context = where?.includes(stagingName) === true ? undefined : where;
  return [
    ...(detail === undefined ? [] : [`  detail: ${detail}`]),
    ...(hint === undefined ? [] : [`  hint: ${hint}`]),
    ...(context === undefined ? [] : [`  where: ${context.split('\n')[0]}`]),
  ];
}

function showRow({ values }: LocatedRow, only: readonly string[] | undefined): string {
  return [...values]
    .filter(([name]) => only === undefined || only.includes(name))
    .map(([name, value]) => `${name} = ${value === null ? 'NULL' : show(value)}`)
    .join(', ');
}

/** Quoted, and cut when long. */
export function show(value: string): string {
  return JSON.stringify(cut(value));
}

function cut(text: string): string {
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text;
}
