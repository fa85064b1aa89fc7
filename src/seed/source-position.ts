/** A place in a text as an editor shows it: both count from 1, columns count characters, not bytes. */
export interface SourcePosition {
  readonly line: number;
  readonly column: number;
}

/** The position of `offset` (UTF-16 units, as in `text[offset]`). */
export function findPosition(text: string, offset: number): SourcePosition {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: [...before.slice(lineStart)].length + 1 };
}

/** The line of `offset` with its number, and a caret under the place. A very long line is cut around the place. */
export function showSource(text: string, offset: number): string {
  const { line } = findPosition(text, offset);
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  const lineEnd = text.indexOf('\n', offset);
  const from = Math.max(lineStart, offset - 60);
  const to = Math.min(lineEnd === -1 ? text.length : lineEnd, offset + 60);
  const gutter = `  ${line} | `;
  const shown = `${from > lineStart ? '…' : ''}${text.slice(from, to).trimEnd()}`;
  // A tab stays a tab in the padding, so that the caret stands right at any tab width.
  const padding = `${from > lineStart ? '…' : ''}${text.slice(from, offset)}`.replace(/[^\t]/gu, ' ');
  return `${gutter}${shown}\n${' '.repeat(gutter.length - 2)}| ${padding}^`;
}

/** PostgreSQL counts characters from 1; JavaScript counts UTF-16 units from 0. */
export function findOffsetOfCharacter(text: string, position: number): number {
  let offset = 0;
  for (let seen = 1; seen < position && offset < text.length; seen += 1) {
    offset += (text.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1;
  }
  return offset;
}
