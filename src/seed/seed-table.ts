import type { Client } from '../database/with-client.ts';
import { UserError } from '../errors.ts';
import { nearest } from '../project/nearest.ts';
import type { RowsSeed, SeedFile } from './seed-files.ts';

export interface SeedColumn {
  readonly name: string;
  /** As SQL writes it: `numeric(10,2)`. */
  readonly type: string;
  /** How a JSON value becomes this type's text. */
  readonly shape: 'scalar' | 'json' | 'array' | 'json-array';
  readonly nullable: boolean;
  /** `GENERATED ALWAYS AS (…) STORED`: never written. */
  readonly generated: boolean;
  /** `GENERATED ALWAYS AS IDENTITY`: may be inserted, never updated. */
  readonly identityAlways: boolean;
  /** An SQL expression for a row that does not name the column. */
  readonly defaultSql: string;
}

export interface SeedTable {
  /** As a person says it: `library.books`, or `books` when the search path finds it. */
  readonly name: string;
  /** Quoted and with its schema, ready for SQL text. */
  readonly sql: string;
  readonly columns: ReadonlyMap<string, SeedColumn>;
  readonly key: readonly string[];
}

/**
 * The table that a seed names, and the key by which its rows are found again.
 *
 * @throws UserError SEED_TABLE_MISSING with the nearest name, SEED_NOT_A_TABLE, SEED_NO_KEY
 */
export async function getSeedTable(client: Client, seed: RowsSeed): Promise<SeedTable> {
  const name = nameOf(seed);
  const found = await findRelation(client, seed);
  if (found === undefined) throw await explainMissingTable(client, seed, name);
  if (!found.isTable) {
    throw new UserError(
      'SEED_NOT_A_TABLE',
      `${seed.path}: "${name}" is a view or foreign table; rows go into tables`,
    );
  }
  const columns = await readColumns(client, found.oid);
  return { name, sql: found.sql, columns, key: await getKey(client, found.oid, seed, name) };
}

/** The quoted name of the table that a seed names; undefined when there is none, as for an SQL file's free name. */
export async function findSeedTableSql(client: Client, seed: SeedFile): Promise<string | undefined> {
  const found = await findRelation(client, seed);
  return found?.isTable === true ? found.sql : undefined;
}

interface Relation {
  oid: number;
  sql: string;
  isTable: boolean;
}

async function findRelation(client: Client, { schema, table }: SeedFile): Promise<Relation | undefined> {
  const { rows } = await client.query<Relation>(
    `SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS sql, c.relkind IN ('r', 'p') AS "isTable"
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relname = $1 AND c.relkind NOT IN ('i', 'I', 'S', 't', 'c')
        AND CASE WHEN $2::text IS NULL THEN pg_table_is_visible(c.oid) ELSE n.nspname = $2 END`,
    [table, schema ?? null],
  );
  return rows[0];
}

/** As a person says it. */
export function nameOf({ schema, table }: SeedFile): string {
  return schema === undefined ? table : `${schema}.${table}`;
}

async function readColumns(client: Client, oid: number): Promise<Map<string, SeedColumn>> {
  // A domain's shape is its base type's; a domain has its base type's category.
  const { rows } = await client.query<SeedColumn>(
    `SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable,
            a.attgenerated <> '' AS generated, a.attidentity = 'a' AS "identityAlways",
            CASE WHEN b.typname IN ('json', 'jsonb') THEN 'json'
                 WHEN b.typcategory = 'A' AND e.typname IN ('json', 'jsonb') THEN 'json-array'
                 WHEN b.typcategory = 'A' THEN 'array' ELSE 'scalar' END AS shape,
            CASE WHEN a.attidentity <> '' THEN format('nextval(%L::regclass)', pg_get_serial_sequence(a.attrelid::regclass::text, a.attname))
                 ELSE coalesce(pg_get_expr(d.adbin, d.adrelid), 'NULL') END AS "defaultSql"
       FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
            JOIN pg_type b ON b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
            LEFT JOIN pg_type e ON e.oid = b.typelem
            LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
      WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [oid],
  );
  return new Map(rows.map((column) => [column.name, column]));
}

interface UniqueIndex {
  primary: boolean;
  columns: string[];
}

async function getKey(
  client: Client,
  oid: number,
  seed: RowsSeed,
  table: string,
): Promise<readonly string[]> {
  // Only an index over plain columns and all rows says that a key names one row.
  const { rows } = await client.query<UniqueIndex>(
    `SELECT i.indisprimary AS primary, array_agg(a.attname::text ORDER BY k.place) AS columns
       FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (attnum, place)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
      WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
        AND k.place <= i.indnkeyatts
      GROUP BY i.indexrelid, i.indisprimary ORDER BY i.indisprimary DESC, i.indexrelid`,
    [oid],
  );
  const same = (columns: readonly string[]): string => [...columns].sort().join('\0');
  const { key } = seed;
  const chosen = rows.find(({ primary, columns }) =>
    key === undefined ? primary : same(columns) === same(key),
  );
  if (chosen !== undefined) return chosen.columns;
  const [stem, kind] = [seed.name.replace(/(@[^@]*)?\.[a-z]+$/, ''), seed.kind];
  const names = rows.map(({ primary, columns }) =>
    primary ? `${stem}.${kind}` : `${stem}@${columns.join('+')}.${kind}`,
  );
  const fault = key === undefined ? 'has no primary key' : `has no unique constraint on (${key.join(', ')})`;
  throw new UserError(
    'SEED_NO_KEY',
    `${seed.path}: table "${table}" ${fault}, so its rows cannot be found again`,
    {
      suggestions:
        names.length > 0
          ? names.map((name) => `rename the file to ${name}`)
          : [`add a primary key to "${table}" in a migration`],
    },
  );
}

async function explainMissingTable(client: Client, seed: RowsSeed, name: string): Promise<UserError> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT CASE WHEN pg_table_is_visible(c.oid) AND $1 THEN c.relname::text ELSE n.nspname || '.' || c.relname END AS name
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'lambdapg')
        AND n.nspname NOT LIKE 'pg\\_%'`,
    [seed.schema === undefined],
  );
  const near = nearest(
    name,
    rows.map((row) => row.name),
  );
  return new UserError('SEED_TABLE_MISSING', `${seed.path}: there is no table "${name}"`, {
    suggestions: [
      ...(near === undefined ? [] : [`did you mean "${near}"? the file's name says the table`]),
      'lambdapg migrate makes the tables',
    ],
  });
}
