import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { UserError } from '../errors.ts';

/** pg-copy-streams reaches psql's speed with this size; a smaller one costs a tenth. */
export const chunkBytes = 1024 * 1024;

export interface TextFile {
  /** Absolute. */
  readonly file: string;
  /** As shown. */
  readonly path: string;
}

/**
 * The bytes of a file from `start` on, in large chunks that end between characters, checked to be UTF-8 without NUL.
 *
 * @throws UserError SEED_BAD_ENCODING with line and byte
 */
export async function* readChecked(
  text: TextFile,
  start = 0,
  bytesAtATime = chunkBytes,
): AsyncGenerator<Buffer> {
  let offset = start;
  let carried: Buffer = Buffer.alloc(0);
  for await (const read of createReadStream(text.file, { start, highWaterMark: bytesAtATime })) {
    const bytes = carried.length === 0 ? (read as Buffer) : Buffer.concat([carried, read as Buffer]);
    const whole = findLastCharacterEnd(bytes);
    const chunk = bytes.subarray(0, whole);
    await verifyText(text, chunk, offset);
    offset += whole;
    carried = bytes.subarray(whole);
    if (chunk.length > 0) yield chunk;
  }
  if (carried.length > 0) throw await badEncoding(text, offset, carried[0] ?? 0);
}

async function verifyText(text: TextFile, chunk: Buffer, offset: number): Promise<void> {
  const nul = chunk.indexOf(0);
  if (nul === -1 && isUtf8(chunk)) return;
  if (offset === 0 && /^(\xff\xfe|\xfe\xff)/.test(chunk.toString('latin1', 0, 2))) {
    throw new UserError('SEED_BAD_ENCODING', `${text.path} is UTF-16`, {
      suggestions: ['save the file as UTF-8'],
    });
  }
  const bad = findBadByte(chunk);
  throw await badEncoding(text, offset + bad, chunk[bad] ?? 0);
}

async function badEncoding(text: TextFile, offset: number, byte: number): Promise<UserError> {
  const line = (await countLineEnds(text, offset)) + 1;
  const what =
    byte === 0
      ? 'is NUL, which PostgreSQL cannot hold'
      : `(0x${byte.toString(16).padStart(2, '0')}) is not UTF-8`;
  return new UserError(
    'SEED_BAD_ENCODING',
    `${text.path} line ${line}: byte ${offset + 1} of the file ${what}`,
    {
      suggestions: ['save the file as UTF-8'],
    },
  );
}

/** A character that the chunk's end cuts is left for the next chunk. */
function findLastCharacterEnd(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return bytes.length;
    if (byte >= 0xc0) {
      const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return needed > back ? bytes.length - back : bytes.length;
    }
  }
  return bytes.length;
}

function findBadByte(chunk: Buffer): number {
  let at = 0;
  while (at < chunk.length) {
    const byte = chunk[at] ?? 0;
    const length = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    if (byte === 0 || !isUtf8(chunk.subarray(at, at + length))) return at;
    at += length;
  }
  return 0;
}

async function countLineEnds(text: TextFile, end: number): Promise<number> {
  if (end === 0) return 0;
  let count = 0;
  for await (const read of createReadStream(text.file, { end: end - 1, highWaterMark: chunkBytes })) {
    const chunk = read as Buffer;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) count += 1;
  }
  return count;
}
