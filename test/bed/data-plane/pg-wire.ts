import type { Duplex } from 'node:stream';

/*
 * As much of PostgreSQL's protocol 3.0 as a front needs before it lets two sides talk.
 * https://www.postgresql.org/docs/17/protocol-message-formats.html
 */

export const sslRequestCode = 80_877_103;
export const gssRequestCode = 80_877_104;
export const cancelRequestCode = 80_877_102;
const protocol3 = 3;
/** A start-up packet is at most 10,000 bytes; a token with a session token is below 4 KB. */
const packetLimit = 32_768;

/** Exactly `size` bytes, leaving the rest in the stream; undefined when the other side goes away first. */
export async function readBytes(stream: Duplex, size: number): Promise<Buffer | undefined> {
  let have = Buffer.alloc(0);
  while (have.length < size) {
    if (stream.destroyed || stream.readableEnded) return undefined;
    // All that is there, never a part: with something left, each new listener would be told at once, for ever.
    const chunk = stream.read() as Buffer | null;
    if (chunk === null) await somethingHappens(stream);
    else have = Buffer.concat([have, chunk]);
  }
  if (have.length > size) stream.unshift(have.subarray(size));
  return have.subarray(0, size);
}

function somethingHappens(stream: Duplex): Promise<void> {
  const events = ['readable', 'end', 'close', 'error'];
  return new Promise((resolve) => {
    const done = () => {
      for (const event of events) stream.off(event, done);
      resolve();
    };
    for (const event of events) stream.once(event, done);
  });
}

/** The first packet of a client: without a type byte. */
export async function readStartPacket(
  stream: Duplex,
): Promise<{ readonly code: number; readonly bytes: Buffer } | undefined> {
  const head = await readBytes(stream, 8);
  const length = head?.readUInt32BE(0) ?? 0;
  if (head === undefined || length < 8 || length > packetLimit) return undefined;
  const rest = length === 8 ? Buffer.alloc(0) : await readBytes(stream, length - 8);
  return rest && { code: head.readUInt32BE(4), bytes: Buffer.concat([head, rest]) };
}

/** `user`, `database`, … of a start-up message; undefined for another protocol. */
export function parseStartup(bytes: Buffer): Map<string, string> | undefined {
  if (bytes.readUInt16BE(4) !== protocol3) return undefined;
  const words = bytes.subarray(8).toString('utf8').split('\0');
  const parameters = new Map<string, string>();
  for (let at = 0; words[at]; at += 2) parameters.set(words[at] as string, words[at + 1] ?? '');
  return parameters;
}

export function startupMessage(parameters: ReadonlyMap<string, string>): Buffer {
  const words = [...parameters].flat().map((word) => `${word}\0`);
  const body = Buffer.from(`${words.join('')}\0`);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length, 0);
  head.writeUInt16BE(protocol3, 4);
  return Buffer.concat([head, body]);
}

/** AuthenticationCleartextPassword */
export const askForPassword = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]);

/** The password of a PasswordMessage. */
export async function readPassword(stream: Duplex): Promise<string | undefined> {
  const head = await readBytes(stream, 5);
  const length = head?.readUInt32BE(1) ?? 0;
  if (head?.[0] !== 0x70 || length < 5 || length > packetLimit) return undefined;
  const body = await readBytes(stream, length - 4);
  return body?.subarray(0, -1).toString('utf8');
}

/** An ErrorResponse that ends the session. */
export function fatal(code: string, message: string): Buffer {
  const fields = [`SFATAL`, `VFATAL`, `C${code}`, `M${message}`].map((field) => `${field}\0`).join('');
  const body = Buffer.from(`${fields}\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeUInt32BE(4 + body.length, 1);
  return Buffer.concat([head, body]);
}
