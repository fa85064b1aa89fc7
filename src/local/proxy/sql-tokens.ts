/** A token of SQL; blanks and comments are none. */
export interface SqlToken {
  /** A quoted name is a `name`; only a bare word can be a keyword. */
  readonly kind: 'word' | 'name' | 'string' | 'number' | 'parameter' | 'symbol' | 'semicolon';
  /** Words in lower case, names without their quotes, everything else as written. */
  readonly text: string;
}

const patterns = {
  blank: /\s+|--[^\n\r]*/y,
  // E'' knows backslashes; B'', X'', N'' and U&'' do not.
  escapeString: /[eE]'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)/y,
  string: /(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*(?:'|$)/y,
  name: /(?:[uU]&)?"((?:[^"]|"")*)(?:"|$)/y,
  dollarTag: /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y,
  parameter: /\$\d+/y,
  number: /(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?/y,
  word: /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y,
} as const;

/**
 * Reads SQL as PostgreSQL's scanner does with `standard_conforming_strings` on. Never fails: what is left open runs to the
 * end of the text, as it will be refused by the server.
 */
export function* tokenizeSql(sql: string): Generator<SqlToken> {
  for (let at = 0; at < sql.length; ) {
    const skipped = sql.startsWith('/*', at)
      ? commentLength(sql, at)
      : (match('blank', sql, at)?.length ?? 0);
    if (skipped > 0) {
      at += skipped;
      continue;
    }
    const { token, length } = readToken(sql, at);
    yield token;
    at += length;
  }
}

function readToken(sql: string, at: number): { token: SqlToken; length: number } {
  const string = match('escapeString', sql, at) ?? match('string', sql, at) ?? dollarString(sql, at);
  if (string !== undefined) return { token: { kind: 'string', text: string }, length: string.length };
  const name = match('name', sql, at);
  if (name !== undefined) {
    const text = name
      .replace(/^[uU]&/, '')
      .slice(1, -1)
      .replaceAll('""', '"');
    return { token: { kind: 'name', text }, length: name.length };
  }
  for (const kind of ['parameter', 'number'] as const) {
    const text = match(kind, sql, at);
    if (text !== undefined) return { token: { kind, text }, length: text.length };
  }
  const word = match('word', sql, at);
  if (word !== undefined) return { token: { kind: 'word', text: word.toLowerCase() }, length: word.length };
  const text = sql.charAt(at);
  return { token: { kind: text === ';' ? 'semicolon' : 'symbol', text }, length: 1 };
}

function match(kind: keyof typeof patterns, sql: string, at: number): string | undefined {
  const pattern = patterns[kind];
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0];
}

function dollarString(sql: string, at: number): string | undefined {
  const tag = match('dollarTag', sql, at);
  if (tag === undefined) return undefined;
  const end = sql.indexOf(tag, at + tag.length);
  return end === -1 ? sql.slice(at) : sql.slice(at, end + tag.length);
}

/** Comments nest. */
function commentLength(sql: string, start: number): number {
  let depth = 0;
  for (let at = start; at < sql.length; at += 1) {
    const pair = sql.slice(at, at + 2);
    if (pair === '/*') depth += 1;
    else if (pair === '*/') depth -= 1;
    else continue;
    at += 1;
    if (depth === 0) return at + 1 - start;
  }
  return sql.length - start;
}
