import { UserError } from '../errors.ts';
import { readChecked, type TextFile } from './read-checked.ts';

/** The text of one row's object, as it stands in the file. */
export interface JsonRecord {
  readonly text: string;
  /** Where it begins, from 1. */
  readonly line: number;
}

export interface JsonBatch {
  readonly records: readonly JsonRecord[];
  /** Bytes of the file read so far. */
  readonly bytes: number;
}

/** What is read at a time becomes many small objects at once, so it is less than CSV's, whose bytes only pass through. */
const batchBytes = 128 * 1024;

/**
 * The rows of a JSON array, or of a file with one JSON value a line, a batch at a time:
 * memory holds one batch, or one row that is longer.
 *
 * @throws UserError SEED_EMPTY, SEED_BAD_JSON, SEED_ROW_TOO_LONG, SEED_BAD_ENCODING
 */
export async function* readJsonRecords(
  text: TextFile,
  kind: 'json' | 'ndjson',
  longestRecordBytes: number,
): AsyncGenerator<JsonBatch> {
  const cutter = kind === 'json' ? new ArrayCutter(text) : new LineCutter();
  let bytes = 0;
  for await (const read of readChecked(text, 0, batchBytes)) {
    const chunk = bytes === 0 && read.toString('latin1', 0, 3) === '\xef\xbb\xbf' ? read.subarray(3) : read;
    bytes += read.length;
    yield { records: cutter.cut(chunk), bytes };
    if (cutter.heldBytes > longestRecordBytes) {
      const limit = `${Math.round(longestRecordBytes / 1024 / 1024)} MiB`;
      throw new UserError(
        'SEED_ROW_TOO_LONG',
        `${text.path} line ${cutter.recordLine}: the row is longer than ${limit}`,
      );
    }
  }
  yield { records: cutter.finish(), bytes };
}

abstract class Cutter {
  /** Of the record that is being read. */
  recordLine = 1;
  #held: Buffer[] = [];

  get heldBytes(): number {
    return this.#held.reduce((sum, { length }) => sum + length, 0);
  }

  abstract cut(chunk: Buffer): JsonRecord[];
  abstract finish(): JsonRecord[];

  protected hold(bytes: Buffer): void {
    if (bytes.length > 0) this.#held.push(bytes);
  }

  protected take(): JsonRecord {
    const text = Buffer.concat(this.#held).toString('utf8');
    this.#held = [];
    return { text, line: this.recordLine };
  }
}

class LineCutter extends Cutter {
  cut(chunk: Buffer): JsonRecord[] {
    const records: JsonRecord[] = [];
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, start)) {
      this.hold(chunk.subarray(start, end));
      start = end + 1;
      records.push(...this.#takeLine());
    }
    this.hold(chunk.subarray(start));
    return records;
  }

  finish(): JsonRecord[] {
    return this.#takeLine();
  }

  /** None for a blank line. */
  #takeLine(): JsonRecord[] {
    const record = this.take();
    this.recordLine += 1;
    return record.text.trim() === '' ? [] : [record];
  }
}

const [quote, backslash, comma, lineFeed] = [0x22, 0x5c, 0x2c, 0x0a];
const isOpening = (byte: number | undefined): boolean => byte === 0x5b || byte === 0x7b;
const isClosing = (byte: number | undefined): boolean => byte === 0x5d || byte === 0x7d;
const isBlank = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;

class ArrayCutter extends Cutter {
  #line = 1;
  readonly #text: TextFile;
  /** Of brackets inside the current element. */
  #depth = 0;
  #state: 'before' | 'between' | 'element' | 'after' = 'before';
  #inString = false;
  #escaped = false;
  /** An element must follow a comma; the array's end must not. */
  #afterComma = false;
  #elements = 0;

  constructor(text: TextFile) {
    super();
    this.#text = text;
  }

  cut(chunk: Buffer): JsonRecord[] {
    const records: JsonRecord[] = [];
    let start = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at];
      if (byte === lineFeed) this.#line += 1;
      if (this.#state !== 'element') {
        if (this.#readBetween(byte)) start = at;
        else continue;
      }
      if (!this.#isElementOver(byte)) continue;
      this.hold(chunk.subarray(start, at + 1));
      this.#state = 'between';
      this.#elements += 1;
      records.push(this.take());
    }
    if (this.#state === 'element') this.hold(chunk.subarray(start));
    return records;
  }

  finish(): JsonRecord[] {
    if (this.#state === 'before')
      throw new UserError('SEED_EMPTY', `${this.#text.path} is empty; an array of objects is expected`);
    if (this.#state === 'element')
      throw this.#bad(`the row that begins on line ${this.recordLine} never ends`);
    if (this.#state !== 'after') throw this.#bad('the array is never closed');
    return [];
  }

  /** True when `byte` begins an element. */
  #readBetween(byte: number | undefined): boolean {
    if (isBlank(byte)) return false;
    if (this.#state === 'before') {
      if (byte !== 0x5b) throw this.#bad('an array of objects is expected: [ { … }, … ]');
      this.#state = 'between';
      return false;
    }
    if (this.#state === 'after') throw this.#bad('something follows the end of the array');
    if (byte === 0x5d) {
      if (this.#afterComma) throw this.#bad('a comma stands before the end of the array');
      this.#state = 'after';
      return false;
    }
    const wantsComma = this.#elements > 0 && !this.#afterComma;
    if ((byte === comma) !== wantsComma)
      throw this.#bad(wantsComma ? 'a comma is missing' : 'a comma stands without a row');
    this.#afterComma = byte === comma;
    if (byte === comma) return false;
    if (byte !== 0x7b) throw this.#bad('each row must be an object: { … }');
    this.#state = 'element';
    this.recordLine = this.#line;
    this.#depth = 0;
    return true;
  }

  #isElementOver(byte: number | undefined): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (byte === backslash) this.#escaped = true;
      else if (byte === quote) this.#inString = false;
      return false;
    }
    if (byte === quote) this.#inString = true;
    else if (isOpening(byte)) this.#depth += 1;
    else if (isClosing(byte)) this.#depth -= 1;
    return this.#depth === 0;
  }

  #bad(fault: string): UserError {
    return new UserError('SEED_BAD_JSON', `${this.#text.path} line ${this.#line}: ${fault}`);
  }
}
