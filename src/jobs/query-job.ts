import type { Context } from '../context.ts';
import { describeTarget, explainPostgresError } from '../database/explain.ts';
import { quoteIdentifier } from '../database/identifier.ts';
import type { Job } from '../database/route.ts';
import { type ResultLimits, runStatement, type StatementResult } from '../database/run-statement.ts';
import { type Client, withClient } from '../database/with-client.ts';
import { errorCode, UserError } from '../errors.ts';
import { cancelOnAbort } from '../seed/cancel-on-abort.ts';
import { explainStatementError } from '../seed/explain-statement.ts';
import { badSql } from '../seed/read-sql.ts';
import { type Statement, splitStatements } from '../seed/split-statements.ts';

export interface QueryInput extends ResultLimits {
  /** Where `text` comes from, for errors: `-c`, `report.sql`, `standard input`. */
  readonly path: string;
  readonly text: string;
  /** Several statements are one transaction, as psql makes of `-c`; else each is its own, as of `-f`. */
  readonly oneTransaction: boolean;
  /** Taken after the login. */
  readonly role?: string;
}

export interface QueryOutput {
  readonly results: readonly StatementResult[];
}

/** Runs SQL as a person wrote it and returns what it gave, as text. The limits hold for all results together. */
export const queryJob: Job<QueryInput, QueryOutput> = {
  name: 'query',
  async work(context, target, input) {
    const statements = parseQuery(input);
    try {
      return await withClient(target, { applicationName: 'lambdapg psql' }, (client) =>
        cancelOnAbort(context, target, client, async () => {
          reportNotices(context, client);
          if (input.role !== undefined) await client.query(`SET ROLE ${quoteIdentifier(input.role)}`);
          return { results: await runAll(context, client, statements, input) };
        }),
      );
    } catch (error) {
      throw explainPostgresError(error, describeTarget(target)) ?? error;
    }
  },
  async pack(_context, input) {
    parseQuery(input);
    return { input };
  },
};

export type QueryStatement = Statement;

/** @throws UserError BAD_SQL_FILE with line and caret: an open quote, a psql command, COPY through the client */
export function parseQuery({ path, text }: Pick<QueryInput, 'path' | 'text'>): readonly Statement[] {
  const { statements, fault } = splitStatements(text);
  if (fault !== undefined) throw badSql(path, text, fault.offset, fault.message);
  for (const { words, start } of statements) {
    if (words[0] !== 'copy' || !(words.includes('stdin') || words.includes('stdout'))) continue;
    throw badSql(path, text, start, 'COPY through the client is not for this command', [
      '--csv prints a result as CSV; lambdapg seed loads files',
    ]);
  }
  return statements;
}

async function runAll(
  context: Context,
  client: Client,
  statements: readonly Statement[],
  input: QueryInput,
): Promise<StatementResult[]> {
  const wrap =
    input.oneTransaction &&
    statements.length > 1 &&
    !statements.some(({ words }) => isTransactionCommand(words));
  const results: StatementResult[] = [];
  const left = { maxRows: input.maxRows, maxSize: input.maxSize };
  if (wrap) await client.query('BEGIN');
  for (const statement of statements) {
    // Ctrl-C between two statements has none to cancel.
    context.signal.throwIfAborted();
    const result = await runStatement(client, statement.text, left).catch((error: unknown) => {
      throw explainQueryError(error, input, statement, wrap ? 0 : results.length);
    });
    left.maxRows -= result.rows.length;
    left.maxSize -= result.rows.flat().reduce((total, value) => total + (value?.length ?? 4), 0);
    results.push(result);
  }
  if (wrap) await client.query('COMMIT');
  return results;
}

/** For a route on which no session lasts. @throws UserError BAD_SQL_FILE */
export function refuseTransactionCommands(
  { path, text }: Pick<QueryInput, 'path' | 'text'>,
  statements: readonly QueryStatement[],
  why: string,
): void {
  const found = statements.find(({ words }) => isTransactionCommand(words));
  if (found === undefined) return;
  throw badSql(path, text, found.start, why, [
    'several statements in one -c are one transaction',
    'or --route runner',
  ]);
}

function isTransactionCommand([first, second]: readonly string[]): boolean {
  if (first === 'start' || first === 'prepare') return second === 'transaction';
  return ['begin', 'commit', 'end', 'abort', 'rollback', 'savepoint', 'release'].includes(first ?? '');
}

/** With line and caret. The advice for files of migrations is not for what is typed. */
export function explainQueryError(
  error: unknown,
  { path, text }: Pick<QueryInput, 'path' | 'text'>,
  statement: Statement,
  done: number,
): unknown {
  const consequences =
    done === 0
      ? []
      : [done === 1 ? 'the statement before it was done' : `the ${done} statements before it were done`];
  const script = { path, text, statements: [] };
  const explained = explainStatementError(error, { script, statement, blockers: [], consequences });
  if (errorCode(error) !== '25001' || !(explained instanceof UserError)) return explained;
  return new UserError(explained.code, explained.message, {
    suggestions: ['run it alone'],
    cause: error,
  });
}

function reportNotices(context: Context, client: Client): void {
  client.on('notice', ({ message, severity }) => {
    const kind = severity?.toLowerCase() ?? 'notice';
    context.report({ type: 'postgres-notice', severity: kind, message: `${kind}: ${message ?? ''}` });
  });
}
