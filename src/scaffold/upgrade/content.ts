import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';

/** A file's text, or the hash of one that is no text: such a file is replaced or left, never merged. */
export type Content =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'binary'; readonly sha256: string };

/** A byte order mark stays in the text, so that it is written back. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function contentOf(raw: Uint8Array | string): Content {
  const text = typeof raw === 'string' ? raw : decode(raw);
  return text === undefined || text.includes('\0')
    ? { kind: 'binary', sha256: hashOf(unpacked(raw)) }
    : { kind: 'text', text };
}

/** Two machines compress the same bytes differently: a tarball is what is in it. */
function unpacked(raw: Uint8Array | string): Uint8Array | string {
  if (typeof raw === 'string' || raw[0] !== 0x1f || raw[1] !== 0x8b) return raw;
  try {
    return gunzipSync(raw);
  } catch {
    return raw;
  }
}

export const hashOf = (raw: Uint8Array | string): string => createHash('sha256').update(raw).digest('hex');

/** Line ends do not count: git may have changed them. */
export function isSame(a: Content, b: Content): boolean {
  if (a.kind === 'text' && b.kind === 'text') return toLineFeeds(a.text) === toLineFeeds(b.text);
  return a.kind === 'binary' && b.kind === 'binary' && a.sha256 === b.sha256;
}

export const toLineFeeds = (text: string): string => text.replaceAll('\r\n', '\n');

/** `text` with the line ends that most lines of `model` have. */
export function withLineEndsOf(model: string, text: string): string {
  const crlf = model.split('\r\n').length - 1;
  const lf = model.split('\n').length - 1 - crlf;
  return crlf > lf ? toLineFeeds(text).replaceAll('\n', '\r\n') : toLineFeeds(text);
}

/** `theirs` with the line ends of `mine`, where both are text. */
export function inFormOf(mine: Content, theirs: Uint8Array | string): Uint8Array | string {
  const wanted = contentOf(theirs);
  return mine.kind === 'text' && wanted.kind === 'text' ? withLineEndsOf(mine.text, wanted.text) : theirs;
}

function decode(raw: Uint8Array): string | undefined {
  try {
    return decoder.decode(raw);
  } catch {
    return undefined;
  }
}
