import type { Context } from '../context.ts';
import { errorCode, UserError } from '../errors.ts';
import type { Migration } from './migration-files.ts';
import { badSql } from './read-sql.ts';
import type { SchemaSession } from './schema-session.ts';
import { findPosition, showSource } from './source-position.ts';
import type { Statement } from './split-statements.ts';

/*
 * A statement that can be in no transaction cannot be recorded together with its effect. After a crash between
 * the two, what the catalog shows decides, and where it cannot, the person does.
 */

const alreadyThere = new Set(['42P07', '42710', '42701', '42P06', '42723', '42P04']);
const alreadyGone = new Set(['42P01', '42704', '42703', '3F000', '42883', '3D000']);

/** Commands that do no harm when they run twice, or say that their object exists or is gone. */
const repeatable = new Set(['create', 'drop', 'reindex', 'vacuum', 'cluster', 'analyze', 'alter system']);

/**
 * What to report when `error` shows that a statement whose outcome was unknown had been done, else undefined.
 */
export function findStatementSettled(error: unknown, statement: Statement): string | undefined {
  const code = errorCode(error) ?? '';
  const verb = statement.words[0];
  const done = (verb === 'create' && alreadyThere.has(code)) || (verb === 'drop' && alreadyGone.has(code));
  return done ? `the interrupted run had done it already: ${firstLine(statement)}` : undefined;
}

export interface RepeatedStatement {
  readonly migration: Migration;
  readonly statement: Statement;
  readonly uncertain: boolean;
}

/**
 * Clears the way for a statement that an interrupted run had reached: drops the invalid index which an unfinished
 * `CREATE INDEX CONCURRENTLY` leaves behind (with IF NOT EXISTS the server would take it for a good one).
 *
 * @throws UserError UNCERTAIN_STATEMENT when the statement may have run and must not run twice
 */
export async function prepareAgain(
  context: Context,
  session: SchemaSession,
  repeated: RepeatedStatement,
): Promise<void> {
  const { words } = repeated.statement;
  if (repeated.uncertain && !repeatable.has(words[0] ?? '') && !repeatable.has(words.slice(0, 2).join(' '))) {
    throw uncertain(repeated);
  }
  const index = parseConcurrentIndex(repeated.statement);
  if (index !== undefined) await dropInvalidIndex(context, session, index);
  if (words[0] === 'reindex') await reportTransientIndexes(context, session);
}

export interface ConcurrentIndex {
  /** As written, with quotes; undefined when the server is to choose a name. */
  readonly name: string | undefined;
  readonly table: string;
}

const nameToken = String.raw`(?:"(?:[^"]|"")+"|[^\s"(.;]+)`;
const concurrentIndex = new RegExp(
  String.raw`^create\s+(?:unique\s+)?index\s+concurrently\s+(?:if\s+not\s+exists\s+)?(?:(?!on\s)(${nameToken})\s+)?on\s+(?:only\s+)?(${nameToken}(?:\.${nameToken})?)`,
  'i',
);

/** Undefined when the statement is no `CREATE INDEX CONCURRENTLY`. Comments inside its head are not understood. */
export function parseConcurrentIndex({ text, words }: Statement): ConcurrentIndex | undefined {
  if (words[0] !== 'create' || !words.slice(1, 4).includes('concurrently')) return undefined;
  const found = concurrentIndex.exec(text);
  return { name: found?.[1], table: found?.[2] ?? '' };
}

/**
 * @throws UserError BAD_SQL_FILE for a `CREATE INDEX CONCURRENTLY` without a name: after a crash nobody could tell
 *   whether the index it makes is there, and a second run would make another
 */
export function refuseUnnamedIndexes({ script, transactional }: Migration): void {
  if (transactional) return;
  for (const statement of script.statements) {
    const index = parseConcurrentIndex(statement);
    if (index === undefined || index.name !== undefined) continue;
    throw badSql(
      script.path,
      script.text,
      statement.start,
      'give this index a name, so that an interrupted run can find it',
    );
  }
}

/** The schema of an index is its table's; quoting and case folding are left to the server. */
const invalidIndexSql = `
  SELECT format('%I.%I', n.nspname, c.relname) AS index
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE NOT i.indisvalid AND i.indrelid = to_regclass($1) AND c.relname = (parse_ident($2))[1]`;

async function dropInvalidIndex(
  context: Context,
  { client }: SchemaSession,
  index: ConcurrentIndex,
): Promise<void> {
  if (index.name === undefined) return;
  const { rows } = await client.query<{ index: string }>(invalidIndexSql, [index.table, index.name]);
  const found = rows[0]?.index;
  if (found === undefined) return;
  const message = `drops the invalid index ${found}, which an interrupted CREATE INDEX CONCURRENTLY left behind`;
  context.report({ type: 'invalid-index-dropped', index: found, message });
  await client.query(`DROP INDEX CONCURRENTLY ${found}`);
}

/** An interrupted REINDEX CONCURRENTLY leaves a copy behind that costs every write; whose it is cannot be known. */
async function reportTransientIndexes(context: Context, { client }: SchemaSession): Promise<void> {
  const { rows } = await client.query<{ index: string }>(
    String.raw`SELECT indexrelid::regclass::text AS index FROM pg_index JOIN pg_class c ON c.oid = indexrelid
                WHERE NOT indisvalid AND c.relname ~ '_cc(new|old)\d*$'`,
  );
  for (const { index } of rows) {
    const message = `an interrupted REINDEX left the invalid index ${index}: DROP INDEX CONCURRENTLY ${index}`;
    context.report({ type: 'invalid-index-warning', index, message });
  }
}

function uncertain({ migration, statement }: RepeatedStatement): UserError {
  const { path, text } = migration.script;
  const { line, column } = findPosition(text, statement.start);
  return new UserError(
    'UNCERTAIN_STATEMENT',
    `${path}:${line}:${column}: an earlier run was cut off while this statement ran, and nothing shows whether it was done\n${showSource(text, statement.start)}`,
    {
      suggestions: [
        'look in the database whether it was done',
        `if it was, replace it in ${path} by SELECT 1; if not, change it so that it may run twice`,
        'then run migrate again: it goes on with this statement',
      ],
    },
  );
}

function firstLine({ text }: Statement): string {
  return text.split('\n', 1)[0] ?? '';
}
