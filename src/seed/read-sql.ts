import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../errors.ts';
import { findPosition, showSource } from './source-position.ts';
import { type Statement, splitStatements } from './split-statements.ts';

/** An SQL file, ready to run. */
export interface SqlScript {
  /** As shown: relative to the project, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly statements: readonly Statement[];
}

/**
 * Reads and splits an SQL file. A byte order mark is dropped.
 *
 * @param path relative to `projectDir`
 * @throws UserError BAD_SQL_FILE with line and caret: not UTF-8, NUL, an open quote or comment, a psql command,
 *   or a transaction command (each file is one transaction already)
 */
export async function readSqlScript(projectDir: string, path: string): Promise<SqlScript> {
  const bytes = await readFile(join(projectDir, path));
  return parseSqlScript(path, decodeText(path, bytes));
}

export function parseSqlScript(path: string, text: string): SqlScript {
  const nul = text.indexOf('\0');
  if (nul !== -1) throw badSql(path, text, nul, 'a NUL character, which PostgreSQL cannot hold');
  const { statements, fault } = splitStatements(text);
  if (fault !== undefined) throw badSql(path, text, fault.offset, fault.message);
  for (const statement of statements) {
    if (!isTransactionCommand(statement.words)) continue;
    const command = statement.words.slice(0, 2).join(' ').toUpperCase();
    throw badSql(
      path,
      text,
      statement.start,
      `${command} is not for this file to say: lambdapg begins and ends the transaction`,
    );
  }
  return { path, text, statements };
}

/** sha256 in hex. Line ends are normalised: git may have changed them on a colleague's computer. */
export function hashSql(text: string): string {
  return createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex');
}

export function badSql(
  path: string,
  text: string,
  offset: number,
  fault: string,
  suggestions: string[] = [],
): UserError {
  const { line, column } = findPosition(text, offset);
  return new UserError('BAD_SQL_FILE', `${path}:${line}:${column}: ${fault}\n${showSource(text, offset)}`, {
    suggestions,
  });
}

function decodeText(path: string, bytes: Buffer): string {
  if (!isUtf8(bytes)) {
    // Decoding replaces bad bytes, so the line is found by the first replacement that was not in the file.
    const text = bytes.toString('utf8');
    const offset = findFirstDifference(bytes, Buffer.from(text, 'utf8'));
    const line = bytes.subarray(0, offset).toString('latin1').split('\n').length;
    throw new UserError(
      'BAD_SQL_FILE',
      `${path}:${line}: byte ${offset + 1} of the file (0x${bytes[offset]?.toString(16)}) is not UTF-8`,
      {
        suggestions: ['save the file as UTF-8'],
      },
    );
  }
  return bytes.toString('utf8').replace(/^\ufeff/, '');
}

function findFirstDifference(left: Buffer, right: Buffer): number {
  let at = 0;
  while (at < left.length && left[at] === right[at]) at += 1;
  return at;
}

/** ROLLBACK TO a savepoint stays inside; all others would end or nest the file's own transaction. */
function isTransactionCommand(words: readonly string[]): boolean {
  const [first, second] = words;
  if (first === 'start' || first === 'prepare') return second === 'transaction';
  if (first === 'rollback') return !words.slice(1, 3).includes('to');
  return first === 'begin' || first === 'commit' || first === 'end' || first === 'abort';
}
