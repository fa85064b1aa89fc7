import { errorCode, exitCodes, UserError } from '../errors.ts';
import type { SqlScript } from './read-sql.ts';
import { findOffsetOfCharacter, findPosition, showSource } from './source-position.ts';
import type { Statement } from './split-statements.ts';
import { type Blocker, describeBlocker } from './watch-blockers.ts';

/** The fields of a PostgreSQL error that lambdapg reads, whichever driver it came through. */
export interface PostgresError extends Error {
  readonly code: string;
  readonly severity: string;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  readonly position?: string | undefined;
  readonly internalPosition?: string | undefined;
  readonly internalQuery?: string | undefined;
  readonly where?: string | undefined;
  readonly schema?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly constraint?: string | undefined;
}

export function isPostgresError(error: unknown): error is PostgresError {
  return error instanceof Error && 'severity' in error && /^[0-9A-Z]{5}$/.test(errorCode(error) ?? '');
}

export interface FailedStatement {
  readonly script: SqlScript;
  /** Undefined when the commit failed. */
  readonly statement?: Statement | undefined;
  readonly blockers: readonly Blocker[];
  /** What remains and what does not, one sentence each. */
  readonly consequences: readonly string[];
}

/**
 * A statement's failure with file, line, column, the line itself, a caret, and all that the server said.
 * Returns `error` itself when it is not the server's.
 */
export function explainStatementError(error: unknown, failed: FailedStatement): unknown {
  if (!isPostgresError(error)) return error;
  const { script, statement } = failed;
  const offset = findFailingOffset(error, script.text, statement);
  const { line, column } = findPosition(script.text, offset);
  const lines = [
    `${script.path}:${line}:${column}: ${error.message} (${error.code})`,
    statement === undefined
      ? '  at the end of the file, when its transaction was committed'
      : showSource(script.text, offset),
    error.detail && `  detail: ${error.detail}`,
    error.hint && `  hint: ${error.hint}`,
    error.internalQuery && `  in: ${error.internalQuery.trim()}`,
    error.where && `  where: ${error.where.split('\n').join('\n         ')}`,
    ...(error.code === lockTimeout
      ? failed.blockers.map((blocker) => `  blocked by ${describeBlocker(blocker)}`)
      : []),
    ...failed.consequences,
  ];
  return new UserError(
    'STATEMENT_FAILED',
    lines.filter((part) => typeof part === 'string' && part !== '').join('\n'),
    {
      suggestions: suggest(error, script, failed.blockers),
      exit: error.code === lockTimeout ? exitCodes.temporary : exitCodes.notDone,
      cause: error,
    },
  );
}

const lockTimeout = '55P03';

function findFailingOffset(error: PostgresError, text: string, statement: Statement | undefined): number {
  if (statement === undefined) return text.length;
  const position = Number(error.position ?? 0);
  if (position > 0) return statement.start + findOffsetOfCharacter(statement.text, position);
  return findLineOfBlock(error, statement) ?? statement.start;
}

/** An error inside a DO block names the line of the block's body, which begins right after the opening quote. */
function findLineOfBlock(error: PostgresError, statement: Statement): number | undefined {
  const line = /inline_code_block line (\d+)/.exec(error.where?.split('\n').at(-1) ?? '')?.[1];
  const quote = /\$\w*\$/.exec(statement.text);
  if (line === undefined || quote === null) return undefined;
  let at = quote.index + quote[0].length;
  for (let current = 1; current < Number(line); current += 1) {
    const end = statement.text.indexOf('\n', at);
    if (end === -1) return undefined;
    at = end + 1;
  }
  const indent = /^[ \t]*/.exec(statement.text.slice(at))?.[0].length ?? 0;
  return statement.start + at + indent;
}

function suggest(error: PostgresError, script: SqlScript, blockers: readonly Blocker[]): string[] {
  if (error.code === '25001')
    return [`put the line "-- lambdapg: no-transaction" at the head of ${script.path}`];
  if (error.code !== lockTimeout) return [];
  const pids = blockers.map(({ pid }) => pid);
  return [
    ...(pids.length > 0 ? [`end what blocks it: SELECT pg_terminate_backend(${pids[0]})`] : []),
    "run it again when the table is less busy, or put SET lock_timeout = '60s' before the statement",
  ];
}
