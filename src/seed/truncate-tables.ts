import { errorCode, errorMessage, UserError } from '../errors.ts';
import { explainFailure } from './explain-row.ts';
import { isPostgresError } from './explain-statement.ts';
import type { SchemaSession } from './schema-session.ts';
import type { SeedFile } from './seed-files.ts';
import { findSeedTableSql, nameOf } from './seed-table.ts';

/**
 * Empties the tables that the seeds name; an SQL file names one when its name is a table's.
 *
 * One statement, so that foreign keys among the tables are no hindrance; never CASCADE, which would empty tables
 * that no seed fills again.
 *
 * @returns their names; a dry run empties none
 * @throws UserError SEED_TRUNCATE_REFUSED when a table outside refers to one of them
 */
export async function truncateTables(
  session: SchemaSession,
  files: readonly SeedFile[],
  dryRun: boolean,
): Promise<string[]> {
  const tables = new Map<string, string>();
  for (const file of files) {
    const sql = await findSeedTableSql(session.client, file);
    if (sql !== undefined) tables.set(sql, nameOf(file));
  }
  const names = [...tables.values()];
  if (tables.size === 0 || dryRun) return names;
  try {
    await session.watch(() => session.client.query(`TRUNCATE ${[...tables.keys()].join(', ')}`));
  } catch (error) {
    if (errorCode(error) !== '0A000')
      throw explainFailure(error, `TRUNCATE ${names.join(', ')}`, session.blockers());
    throw new UserError(
      'SEED_TRUNCATE_REFUSED',
      `cannot empty ${names.join(', ')}: ${isPostgresError(error) ? error.detail : errorMessage(error)}`,
      {
        suggestions: [
          'add a seed for the table that refers to them',
          'or empty that table yourself; lambdapg never truncates with CASCADE',
        ],
        cause: error,
      },
    );
  }
  return names;
}
