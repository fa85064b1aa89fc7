import { explainStatementError } from './explain-statement.ts';
import type { SqlScript } from './read-sql.ts';
import type { SchemaSession } from './schema-session.ts';
import type { Statement } from './split-statements.ts';
import type { RowCounts } from './write-rows.ts';

/**
 * Runs the statements of a script one after the other in the open transaction.
 *
 * @param consequences for the error: what remains, one sentence each
 * @returns the rows that its INSERT and UPDATE statements say they wrote
 * @throws UserError STATEMENT_FAILED with line and caret; the transaction is then for the caller to roll back
 */
export async function runScript(
  session: SchemaSession,
  script: SqlScript,
  consequences: readonly string[] = [],
): Promise<RowCounts> {
  let inserted = 0;
  let updated = 0;
  let statement: Statement | undefined;
  try {
    for (statement of script.statements) {
      const { command, rowCount } = await runStatement(session, statement);
      if (command === 'INSERT') inserted += rowCount ?? 0;
      if (command === 'UPDATE') updated += rowCount ?? 0;
    }
  } catch (error) {
    throw explainStatementError(error, { script, statement, blockers: session.blockers(), consequences });
  }
  return { inserted, updated };
}

export async function runStatement(session: SchemaSession, statement: Statement) {
  return session.watch(() => session.client.query(statement.text));
}
