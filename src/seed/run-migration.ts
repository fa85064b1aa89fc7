import type { Context } from '../context.ts';
import { errorCode } from '../errors.ts';
import { explainStatementError } from './explain-statement.ts';
import type { Migration } from './migration-files.ts';
import { recordApplied, recordProgress } from './migration-log.ts';
import { hashStatements, type PendingMigration } from './plan-migrations.ts';
import { runScript, runStatement } from './run-script.ts';
import { type SchemaSession, takeOwnerRole } from './schema-session.ts';
import { findStatementSettled, prepareAgain } from './settle-statement.ts';
import type { Statement } from './split-statements.ts';

export interface RunMigration {
  readonly name: string;
  readonly statements: number;
  readonly durationMs: number;
}

/**
 * Runs one migration and records it.
 *
 * @throws UserError STATEMENT_FAILED or UNCERTAIN_STATEMENT; the signal's reason
 */
export async function runMigration(
  context: Context,
  session: SchemaSession,
  pending: PendingMigration,
): Promise<RunMigration> {
  const { migration } = pending;
  const startedAt = performance.now();
  if (migration.transactional) await runInTransaction(context, session, migration, startedAt);
  else await runOneByOne(context, session, pending, startedAt);
  const durationMs = Math.round(performance.now() - startedAt);
  await session.reset();
  return { name: migration.name, statements: migration.script.statements.length, durationMs };
}

async function runInTransaction(
  context: Context,
  session: SchemaSession,
  migration: Migration,
  startedAt: number,
): Promise<void> {
  const { client } = session;
  const { script } = migration;
  const consequences = [`nothing of ${script.path} remains`];
  await client.query('BEGIN');
  try {
    await runScript(session, script, consequences);
    await takeOwnerRole(client, session.ownerRole);
    await recordApplied(client, describeApplied(context, migration, startedAt));
    context.signal.throwIfAborted();
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw explainStatementError(error, { script, statement: undefined, blockers: [], consequences });
  }
}

async function runOneByOne(
  context: Context,
  session: SchemaSession,
  { migration, done, resumed, uncertain }: PendingMigration,
  startedAt: number,
): Promise<void> {
  const { statements } = migration.script;
  if (resumed) {
    const message = `${migration.script.path} was interrupted; going on at statement ${done + 1} of ${statements.length}`;
    context.report({ type: 'migration-resumed', name: migration.name, done, uncertain, message });
  }
  const before = { begun: uncertain ? done + 1 : done, done };
  await recordProgress(session.client, describeProgress(context, migration, before));
  for (const [index, statement] of statements.entries()) {
    if (index < done) continue;
    const again = resumed && index === done;
    await runAlone(context, session, { migration, statement, index, again, uncertain: again && uncertain });
  }
  await takeOwnerRole(session.client, session.ownerRole);
  await recordApplied(session.client, describeApplied(context, migration, startedAt));
}

interface LoneStatement {
  readonly migration: Migration;
  readonly statement: Statement;
  readonly index: number;
  /** An earlier run may have come this far. */
  readonly again: boolean;
  readonly uncertain: boolean;
}

async function runAlone(context: Context, session: SchemaSession, lone: LoneStatement): Promise<void> {
  const { migration, statement } = lone;
  try {
    // What was uncertain before could be in no transaction.
    if (!lone.uncertain && (await runWithRecord(context, session, lone))) return;
    await runBare(context, session, lone);
  } catch (error) {
    await session.client.query('ROLLBACK').catch(() => {});
    const count = migration.script.statements.length;
    throw explainStatementError(error, {
      script: migration.script,
      statement,
      blockers: session.blockers(),
      consequences: [
        `this was statement ${lone.index + 1} of ${count}; those before it remain, and the next run goes on with this one (it may be changed)`,
      ],
    });
  }
}

/** Errors with which the server says, before doing anything that lasts, that it takes no transaction around. */
const wantsNoTransaction = new Set(['25001', '2D000']);

/**
 * Runs the statement and its record in one transaction, so that no crash can come between them. False when the
 * server does not take the statement so; asking it is exact where a list of commands would be a guess.
 */
async function runWithRecord(
  context: Context,
  session: SchemaSession,
  { migration, statement, index }: LoneStatement,
): Promise<boolean> {
  const { client } = session;
  await client.query('BEGIN');
  try {
    await runStatement(session, statement);
    await recordProgress(client, describeProgress(context, migration, { begun: index + 1, done: index + 1 }));
    await client.query('COMMIT');
    return true;
  } catch (error) {
    if (!wantsNoTransaction.has(errorCode(error) ?? '')) throw error;
    await client.query('ROLLBACK');
    return false;
  }
}

/** Runs a statement that can be in no transaction, between two records: "begun" and "done". */
async function runBare(context: Context, session: SchemaSession, lone: LoneStatement): Promise<void> {
  const { migration, statement, index } = lone;
  const { client } = session;
  const record = (begun: number, done: number) =>
    recordProgress(client, describeProgress(context, migration, { begun, done }));
  if (lone.again) await prepareAgain(context, session, lone);
  await record(index + 1, index);
  // CONCURRENTLY waits for old transactions without blocking anyone, so it may wait as long as they last.
  const patient = statement.words.includes('concurrently');
  if (patient) await client.query('SET lock_timeout = 0');
  try {
    await runStatement(session, statement);
  } catch (error) {
    const settled = lone.uncertain ? findStatementSettled(error, statement) : undefined;
    // The server has answered: this statement was not done. Only without an answer it stays uncertain.
    if (settled === undefined) {
      await record(index, index).catch(() => {});
      throw error;
    }
    context.report({
      type: 'migration-statement-settled',
      name: migration.name,
      statement: index + 1,
      message: settled,
    });
  }
  context.report({
    type: 'migration-statement-ran',
    name: migration.name,
    statement: index + 1,
    message: `${migration.name}: statement ${index + 1} of ${migration.script.statements.length}`,
  });
  await record(index + 1, index + 1);
  if (patient) await restoreLockTimeout(session);
}

async function restoreLockTimeout({ client, lockTimeoutMs }: SchemaSession): Promise<void> {
  await client.query(`SET lock_timeout = ${lockTimeoutMs}`);
}

function describeApplied(context: Context, migration: Migration, startedAt: number) {
  return {
    name: migration.name,
    sha256: migration.sha256,
    statements: migration.script.statements.length,
    durationMs: performance.now() - startedAt,
    version: context.version,
  };
}

function describeProgress(context: Context, migration: Migration, at: { begun: number; done: number }) {
  return {
    name: migration.name,
    ...at,
    sha256: hashStatements(migration, at.done),
    begunSha256: hashStatements(migration, at.begun),
    version: context.version,
  };
}
