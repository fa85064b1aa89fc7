import type { StatementResult } from '../database/run-statement.ts';
import { typeIds } from '../database/type-ids.ts';

/** Aligned columns, as psql prints them: numbers to the right, an empty cell for NULL. */
export function formatTables(results: readonly StatementResult[]): string {
  return results.map(formatTable).join('\n\n');
}

function formatTable(result: StatementResult): string {
  if (result.columns.length === 0) return describeCommand(result);
  const cells = result.rows.map((row) => row.map((value) => printable(value ?? '')));
  const names = result.columns.map(({ name }) => printable(name));
  const widths = names.map((name, column) =>
    cells.reduce((widest, row) => Math.max(widest, widthOf(row[column] ?? '')), widthOf(name)),
  );
  const line = (row: readonly string[], numbers: boolean): string =>
    row
      .map((cell, column) => {
        const blanks = ' '.repeat((widths[column] ?? 0) - widthOf(cell));
        return numbers && isNumber(result.columns[column]?.typeId) ? `${blanks}${cell}` : `${cell}${blanks}`;
      })
      .join(' | ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('-+-');
  const count = result.rows.length;
  const total = `(${count} ${count === 1 ? 'row' : 'rows'}${result.cut ? ', and there are more' : ''})`;
  return [line(names, false), rule, ...cells.map((row) => line(row, true)), total].join('\n');
}

function describeCommand({ command, rowCount }: StatementResult): string {
  if (command === null || command === '') return '';
  return rowCount === null ? command : `${command} ${rowCount}`;
}

/** RFC 4180 with `\n`; NULL is empty and the empty string is quoted, as `COPY … CSV` does it. Results one after the other. */
export function formatCsv(results: readonly StatementResult[]): string {
  return results
    .filter(({ columns }) => columns.length > 0)
    .map(({ columns, rows }) =>
      [columns.map(({ name }) => csvValue(name)), ...rows.map((row) => row.map(csvValue))]
        .map((row) => row.join(','))
        .join('\n'),
    )
    .join('\n\n');
}

function csvValue(value: string | null): string {
  if (value === null) return '';
  return value === '' || value === '\\.' || /[",\r\n]/.test(value)
    ? `"${value.replaceAll('"', '""')}"`
    : value;
}

/** A result for programs. */
export interface JsonResult {
  readonly command: string | null;
  readonly rowCount: number | null;
  readonly cut: boolean;
  /** A column of a name that was there already is `name_2`. */
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

/**
 * Booleans, json, and numbers that JavaScript holds exactly become what they are; `bigint`, `numeric` and every other type
 * stay PostgreSQL's text, so that nothing is lost.
 */
export function toJsonResult({ columns, rows, ...rest }: StatementResult): JsonResult {
  const names = uniqueNames(columns.map(({ name }) => name));
  return {
    ...rest,
    columns: names,
    rows: rows.map((row) =>
      Object.fromEntries(names.map((name, at) => [name, toJsonValue(row[at] ?? null, columns[at]?.typeId)])),
    ),
  };
}

function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let unique = name;
    for (let count = 2; taken.has(unique); count += 1) unique = `${name}_${count}`;
    taken.add(unique);
    return unique;
  });
}

const exact: readonly (number | undefined)[] = [
  typeIds.int2,
  typeIds.int4,
  typeIds.oid,
  typeIds.float4,
  typeIds.float8,
];
const numbers: readonly (number | undefined)[] = [...exact, typeIds.int8, typeIds.numeric];

const isNumber = (typeId: number | undefined): boolean => numbers.includes(typeId);

function toJsonValue(value: string | null, typeId: number | undefined): unknown {
  if (value === null) return null;
  if (typeId === typeIds.bool) return value === 't';
  if (typeId === typeIds.json || typeId === typeIds.jsonb) return JSON.parse(value);
  // NaN and Infinity, which JSON has not, stay text.
  return exact.includes(typeId) && Number.isFinite(Number(value)) ? Number(value) : value;
}

/** A cell is one line, and no value moves the cursor of the terminal it is shown on. */
function printable(value: string): string {
  return value
    .replaceAll('\n', '↵')
    .replaceAll('\t', '  ')
    .replace(/[\p{Cc}\p{Cf}]/gu, (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`);
}

/** Of characters, with those that East Asian terminals draw twice as wide. */
function widthOf(text: string): number {
  let width = 0;
  for (const char of text) width += /\p{M}/u.test(char) ? 0 : wide.test(char) ? 2 : 1;
  return width;
}

const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/u;
