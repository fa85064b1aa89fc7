/** One statement of an SQL file. All `source`s and the `rest` put together are the file again. */
export interface Statement {
  /** With the blanks and comments before it and the semicolon. */
  readonly source: string;
  /** What is sent to the server. */
  readonly text: string;
  /** Offset of `text` in the file. */
  readonly start: number;
  /** Its first bare words outside parentheses, in lower case. */
  readonly words: readonly string[];
}

export interface SplitFault {
  /** Where it began, not where it was noticed. */
  readonly offset: number;
  readonly message: string;
}

export interface SplitSql {
  readonly statements: readonly Statement[];
  /** Blanks and comments after the last statement. */
  readonly rest: string;
  /** The first thing that is no SQL; nothing after it was split. */
  readonly fault?: SplitFault;
}

/** Enough to recognise any command; `COPY … FROM stdin` has the most before what matters. */
const longestHead = 64;

/**
 * Splits as PostgreSQL's own scanner reads with `standard_conforming_strings` on: quotes, `E''` strings, dollar
 * quotes, nested comments, parentheses (rules), and `BEGIN ATOMIC … END` bodies.
 */
export function splitStatements(sql: string): SplitSql {
  return new Splitter(sql).split();
}

class Splitter {
  readonly #sql: string;
  readonly #statements: Statement[] = [];
  #at = 0;
  #sourceStart = 0;
  /** Offset of the current statement's first token, or -1 between statements. */
  #start = -1;
  #words: string[] = [];
  #parentheses = 0;
  #bodies = 0;
  #fault: SplitFault | undefined;

  constructor(sql: string) {
    this.#sql = sql;
  }

  split(): SplitSql {
    while (this.#fault === undefined && this.#at < this.#sql.length) this.#readToken();
    if (this.#fault === undefined && this.#start !== -1) this.#endStatement(this.#sql.length);
    const rest = this.#sql.slice(this.#sourceStart);
    return { statements: this.#statements, rest, ...(this.#fault && { fault: this.#fault }) };
  }

  #readToken(): void {
    const sql = this.#sql;
    const char = sql.charAt(this.#at);
    if (blank.test(char)) this.#at += 1;
    else if (sql.startsWith('--', this.#at)) this.#at = findLineEnd(sql, this.#at);
    else if (sql.startsWith('/*', this.#at)) this.#skipTo(findCommentEnd(sql, this.#at), 'a comment');
    else if (char === ';' && this.#parentheses === 0 && this.#bodies === 0) this.#readSemicolon();
    else this.#readStatementToken(char);
  }

  #readStatementToken(char: string): void {
    if (this.#start === -1) this.#start = this.#at;
    const dollarTag = char === '$' ? match(dollarQuote, this.#sql, this.#at) : undefined;
    if (char === "'") this.#skipTo(findQuoteEnd(this.#sql, this.#at, "'"), 'a string');
    else if (char === '"') this.#skipTo(findQuoteEnd(this.#sql, this.#at, '"'), 'a quoted name');
    else if (dollarTag !== undefined) this.#skipDollarQuote(dollarTag);
    else if (char === '\\') this.#fault = { offset: this.#at, message: this.#describeBackslash() };
    else if (wordStart.test(char)) this.#readWord();
    else if (digit.test(char)) this.#at += match(number, this.#sql, this.#at)?.length ?? 1;
    else {
      if (char === '(') this.#parentheses += 1;
      if (char === ')' && this.#parentheses > 0) this.#parentheses -= 1;
      this.#at += 1;
    }
  }

  #readWord(): void {
    const word = match(wordToken, this.#sql, this.#at) ?? '';
    const before = this.#words.at(-1);
    this.#at += word.length;
    if (/^e$/i.test(word) && this.#sql[this.#at] === "'") {
      this.#skipTo(findEscapeStringEnd(this.#sql, this.#at), 'a string');
      return;
    }
    const lower = word.toLowerCase();
    if (this.#parentheses === 0 && isRoutineHead(this.#words)) {
      if (lower === 'atomic' && before === 'begin' && this.#bodies === 0) this.#bodies = 1;
      else if (lower === 'case' && this.#bodies > 0) this.#bodies += 1;
      else if (lower === 'end' && this.#bodies > 0) this.#bodies -= 1;
    }
    if (this.#parentheses > 0) return;
    if (this.#words.length < longestHead) this.#words.push(lower);
    else this.#words[longestHead - 1] = lower;
  }

  #readSemicolon(): void {
    this.#at += 1;
    if (this.#start === -1) return;
    this.#endStatement(this.#at - 1);
  }

  #endStatement(end: number): void {
    const words = this.#words;
    if (words[0] === 'copy' && /\b(from stdin|to stdout)\b/.test(words.join(' '))) {
      this.#fault = {
        offset: this.#start,
        message: "COPY from stdin or to stdout is psql's; put the rows into a CSV seed",
      };
      return;
    }
    this.#statements.push({
      source: this.#sql.slice(this.#sourceStart, this.#at),
      text: this.#sql.slice(this.#start, end).replace(/[ \t\n\r\f\v]+$/, ''),
      start: this.#start,
      words,
    });
    this.#sourceStart = this.#at;
    this.#start = -1;
    this.#words = [];
    this.#parentheses = 0;
    this.#bodies = 0;
  }

  #skipDollarQuote(tag: string): void {
    const close = this.#sql.indexOf(tag, this.#at + tag.length);
    this.#skipTo(close === -1 ? -1 : close + tag.length, `a ${tag} quote`);
  }

  #skipTo(end: number, what: string): void {
    if (end === -1) this.#fault = { offset: this.#at, message: `${what} begins here and never ends` };
    else this.#at = end;
  }

  #describeBackslash(): string {
    const command = match(/\\\S*/y, this.#sql, this.#at) ?? '\\';
    return `${command} is a command of psql, not SQL`;
  }
}

/** PostgreSQL's blanks; a no-break space is part of a name to it. */
const blank = /[ \t\n\r\f\v]/;
const wordStart = /[A-Za-z_\u0080-\uffff]/;
const wordToken = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const digit = /[0-9]/;
const number = /[0-9][\w.]*/y;
const dollarQuote = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
/** Blanks with a line end and another quote: SQL goes on with the same string. */
const continuation = /(?:[ \t\f\v]|--[^\r\n]*)*[\r\n](?:\s|--[^\r\n]*[\r\n])*'/y;

function match(sticky: RegExp, text: string, at: number): string | undefined {
  sticky.lastIndex = at;
  return sticky.exec(text)?.[0];
}

function isRoutineHead(words: readonly string[]): boolean {
  const kind = words[1] === 'or' && words[2] === 'replace' ? words[3] : words[1];
  return words[0] === 'create' && (kind === 'function' || kind === 'procedure');
}

function findLineEnd(sql: string, at: number): number {
  const end = match(/--[^\r\n]*/y, sql, at);
  return at + (end?.length ?? 2);
}

/** The offset after the closing quote, or -1. A doubled quote is part of the value. */
function findQuoteEnd(sql: string, at: number, quote: string): number {
  for (let close = sql.indexOf(quote, at + 1); close !== -1; close = sql.indexOf(quote, close + 2)) {
    if (sql[close + 1] !== quote) return close + 1;
  }
  return -1;
}

function findEscapeStringEnd(sql: string, quoteAt: number): number {
  for (let at = quoteAt + 1; at < sql.length; at += 1) {
    const char = sql[at];
    if (char === '\\') at += 1;
    else if (char === "'" && sql[at + 1] === "'") at += 1;
    else if (char === "'") {
      const more = match(continuation, sql, at + 1);
      if (more === undefined) return at + 1;
      at += more.length;
    }
  }
  return -1;
}

function findCommentEnd(sql: string, at: number): number {
  const mark = /\/\*|\*\//g;
  mark.lastIndex = at;
  let depth = 0;
  for (let found = mark.exec(sql); found !== null; found = mark.exec(sql)) {
    depth += found[0] === '/*' ? 1 : -1;
    if (depth === 0) return found.index + 2;
  }
  return -1;
}
