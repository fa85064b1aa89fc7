import { open, stat } from 'node:fs/promises';
import { parse } from 'csv-parse/sync';
import { UserError } from '../errors.ts';
import { readChecked, type TextFile } from './read-checked.ts';
import { type CsvScan, findOpenQuote, type LineEnd, scanCsv, startScan } from './scan-csv.ts';
import type { LocatedRow, ReadProgress, SeedRows } from './seed-rows.ts';

interface CsvHeader {
  readonly columns: readonly string[];
  /** Where the first row begins. */
  readonly bodyStart: number;
  readonly bodyLine: number;
  readonly lineEnd: LineEnd;
}

/**
 * A CSV file as PostgreSQL reads it: commas, double quotes, an unquoted empty value is NULL and a quoted one the
 * empty string. The first line names the columns. The bytes go to the server as they are.
 *
 * @throws UserError SEED_EMPTY, SEED_BAD_CSV, SEED_BAD_ENCODING
 */
export async function openCsvRows(text: TextFile, longestRecordBytes: number): Promise<SeedRows> {
  const header = await readHeader(text, longestRecordBytes);
  const { size } = await stat(text.file);
  const scan = startScan(header.bodyStart, header.bodyLine);
  return {
    columns: header.columns,
    copyOptions: 'FORMAT csv',
    totalBytes: size,
    read: (onProgress) => readBody(text, header, scan, longestRecordBytes, onProgress),
    findColumns: () => ({ present: header.columns, sometimesAbsent: [] }),
    countRows: () => countRows(scan),
    locate: (row) => locateRow(text, header, row),
    findRowOfCopyLine: (copyLine) => findRowOfCopyLine(text, header, copyLine),
  };
}

async function* readBody(
  text: TextFile,
  { bodyStart, lineEnd }: CsvHeader,
  scan: CsvScan,
  longestRecordBytes: number,
  onProgress: (progress: ReadProgress) => void,
): AsyncGenerator<Buffer> {
  for await (const chunk of readChecked(text, bodyStart)) {
    if (!scanCsv(scan, chunk, lineEnd, longestRecordBytes))
      throw await explainLongRecord(text, scan, longestRecordBytes);
    yield chunk;
    onProgress({ bytes: scan.offset, rows: scan.records });
  }
  if (scan.inQuote) throw await explainOpenQuote(text, scan, scan.offset);
}

/** The last row may lack its line end. */
function countRows(scan: CsvScan): number {
  return scan.records + (scan.offset > scan.recordStart ? 1 : 0);
}

async function readHeader(text: TextFile, longestRecordBytes: number): Promise<CsvHeader> {
  let head: Buffer = Buffer.alloc(0);
  for await (const chunk of readChecked(text)) {
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    const end = findHeaderEnd(head);
    if (end !== undefined) return parseHeader(text, head.subarray(0, end.at), end);
    if (head.length > longestRecordBytes) break;
  }
  if (withoutMark(head).length === 0) {
    throw new UserError('SEED_EMPTY', `${text.path} is empty; its first line names the columns`);
  }
  if (isInQuote(head)) throw await explainOpenQuote(text, startScan(0, 1), head.length);
  return parseHeader(text, head, { at: head.length, bodyStart: head.length, lineEnd: 0x0a });
}

interface HeaderEnd {
  readonly at: number;
  readonly bodyStart: number;
  readonly lineEnd: LineEnd;
}

function findHeaderEnd(head: Buffer): HeaderEnd | undefined {
  let inQuote = false;
  for (let at = 0; at < head.length; at += 1) {
    const byte = head[at];
    if (byte === 0x22) inQuote = !inQuote;
    if (inQuote) continue;
    if (byte === 0x0a) return { at, bodyStart: at + 1, lineEnd: 0x0a };
    if (byte === 0x0d && head[at + 1] === 0x0a) return { at, bodyStart: at + 2, lineEnd: 0x0a };
    if (byte === 0x0d && at + 1 < head.length) return { at, bodyStart: at + 1, lineEnd: 0x0d };
  }
  return undefined;
}

function parseHeader(text: TextFile, head: Buffer, { bodyStart, lineEnd }: HeaderEnd): CsvHeader {
  const columns = parseRecord(withoutMark(head));
  if (columns === undefined) throw new UserError('SEED_BAD_CSV', `${text.path} line 1: the header is no CSV`);
  const bodyLine = 1 + head.filter((byte) => byte === lineEnd).length + 1;
  return { columns: columns.map((column) => column ?? ''), bodyStart, bodyLine, lineEnd };
}

function withoutMark(head: Buffer): Buffer {
  return head.toString('latin1', 0, 3) === '\xef\xbb\xbf' ? head.subarray(3) : head;
}

function isInQuote(bytes: Buffer): boolean {
  return bytes.filter((byte) => byte === 0x22).length % 2 === 1;
}

/** The values of one record; null for an unquoted empty one. Undefined when it cannot be read. */
function parseRecord(record: Buffer): (string | null)[] | undefined {
  try {
    const rows: unknown = parse(record, {
      relax_column_count: true,
      relax_quotes: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      cast: (value, { quoting }) => (value === '' && !quoting ? null : value),
    });
    return Array.isArray(rows) && Array.isArray(rows[0]) ? (rows[0] as (string | null)[]) : [null];
  } catch {
    return undefined;
  }
}

async function locateRow(text: TextFile, header: CsvHeader, row: number): Promise<LocatedRow | undefined> {
  const found = await findRecord(text, header, (record) => record.row === row);
  if (found === undefined) return undefined;
  const record = await readBytes(text, found.start, found.end);
  const values = parseRecord(record) ?? [];
  return {
    line: found.line,
    text: record.toString('utf8'),
    values: new Map(header.columns.map((column, index) => [column, values[index] ?? null])),
  };
}

async function findRowOfCopyLine(
  text: TextFile,
  header: CsvHeader,
  copyLine: number,
): Promise<number | undefined> {
  return (await findRecord(text, header, (record) => record.copyLine >= copyLine))?.row;
}

interface CsvRecord {
  readonly row: number;
  readonly line: number;
  readonly start: number;
  readonly end: number;
  /** PostgreSQL's number: one for each record, and one for each line end of the file's own kind inside quotes. */
  readonly copyLine: number;
}

async function findRecord(
  text: TextFile,
  header: CsvHeader,
  isIt: (record: CsvRecord) => boolean,
): Promise<CsvRecord | undefined> {
  const at = { row: 1, line: header.bodyLine, start: header.bodyStart, copyLine: 1 };
  let inQuote = false;
  let line = header.bodyLine;
  let offset = header.bodyStart;
  // PostgreSQL learns the kind of line end from the first one outside quotes; until then it counts \r.
  let serverLineEnd = 0x0d;
  let before = 0;
  for await (const chunk of readChecked(text, header.bodyStart)) {
    for (const byte of chunk) {
      offset += 1;
      if (byte === 0x22) inQuote = !inQuote;
      if (byte === header.lineEnd) line += 1;
      if (inQuote) {
        if (byte === serverLineEnd) at.copyLine += 1;
      } else if (byte === header.lineEnd) {
        if (isIt({ ...at, end: offset })) return { ...at, end: offset };
        if (at.row === 1 && byte === 0x0a && before !== 0x0d) serverLineEnd = 0x0a;
        Object.assign(at, { row: at.row + 1, line, start: offset, copyLine: at.copyLine + 1 });
      }
      before = byte;
    }
  }
  const last = { ...at, end: offset };
  return offset > at.start && isIt(last) ? last : undefined;
}

async function explainOpenQuote(text: TextFile, scan: CsvScan, end: number): Promise<UserError> {
  const record = await readBytes(text, scan.recordStart, end);
  const lineEnds = record.subarray(0, findOpenQuote(record)).filter((byte) => byte === 0x0a).length;
  return new UserError(
    'SEED_BAD_CSV',
    `${text.path} line ${scan.recordLine + lineEnds}: a quote opens here and never closes`,
    {
      suggestions: ['close the quote; a quote inside a quoted value is written twice: ""'],
    },
  );
}

async function explainLongRecord(
  text: TextFile,
  scan: CsvScan,
  longestRecordBytes: number,
): Promise<UserError> {
  const limit = `${Math.round(longestRecordBytes / 1024 / 1024)} MiB`;
  const end = Math.min(scan.offset, scan.recordStart + longestRecordBytes);
  const open = scan.inQuote ? await explainOpenQuote(text, scan, end) : undefined;
  const why = open === undefined ? '' : `; perhaps ${open.message.replace(`${text.path} `, 'in ')}`;
  return new UserError(
    'SEED_ROW_TOO_LONG',
    `${text.path} line ${scan.recordLine}: the row is longer than ${limit}${why}`,
  );
}

async function readBytes(text: TextFile, start: number, end: number): Promise<Buffer> {
  const handle = await open(text.file);
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(end - start), 0, end - start, start);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
