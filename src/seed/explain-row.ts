import { quoteIdentifier } from '../database/identifier.ts';
import type { Client } from '../database/with-client.ts';
import { exitCodes, UserError } from '../errors.ts';
import type { PostgresError } from './explain-statement.ts';
import { findBadRow } from './find-bad-row.ts';
import { findDanglingRow } from './find-dangling-row.ts';
import type { SchemaSession } from './schema-session.ts';
import type { LocatedRow, RowsLoad } from './seed-rows.ts';
import { findStagedRow, stagingName, stagingSql } from './staging.ts';
import { describeBlocker } from './watch-blockers.ts';
import type { Upsert } from './write-rows.ts';

const longestValue = 100;

/** A value that did not fit its type, or a row with too few or too many values: found by COPY. */
export async function explainCopyError(error: PostgresError, { seed, rows }: RowsLoad): Promise<UserError> {
  const copyLine = readCopyLine(error);
  const number = copyLine === undefined ? undefined : await rows.findRowOfCopyLine(copyLine);
  const row = number === undefined ? undefined : await rows.locate(number).catch(() => undefined);
  const column =
    rows.columns.find((name) => error.where?.split('\n')[0]?.includes(`, column ${name}: `)) ??
    findColumn(error, rows.columns);
  const value = column === undefined ? undefined : row?.values.get(column);
  const place = describePlace(seed.path, row, column);
  const said =
    value === undefined || value === null ? error.message : `cannot take ${show(value)}: ${error.message}`;
  const shown = column === undefined && row !== undefined ? [`  row: ${cut(row.text.trimEnd())}`] : [];
  return new UserError(
    'SEED_BAD_ROW',
    [`${place}: ${said} (${error.code})`, ...shown, ...describeRest(error)].join('\n'),
    {
      suggestions: suggestForCopy(error),
      cause: error,
    },
  );
}

/** `COPY lambdapg_stage, line 3, column pages: "abc"`, in whatever language the server speaks. */
function readCopyLine({ where }: PostgresError): number | undefined {
  const context = where?.split('\n').find((line) => line.includes(stagingName));
  const digits = /\d+/.exec(context?.slice(context.indexOf(stagingName) + stagingName.length) ?? '')?.[0];
  return digits === undefined ? undefined : Number(digits);
}

/** For a server that does not say "column". The longest name that fits is meant. */
function findColumn({ where }: PostgresError, columns: readonly string[]): string | undefined {
  const context = where?.split('\n')[0] ?? '';
  return columns.filter((name) => context.includes(` ${name}: `)).sort((a, b) => b.length - a.length)[0];
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
  error: PostgresError,
  session: SchemaSession,
  { seed, rows, table }: RowsLoad,
  upsert: Upsert,
): Promise<UserError> {
  if (error.code === '55P03') return explainLock(error, session, table.name);
  const { client } = session;
  const dangling = await findDanglingRow(client, error, table, upsert.present);
  const number =
    dangling?.row ??
    (dangling === undefined ? await findBadRow(client, error, upsert, rows.countRows()) : undefined);
  const row = number === undefined ? undefined : await rows.locate(number).catch(() => undefined);
  const columns = dangling?.columns ?? (error.column === undefined ? [] : [error.column]);
  const shown =
    row === undefined ? [] : [`  row: ${showRow(row, columns.length > 0 && dangling ? columns : undefined)}`];
  const message = `${describePlace(seed.path, row, columns.length === 1 ? columns[0] : undefined)}: ${error.message} (${error.code})`;
  return new UserError('SEED_BAD_ROW', [message, ...shown, ...describeRest(error)].join('\n'), {
    cause: error,
  });
}

function explainLock(error: PostgresError, session: SchemaSession, table: string): UserError {
  const blockers = session.blockers().map((blocker) => `  blocked by ${describeBlocker(blocker)}`);
  return new UserError(
    'SEED_LOCKED',
    [`table "${table}" is locked: ${error.message}`, ...blockers].join('\n'),
    {
      suggestions: ['run it again when the table is less busy'],
      exit: exitCodes.temporary,
      cause: error,
    },
  );
}

/** @throws UserError SEED_DUPLICATE_KEY naming both lines and the key */
export async function refuseDuplicateKeys(client: Client, { seed, table, rows }: RowsLoad): Promise<void> {
  const key = table.key.map((name) => quoteIdentifier(name)).join(', ');
  const { rows: found } = await client.query<{ first: string }>(
    `SELECT min(ctid)::text AS first FROM ${stagingSql} GROUP BY ${key} HAVING count(*) > 1 LIMIT 1`,
  );
  const first = found[0]?.first;
  if (first === undefined) return;
  const same = table.key
    .map((name) => `s.${quoteIdentifier(name)} = o.${quoteIdentifier(name)}`)
    .join(' AND ');
  const twins = `EXISTS (SELECT FROM ${stagingSql} o WHERE o.ctid = $1 AND ${same})`;
  const firstRow = await findStagedRow(client, twins, [first]);
  const secondRow = await findStagedRow(client, `${twins} AND "lambdapg row" > $2`, [first, firstRow]);
  const [one, two] = [await rows.locate(firstRow ?? 0), await rows.locate(secondRow ?? 0)];
  const value = table.key.map((name) => `${name} = ${show(one?.values.get(name) ?? '')}`).join(', ');
  throw new UserError(
    'SEED_DUPLICATE_KEY',
    `${seed.path} line ${two?.line}: the key ${value} stands on line ${one?.line} already`,
  );
}

/** NULL is found again by no key. @throws UserError SEED_NO_KEY_VALUE */
export async function refuseNullKeys(client: Client, { seed, table, rows }: RowsLoad): Promise<void> {
  for (const name of table.key) {
    const { rows: found } = await client.query(
      `SELECT FROM ${stagingSql} WHERE ${quoteIdentifier(name)} IS NULL LIMIT 1`,
    );
    if (found.length === 0) continue;
    const number = await findStagedRow(client, `s.${quoteIdentifier(name)} IS NULL`);
    const row = await rows.locate(number ?? 0);
    throw new UserError(
      'SEED_NO_KEY_VALUE',
      `${describePlace(seed.path, row, name)}: the key is empty, so the row could not be found again`,
    );
  }
}

function describePlace(path: string, row: LocatedRow | undefined, column: string | undefined): string {
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

function show(value: string): string {
  return JSON.stringify(cut(value));
}

function cut(text: string): string {
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text;
}
