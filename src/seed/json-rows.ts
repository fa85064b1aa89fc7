import { stat } from 'node:fs/promises';
import { errorMessage, UserError } from '../errors.ts';
import { nearest } from '../project/nearest.ts';
import { splitElements, splitMembers } from './json-members.ts';
import { type JsonRecord, readJsonRecords } from './json-records.ts';
import type { TextFile } from './read-checked.ts';
import { absentColumn, type LocatedRow, type ReadProgress, type SeedRows } from './seed-rows.ts';
import type { SeedColumn, SeedTable } from './seed-table.ts';

/**
 * A JSON array of objects, or NDJSON. A key that a row lacks leaves the column alone (its default when the row is
 * new), `null` is NULL. Numbers reach the server as they are written; arrays and objects go into json and array
 * columns.
 */
export async function openJsonRows(
  text: TextFile,
  kind: 'json' | 'ndjson',
  table: SeedTable,
  longestRecordBytes: number,
): Promise<SeedRows> {
  const { size } = await stat(text.file);
  const columns = [...table.columns.values()].filter(({ generated }) => !generated);
  const seen = new Map(columns.map(({ name }) => [name, 0]));
  let rows = 0;
  const batches = () => readJsonRecords(text, kind, longestRecordBytes);
  const parse = (record: JsonRecord) => parseRecord(text, record, table);
  const locate = async (row: number): Promise<LocatedRow | undefined> => {
    let before = 0;
    for await (const { records } of batches()) {
      const record = records[row - before - 1];
      if (record !== undefined) return { line: record.line, text: record.text, values: parse(record) };
      before += records.length;
    }
    return undefined;
  };
  return {
    columns: [...columns.map(({ name }) => name), absentColumn],
    copyOptions: 'FORMAT text',
    totalBytes: size,
    async *read(onProgress: (progress: ReadProgress) => void) {
      for await (const { records, bytes } of batches()) {
        let lines = '';
        for (const record of records) {
          const values = parse(record);
          for (const name of values.keys()) seen.set(name, (seen.get(name) ?? 0) + 1);
          lines += renderCopyLine(columns, values);
        }
        rows += records.length;
        if (lines !== '') yield Buffer.from(lines);
        onProgress({ bytes, rows });
      }
    },
    findColumns() {
      const present = columns.map(({ name }) => name).filter((name) => (seen.get(name) ?? 0) > 0);
      return { present, sometimesAbsent: present.filter((name) => (seen.get(name) ?? 0) < rows) };
    },
    countRows: () => rows,
    locate,
    // COPY's text format has no line end inside a row.
    findRowOfCopyLine: async (copyLine) => copyLine,
  };
}

function parseRecord(
  text: TextFile,
  { text: json, line }: JsonRecord,
  table: SeedTable,
): Map<string, string | null> {
  const place = `${text.path} line ${line}`;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new UserError('SEED_BAD_JSON', `${place}: ${explainSyntax(errorMessage(error))}`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UserError('SEED_BAD_JSON', `${place}: each row must be an object: { … }`);
  }
  const values = new Map<string, string | null>();
  for (const [name, raw] of splitMembers(json)) {
    const column = table.columns.get(name);
    if (column === undefined || column.generated) throw badKey(place, name, table);
    if (values.has(name)) throw new UserError('SEED_BAD_JSON', `${place}: the key "${name}" stands twice`);
    values.set(name, renderValue(raw, column, place));
  }
  for (const name of table.key) {
    if (!values.has(name))
      throw new UserError(
        'SEED_NO_KEY_VALUE',
        `${place}: the row lacks "${name}", by which it is found again`,
      );
  }
  return values;
}

/** V8 tells a position in the row's own text, which says nothing to a person. */
function explainSyntax(message: string): string {
  return `no valid JSON: ${message.replace(/ in JSON at position \d+.*$/s, '').replace(/^./, (letter) => letter.toLowerCase())}`;
}

function badKey(place: string, name: string, table: SeedTable): UserError {
  if (table.columns.has(name)) {
    return new UserError(
      'SEED_GENERATED_COLUMN',
      `${place}: "${name}" is a generated column; PostgreSQL computes it`,
      {
        suggestions: [`leave "${name}" out of the file`],
      },
    );
  }
  const near = nearest(name, [...table.columns.keys()]);
  return new UserError('SEED_UNKNOWN_COLUMN', `${place}: table "${table.name}" has no column "${name}"`, {
    suggestions:
      near === undefined
        ? [`its columns: ${[...table.columns.keys()].join(', ')}`]
        : [`did you mean "${near}"?`],
  });
}

function renderValue(raw: string, column: SeedColumn, place: string): string | null {
  if (raw === 'null') return null;
  if (column.shape === 'json') return raw;
  const first = raw[0];
  if (first === '[' && column.shape !== 'scalar') return renderArray(raw, column, place);
  if (first === '{' || first === '[') {
    const what = first === '{' ? 'an object' : 'an array';
    throw new UserError(
      'SEED_BAD_ROW',
      `${place}, column "${column.name}": ${what} does not fit its type ${column.type}`,
    );
  }
  return first === '"' ? decodeString(raw, column, place) : raw;
}

function renderArray(raw: string, column: SeedColumn, place: string): string {
  const elements = splitElements(raw).map((element) => {
    if (element === 'null') return 'NULL';
    if (column.shape === 'array' && element.startsWith('[')) return renderArray(element, column, place);
    const text =
      renderValue(element, { ...column, shape: column.shape === 'array' ? 'scalar' : 'json' }, place) ?? '';
    return `"${text.replace(/["\\]/g, '\\$&')}"`;
  });
  return `{${elements.join(',')}}`;
}

function decodeString(raw: string, column: SeedColumn, place: string): string {
  const value: string = JSON.parse(raw);
  if (value.includes('\0')) {
    throw new UserError(
      'SEED_BAD_ROW',
      `${place}, column "${column.name}": \\u0000 is NUL, which PostgreSQL cannot hold`,
    );
  }
  // Half a surrogate pair cannot be encoded; Buffer.from would replace it without a word.
  if (/\p{Surrogate}/u.test(value)) {
    throw new UserError(
      'SEED_BAD_ROW',
      `${place}, column "${column.name}": half a character (an unpaired surrogate): ${raw.slice(0, 100)}`,
    );
  }
  return value;
}

const copyEscapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

function renderCopyLine(columns: readonly SeedColumn[], values: ReadonlyMap<string, string | null>): string {
  const absent = columns
    .filter(({ name }) => !values.has(name))
    .map(({ name }) => `"${name.replace(/["\\]/g, '\\$&')}"`);
  const fields = [
    ...columns.map(({ name }) => values.get(name) ?? null),
    absent.length === 0 ? null : `{${absent.join(',')}}`,
  ];
  return `${fields.map((field) => (field === null ? '\\N' : field.replace(/[\\\t\n\r]/g, (char) => copyEscapes[char] ?? char))).join('\t')}\n`;
}
