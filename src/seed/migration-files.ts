import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, UserError } from '../errors.ts';
import { nearest } from '../project/nearest.ts';
import { badSql, hashSql, readSqlScript, type SqlScript } from './read-sql.ts';

export interface Migration {
  /** The file's name, which is also its name in the record. */
  readonly name: string;
  readonly number: bigint;
  readonly script: SqlScript;
  readonly sha256: string;
  /** False: each statement runs on its own, as `CREATE INDEX CONCURRENTLY` must. */
  readonly transactional: boolean;
}

const fileName = /^(\d{4,14})_[a-z0-9][a-z0-9_-]*\.sql$/;
const example = '0001_create_books.sql';

/**
 * Reads `migrations/*.sql` in the order of their numbers. Other files in the folder are left alone.
 *
 * @throws UserError BAD_MIGRATION_NAME, BAD_SQL_FILE
 */
export async function readMigrations(projectDir: string, directory: string): Promise<Migration[]> {
  const names = await listFolder(projectDir, directory);
  const sorted = sortMigrationNames(names, directory);
  return Promise.all(
    sorted.map(async ({ name, number }) => {
      const script = await readSqlScript(projectDir, `${directory}/${name}`);
      return {
        name,
        number,
        script,
        sha256: hashSql(script.text),
        transactional: !readsNoTransaction(script),
      };
    }),
  );
}

/** @throws UserError BAD_MIGRATION_NAME with every name that is wrong or whose number is taken */
export function sortMigrationNames(
  names: readonly string[],
  directory: string,
): { name: string; number: bigint }[] {
  const faults: string[] = [];
  const byNumber = new Map<bigint, string>();
  for (const name of names.filter((candidate) => /\.sql$/i.test(candidate)).sort()) {
    const digits = fileName.exec(name)?.[1];
    if (digits === undefined) {
      faults.push(`${directory}/${name} is not named like ${example}`);
      continue;
    }
    const twin = byNumber.get(BigInt(digits));
    if (twin !== undefined) faults.push(`${directory}/${twin} and ${directory}/${name} have the same number`);
    else byNumber.set(BigInt(digits), name);
  }
  if (faults.length > 0) {
    throw new UserError('BAD_MIGRATION_NAME', faults.join('\n'), {
      suggestions: [
        `rename: at least four digits, "_", lower case letters, digits, "_" and "-", ".sql": ${example}`,
      ],
    });
  }
  return [...byNumber]
    .map(([number, name]) => ({ name, number }))
    .sort((a, b) => (a.number < b.number ? -1 : 1));
}

async function listFolder(projectDir: string, directory: string): Promise<string[]> {
  try {
    return await readdir(join(projectDir, directory));
  } catch (error) {
    // No folder is no migration; if some were applied, planning misses them by name.
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}

const directive = /^[ \t]*--[ \t]*lambdapg[ \t]*:[ \t]*(.*?)[ \t]*$/gim;

/**
 * Whether a comment line before the first statement says `-- lambdapg: no-transaction`. The same words further
 * down would be overlooked by a reader, so they are refused, and so is a word that is nearly right.
 */
function readsNoTransaction({ path, text, statements }: SqlScript): boolean {
  const head = statements[0]?.start ?? text.length;
  let found = false;
  for (const line of text.slice(0, head).matchAll(directive)) {
    const word = line[1] ?? '';
    if (word === 'no-transaction') found = true;
    else {
      const near = nearest(word, ['no-transaction']) ?? 'no-transaction';
      throw badSql(path, text, line.index, `"${word}" is no instruction of lambdapg`, [
        `write: -- lambdapg: ${near}`,
      ]);
    }
  }
  return found;
}
