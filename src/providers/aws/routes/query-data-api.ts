import {
  BeginTransactionCommand,
  type ColumnMetadata,
  CommitTransactionCommand,
  ExecuteStatementCommand,
  type ExecuteStatementCommandOutput,
  type Field,
  type RDSDataClient,
  RollbackTransactionCommand,
} from '@aws-sdk/client-rds-data';
import { quoteIdentifier } from '../../../database/identifier.ts';
import type { StatementResult } from '../../../database/run-statement.ts';
import { typeIds } from '../../../database/type-ids.ts';
import { errorMessage, UserError } from '../../../errors.ts';
import {
  explainQueryError,
  parseQuery,
  type QueryInput,
  type QueryOutput,
  type QueryStatement,
  refuseTransactionCommands,
} from '../../../jobs/query-job.ts';

export interface DataApiSession {
  readonly client: RDSDataClient;
  readonly clusterArn: string;
  readonly database: string;
  readonly secretArn: string;
  readonly signal: AbortSignal;
}

/**
 * As `queryJob`, each statement in one call. A role, and several statements of one `-c`, take a transaction of the service; one
 * that the person begins cannot be had, since no session lasts from call to call.
 *
 * @throws UserError STATEMENT_FAILED with line and caret, BAD_SQL_FILE, RESULT_TOO_LONG
 */
export async function queryDataApi(session: DataApiSession, input: QueryInput): Promise<QueryOutput> {
  const statements = parseQuery(input);
  refuseTransactionCommands(input, statements, 'the Data API keeps no transaction from call to call');
  const results: StatementResult[] = [];
  let { maxRows } = input;
  const runAll = async (some: readonly QueryStatement[], transactionId?: string): Promise<void> => {
    for (const statement of some) {
      const output = await executeStatement(session, statement.text, transactionId).catch(
        (error: unknown) => {
          throw explainDataApiError(error, input, statement, input.oneTransaction ? 0 : results.length);
        },
      );
      const result = toResult(output, statement, maxRows);
      maxRows -= result.rows.length;
      results.push(result);
    }
  };
  if (input.oneTransaction && statements.length > 1) {
    await inTransaction(session, input.role, (id) => runAll(statements, id));
  } else {
    for (const statement of statements) {
      if (input.role === undefined) await runAll([statement]);
      else await inTransaction(session, input.role, (id) => runAll([statement], id));
    }
  }
  return { results };
}

export function executeStatement(
  session: DataApiSession,
  sql: string,
  transactionId?: string,
): Promise<ExecuteStatementCommandOutput> {
  const command = new ExecuteStatementCommand({
    ...whereOf(session),
    sql,
    includeResultMetadata: true,
    ...(transactionId !== undefined && { transactionId }),
  });
  return session.client.send(command, { abortSignal: session.signal });
}

function whereOf({ clusterArn, database, secretArn }: DataApiSession) {
  return { resourceArn: clusterArn, database, secretArn };
}

async function inTransaction(
  session: DataApiSession,
  role: string | undefined,
  work: (transactionId: string) => Promise<void>,
): Promise<void> {
  const { client, clusterArn: resourceArn, secretArn, signal } = session;
  const { transactionId = '' } = await client.send(new BeginTransactionCommand(whereOf(session)), {
    abortSignal: signal,
  });
  const ending = { resourceArn, secretArn, transactionId };
  try {
    if (role !== undefined)
      await executeStatement(session, `SET LOCAL ROLE ${quoteIdentifier(role)}`, transactionId);
    await work(transactionId);
  } catch (error) {
    // Without it the service rolls back after three minutes.
    await client.send(new RollbackTransactionCommand(ending)).catch(() => {});
    throw error;
  }
  await client.send(new CommitTransactionCommand(ending));
}

function toResult(
  output: ExecuteStatementCommandOutput,
  statement: QueryStatement,
  maxRows: number,
): StatementResult {
  const { columnMetadata = [], records = [], numberOfRecordsUpdated = 0 } = output;
  const command = statement.words[0]?.toUpperCase() ?? '';
  const counts = columnMetadata.length === 0 && ['INSERT', 'UPDATE', 'DELETE', 'MERGE'].includes(command);
  const cut = records.length > maxRows;
  const rowCount = counts ? numberOfRecordsUpdated : columnMetadata.length === 0 ? null : records.length;
  return {
    command: cut ? null : command,
    rowCount: cut ? null : rowCount,
    columns: columnMetadata.map((column) => ({
      name: column.label ?? column.name ?? '',
      typeId: typeIdOf(column),
    })),
    rows: records.slice(0, maxRows).map((record) => record.map(toText)),
    cut,
  };
}

function typeIdOf({ typeName = '' }: ColumnMetadata): number {
  const ids: Readonly<Record<string, number>> = typeIds;
  return ids[typeName] ?? typeIds.text;
}

/** As PostgreSQL writes it, as far as the service has not changed it: a `float8` comes as a double, `bytea` as bytes. */
function toText(field: Field): string | null {
  if (field.isNull === true) return null;
  if (field.stringValue !== undefined) return field.stringValue;
  if (field.longValue !== undefined) return String(field.longValue);
  if (field.doubleValue !== undefined) return String(field.doubleValue);
  if (field.booleanValue !== undefined) return field.booleanValue ? 't' : 'f';
  if (field.blobValue !== undefined) return `\\x${Buffer.from(field.blobValue).toString('hex')}`;
  return JSON.stringify(field.arrayValue ?? null);
}

/** `ERROR: column "nmae" does not exist; Position: 8; SQLState: 42703`: the service has PostgreSQL's error as one text. */
function explainDataApiError(
  error: unknown,
  input: QueryInput,
  statement: QueryStatement,
  done: number,
): unknown {
  const said = errorMessage(error);
  if (/size limit|too large/i.test(said)) {
    return new UserError(
      'RESULT_TOO_LONG',
      `the Data API gives 1 MiB, and 64 KB a row, at the most: ${said}`,
      {
        suggestions: ['ask for fewer rows or columns in the statement itself', 'or --route runner'],
        cause: error,
      },
    );
  }
  if (error instanceof Error && error.name === 'UnsupportedResultException') {
    return new UserError('RESULT_UNFIT', `the Data API cannot carry this result: ${said}`, {
      suggestions: ['cast the column to text: column::text', 'or --route runner'],
      cause: error,
    });
  }
  const code = /SQLState: ([0-9A-Z]{5})/.exec(said)?.[1];
  if (code === undefined) return error;
  const position = /Position: (\d+)/.exec(said)?.[1];
  const message = said.replace(/^ERROR: /, '').replace(/;?\s*(Position|SQLState): .*$/s, '');
  const fault = Object.assign(new Error(message), {
    code,
    severity: 'ERROR',
    ...(position !== undefined && { position }),
  });
  return explainQueryError(fault, input, statement, done);
}
