import { type SqlToken, tokenizeSql } from './sql-tokens.ts';

/*
 * What pins a session, after AWS's list "Conditions that cause pinning for RDS for PostgreSQL" and "for all engines"
 * (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-pinning.html). AWS publishes no code: where the list
 * leaves room, docs/decisions/007-local-proxy.md says what is assumed here.
 */
export type PinCause =
  | 'set'
  | 'prepared-statement'
  | 'parse'
  | 'discard'
  | 'temporary-object'
  | 'cursor'
  | 'listen'
  | 'load'
  | 'sequence'
  | 'advisory-lock'
  | 'statement-size';

export interface Pin {
  readonly cause: PinCause;
  /** As in RDS Proxy's log, from `Reason: ` on. */
  readonly reason: string;
}

/** Text above this pins (AWS: "Any statement with a text size greater than 16 KB"). */
export const longestStatementBytes = 16_384;

/** `set`, `parse`, `statement-size` in words found in public logs of RDS Proxy; the others are ours. */
const reasons: Readonly<Record<PinCause, string>> = {
  set: "SQL changed session settings that the proxy doesn't track. Consider moving session configuration to the proxy's initialization query.",
  'prepared-statement': 'A prepared statement was detected.',
  parse: 'A parse message was detected.',
  discard: 'SQL discarded session state.',
  'temporary-object': 'SQL created a temporary table, sequence or view.',
  cursor: 'SQL declared a cursor.',
  listen: 'SQL listens on a notification channel.',
  load: 'SQL loaded a library module.',
  sequence: 'SQL used a function that reads or changes a sequence.',
  'advisory-lock': 'SQL used a session-level advisory lock.',
  'statement-size': `The connection ran a SQL query which exceeded the ${longestStatementBytes} byte limit.`,
};

const byFirstWord: Readonly<Record<string, PinCause>> = {
  set: 'set',
  reset: 'set',
  prepare: 'prepared-statement',
  execute: 'prepared-statement',
  deallocate: 'prepared-statement',
  discard: 'discard',
  declare: 'cursor',
  listen: 'listen',
  load: 'load',
};

const byFunction: Readonly<Record<string, PinCause>> = {
  nextval: 'sequence',
  setval: 'sequence',
  currval: 'sequence',
  lastval: 'sequence',
  pg_advisory_lock: 'advisory-lock',
  pg_advisory_lock_shared: 'advisory-lock',
  pg_try_advisory_lock: 'advisory-lock',
  pg_try_advisory_lock_shared: 'advisory-lock',
  pg_advisory_unlock: 'advisory-lock',
  pg_advisory_unlock_shared: 'advisory-lock',
  pg_advisory_unlock_all: 'advisory-lock',
  set_config: 'set',
};

/** Settings that end with the transaction, and `PREPARE TRANSACTION`, which leaves nothing in the session. */
const harmless = /^(set (local|transaction|constraints)|prepare transaction)\b/;

/** Why one of the statements of `sql` pins a session, or undefined. */
export function findPin(sql: string): Pin | undefined {
  const tokens = [...tokenizeSql(sql)];
  for (let start = 0; start < tokens.length; ) {
    const next = tokens.findIndex(({ kind }, at) => at >= start && kind === 'semicolon');
    const end = next === -1 ? tokens.length : next;
    const cause = findCause(tokens.slice(start, end));
    if (cause !== undefined) return pin(cause, cause === 'set' ? digest(tokens) : undefined);
    start = end + 1;
  }
  return undefined;
}

/** A pin for something that is not in the text of a statement. */
export function pin(cause: PinCause, statement?: string): Pin {
  return { cause, reason: `${reasons[cause]}${statement === undefined ? '' : ` Digest: "${statement}".`}` };
}

function findCause(statement: readonly SqlToken[]): PinCause | undefined {
  const head = statement.slice(0, 2).map(bareWord).join(' ');
  const first = bareWord(statement[0]);
  const cause = byFirstWord[first];
  if (cause !== undefined) return harmless.test(head) ? undefined : cause;
  if (createsTemporary(statement, first)) return 'temporary-object';
  return isDefinition(statement, first) ? undefined : findCall(statement);
}

/** `CREATE [OR REPLACE] [LOCAL] TEMP …`, and `SELECT … INTO TEMP …`. */
function createsTemporary(statement: readonly SqlToken[], first: string): boolean {
  const words = statement.map(bareWord);
  const temporary = (at: number) => words[at] === 'temp' || words[at] === 'temporary';
  if (first === 'create') {
    const object = words.findIndex((word) => /^(table|view|sequence|recursive)$/.test(word));
    if (object === -1) return false;
    const schema = statement[object + (words[object + 1] === 'if' ? 4 : 1)];
    return words.slice(1, object).some((_, at) => temporary(at + 1)) || schema?.text === 'pg_temp';
  }
  return words.some(
    (word, at) =>
      word === 'into' &&
      (temporary(at + 1) || (/^(local|global)$/.test(words[at + 1] ?? '') && temporary(at + 2))),
  );
}

/** A default that calls `nextval` calls it later; `CREATE TABLE … AS` runs its query now. */
function isDefinition(statement: readonly SqlToken[], first: string): boolean {
  if (/^(alter|comment|grant|revoke|drop)$/.test(first)) return true;
  if (first !== 'create') return false;
  const runsNow = statement.some((token) => /^(table|materialized)$/.test(bareWord(token)));
  return !runsNow || !statement.some((token) => bareWord(token) === 'as');
}

function findCall(statement: readonly SqlToken[]): PinCause | undefined {
  for (const [at, { kind, text }] of statement.entries()) {
    if (kind !== 'word' && kind !== 'name') continue;
    const cause = byFunction[text];
    if (cause === undefined || statement[at + 1]?.text !== '(') continue;
    if (text === 'set_config' && isLocal(statement.slice(at + 2))) continue;
    return cause;
  }
  return undefined;
}

/** Whether the arguments of `set_config`, up to their bracket, end in a literal true: then it is `SET LOCAL`. */
function isLocal(rest: readonly SqlToken[]): boolean {
  let depth = 1;
  const end = rest.findIndex(({ kind, text }) => {
    if (kind === 'symbol' && text === '(') depth += 1;
    if (kind === 'symbol' && text === ')') depth -= 1;
    return depth === 0;
  });
  const last = rest[end - 1];
  return last?.kind === 'word' && last.text === 'true';
}

function bareWord(token: SqlToken | undefined): string {
  return token?.kind === 'word' ? token.text : '';
}

const longestDigest = 512;

/** The statement without its values, as RDS Proxy logs it: `set search_path to $1,$2,$3`. */
function digest(tokens: readonly SqlToken[]): string {
  let values = 0;
  let text = '';
  let assigned = false;
  for (const { kind, text: raw } of tokens) {
    if (kind === 'semicolon') assigned = false;
    const isValue = /^(string|number|parameter)$/.test(kind) || (assigned && /^(word|name)$/.test(kind));
    if (isValue) values += 1;
    if (raw === '=' || raw === 'to') assigned = true;
    const glued = /^[,;).(]$/.test(raw) || /[,(.]$/.test(text) || text === '';
    text += `${glued ? '' : ' '}${isValue ? `$${values}` : raw}`;
  }
  return text.slice(0, longestDigest);
}
