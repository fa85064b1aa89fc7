import { copyFrom } from '../database/copy.ts';
import { quoteIdentifier, quoteLiteral } from '../database/identifier.ts';
import { createSchema } from '../database/own-schema.ts';
import type { ConnectionTarget } from '../database/target.ts';
import { type Client, withClient } from '../database/with-client.ts';
import { errorCode, exitCodes, UserError } from '../errors.ts';

/**
 * Bytes that one invocation of the runner cannot carry (Lambda's limit is 6 MB) wait in the database: a seed on its way in,
 * a result on its way out. One unlogged table per run, in the schema `lambdapg`, made by the admin, so that the application's
 * role sees nothing of it. No statement holds the bytes: they travel as COPY data, which no log of the server shows.
 */
export interface ChunkTable {
  /** The admin; `lambdapg` belongs to `ownerRole` when the schema has yet to be made. */
  readonly target: ConnectionTarget;
  readonly ownerRole?: string;
  /** 16 hex digits, new for each run. */
  readonly run: string;
  /** Who fills it: tables of an earlier run of the same origin are left over from a crash. */
  readonly origin: string;
}

/** Of another origin: a run that wrote nothing for this long is taken for dead. */
const abandonedAfter = '10 minutes';
const prefix = 'chunks_';
const options = { applicationName: 'lambdapg chunks' };

/** Writes one chunk, again if need be. The first one makes the table, and drops those that nobody fills any more. */
export async function putChunk(table: ChunkTable, sequence: number, bytes: Buffer): Promise<void> {
  await withClient(table.target, options, async (client) => {
    if (sequence === 0) {
      await dropAbandoned(client, table.origin);
      await createTable(client, table);
    }
    try {
      await client.query('BEGIN');
      await client.query(`DELETE FROM ${sqlName(table)} WHERE sequence = $1`, [sequence]);
      const line = Buffer.concat([
        Buffer.from(`${sequence}\t\\\\x`),
        Buffer.from(bytes.toString('hex')),
        newline,
      ]);
      await copyFrom(client, `COPY ${sqlName(table)} (sequence, bytes) FROM STDIN`, linesOf(line));
      await client.query('COMMIT');
    } catch (error) {
      throw explainGone(error);
    }
  });
}

/** All chunks in order; reading them removes nothing. @throws UserError CHUNKS_GONE */
export async function* readChunks(table: ChunkTable, count: number): AsyncGenerator<Buffer> {
  for (let sequence = 0; sequence < count; sequence += 1) yield await getChunk(table, sequence);
}

/** @throws UserError CHUNKS_GONE */
export async function getChunk(table: ChunkTable, sequence: number): Promise<Buffer> {
  return withClient(table.target, options, async (client) => {
    const { rows } = await client
      .query<{ bytes: Buffer }>(`SELECT bytes FROM ${sqlName(table)} WHERE sequence = $1`, [sequence])
      .catch((error: unknown) => {
        throw explainGone(error);
      });
    const [row] = rows;
    if (row === undefined) throw chunksGone();
    return row.bytes;
  });
}

export async function dropChunks(table: ChunkTable): Promise<void> {
  await withClient(table.target, options, (client) => client.query(`DROP TABLE IF EXISTS ${sqlName(table)}`));
}

async function createTable(client: Client, { run, ownerRole, origin }: ChunkTable): Promise<void> {
  await createSchema(client, ownerRole);
  await client.query(
    `CREATE UNLOGGED TABLE IF NOT EXISTS ${sqlName({ run })}
       (sequence int PRIMARY KEY, bytes bytea NOT NULL, written_at timestamptz NOT NULL DEFAULT clock_timestamp())`,
  );
  await client.query(`ALTER TABLE ${sqlName({ run })} ALTER bytes SET STORAGE EXTERNAL`);
  await client.query(`COMMENT ON TABLE ${sqlName({ run })} IS ${quoteLiteral(origin)}`);
}

async function dropAbandoned(client: Client, origin: string): Promise<void> {
  const { rows } = await client.query<{ name: string; mine: boolean }>(
    `SELECT c.relname AS name, coalesce(obj_description(c.oid, 'pg_class') = $1, false) AS mine
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'lambdapg' AND c.relkind = 'r' AND starts_with(c.relname, $2)`,
    [origin, prefix],
  );
  await client.query(`SET lock_timeout = '2s'`);
  for (const { name, mine } of rows) {
    const sql = `lambdapg.${quoteIdentifier(name)}`;
    // Somebody else's table that cannot be looked at or dropped now is the next run's to drop.
    await dropIfAbandoned(client, sql, mine).catch(() => {});
  }
  await client.query('RESET lock_timeout');
}

async function dropIfAbandoned(client: Client, sql: string, mine: boolean): Promise<void> {
  if (!mine) {
    const { rows } = await client.query<{ idle: boolean }>(
      `SELECT coalesce(max(written_at) < clock_timestamp() - interval '${abandonedAfter}', true) AS idle FROM ${sql}`,
    );
    if (rows[0]?.idle !== true) return;
  }
  await client.query(`DROP TABLE IF EXISTS ${sql}`);
}

function sqlName({ run }: Pick<ChunkTable, 'run'>): string {
  return `lambdapg.${quoteIdentifier(`${prefix}${run}`)}`;
}

const newline = Buffer.from('\n');

async function* linesOf(line: Buffer): AsyncGenerator<Buffer> {
  yield line;
}

/** Without its table a run was taken for dead: by a newer one of the same origin, or after a long pause. */
function explainGone(error: unknown): unknown {
  return errorCode(error) === '42P01' ? chunksGone() : error;
}

function chunksGone(): UserError {
  return new UserError('CHUNKS_GONE', 'another run from here has taken the place of this one', {
    exit: exitCodes.temporary,
    suggestions: ['run it again when the other one is done'],
  });
}
