/*
 * Messages of PostgreSQL's protocol 3.0 that the proxy writes itself
 * (https://www.postgresql.org/docs/current/protocol-message-formats.html).
 */

/** A message: type, length, body. */
export function message(type: string, ...parts: readonly (Buffer | string)[]): Buffer {
  const body = parts.map((part) => (typeof part === 'string' ? cString(part) : part));
  const length = body.reduce((sum, part) => sum + part.length, 4);
  const head = Buffer.alloc(5);
  head.write(type, 0, 'latin1');
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, ...body]);
}

/** Of an authentication message: 0 ok, 3 cleartext password, 10 to 12 SASL. */
export function authentication(code: number, ...parts: readonly (Buffer | string)[]): Buffer {
  return message('R', uint32(code), ...parts);
}

export function errorResponse(severity: 'FATAL' | 'ERROR', sqlState: string, text: string): Buffer {
  const field = (letter: string, value: string) => cString(`${letter}${value}`);
  return message(
    'E',
    ...[field('S', severity), field('V', severity), field('C', sqlState), field('M', text)],
    Buffer.alloc(1),
  );
}

export function parameterStatus(name: string, value: string): Buffer {
  return message('S', name, value);
}

export function readyForQuery(): Buffer {
  return message('Z', Buffer.from('I'));
}

export function query(sql: string): Buffer {
  return message('Q', sql);
}

/** The first message of a session; it alone has no type. */
export function startupMessage(parameters: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(parameters).flatMap(([name, value]) => [cString(name), cString(value)]);
  return untyped(uint32(protocolVersion), ...pairs, Buffer.alloc(1));
}

/** What a client sends over a connection of its own to cancel what another one runs. */
export function cancelRequest(key: Buffer): Buffer {
  return untyped(uint32(cancelCode), key);
}

export function sslRequest(): Buffer {
  return untyped(uint32(sslCode));
}

export const protocolVersion = 196_608;
export const cancelCode = 80_877_102;
export const sslCode = 80_877_103;
export const gssCode = 80_877_104;

/** The zero-terminated strings of a body, from `start` on, up to an empty one. */
export function readStrings(body: Buffer, start = 0): string[] {
  const found: string[] = [];
  for (let at = start; at < body.length; ) {
    const end = body.indexOf(0, at);
    if (end === -1 || end === at) break;
    found.push(body.toString('utf8', at, end));
    at = end + 1;
  }
  return found;
}

/** The fields of an ErrorResponse or NoticeResponse by their letters: `C` the SQLSTATE, `M` the text. */
export function readFields(body: Buffer): Map<string, string> {
  return new Map(readStrings(body).map((field) => [field.charAt(0), field.slice(1)]));
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function untyped(...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([uint32(body.length + 4), body]);
}

function cString(text: string): Buffer {
  return Buffer.from(`${text}\0`);
}
