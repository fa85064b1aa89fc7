/** Where a reader of CSV stands. `line` counts from 1, offsets from the file's beginning. */
export interface CsvScan {
  offset: number;
  line: number;
  inQuote: boolean;
  /** Complete records so far. */
  records: number;
  recordStart: number;
  recordLine: number;
}

const quote = 0x22;

/** `\n` also ends `\r\n`; only a file whose lines end in `\r` alone has the other. */
export type LineEnd = 0x0a | 0x0d;

export function startScan(offset: number, line: number): CsvScan {
  return { offset, line, inQuote: false, records: 0, recordStart: offset, recordLine: line };
}

/**
 * Moves `scan` over `chunk`. A doubled quote closes and opens again, which comes to the same.
 *
 * @returns false when a record is longer than `longestRecord` bytes; `recordStart` and `recordLine` are then its
 */
export function scanCsv(scan: CsvScan, chunk: Buffer, lineEnd: LineEnd, longestRecord: number): boolean {
  let { inQuote, line, records, recordStart, recordLine } = scan;
  let tooLong = false;
  for (let at = 0; at < chunk.length; at += 1) {
    const byte = chunk[at];
    if (byte === quote) inQuote = !inQuote;
    else if (byte === lineEnd) {
      line += 1;
      if (inQuote) continue;
      const end = scan.offset + at + 1;
      if (end - recordStart > longestRecord) {
        tooLong = true;
        break;
      }
      records += 1;
      recordStart = end;
      recordLine = line;
    }
  }
  const offset = scan.offset + chunk.length;
  Object.assign(scan, { offset, inQuote, line, records, recordStart, recordLine });
  return !tooLong && offset - recordStart <= longestRecord;
}

/**
 * The offset in `record` of the quote that was never closed. A stray quote turns every later pair around, so the
 * last one to open is not it: the first that is closed in the middle of a value is.
 */
export function findOpenQuote(record: Buffer): number {
  let openedAt = -1;
  let inQuote = false;
  for (let at = 0; at < record.length; at += 1) {
    if (record[at] !== quote) continue;
    inQuote = !inQuote;
    if (inQuote) {
      if (record[at - 1] !== quote || openedAt === -1) openedAt = at;
      continue;
    }
    const next = record[at + 1];
    const endsValue = next === undefined || next === 0x2c || next === 0x0a || next === 0x0d || next === quote;
    if (!endsValue) return openedAt;
  }
  return openedAt;
}
