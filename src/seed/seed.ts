import type { Context } from '../context.ts';
import { UserError } from '../errors.ts';
import { explainFailure } from './explain-row.ts';
import { loadRows } from './load-rows.ts';
import { readSqlScript, type SqlScript } from './read-sql.ts';
import { runScript } from './run-script.ts';
import {
  defaultLockTimeoutMs,
  type SchemaSession,
  type SchemaTarget,
  withSchemaSession,
} from './schema-session.ts';
import { findSeeds, type RowsSeed, type SeedFile } from './seed-files.ts';
import { truncateTables } from './truncate-tables.ts';

export interface SeedOptions {
  readonly target: SchemaTarget;
  /** Absolute. */
  readonly projectDir: string;
  /** Relative to the project: `seeds`. */
  readonly directory: string;
  /** Only these; all when undefined. */
  readonly files?: readonly string[];
  /** Empties the tables that the seeds name first; the command has asked for a confirmation. */
  readonly truncate: boolean;
  readonly dryRun: boolean;
  readonly lockTimeoutMs?: number;
  /** A row longer than this is refused, so that an open quote cannot fill the memory. Default: 16 MiB. */
  readonly longestRecordBytes?: number;
}

export interface SeededFile {
  readonly file: string;
  /** Undefined for SQL. */
  readonly table: string | undefined;
  /** Read from the file; of an SQL file, its statements. */
  readonly rows: number;
  readonly inserted: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly durationMs: number;
}

export interface SeedResult {
  readonly dryRun: boolean;
  readonly truncated: readonly string[];
  readonly files: readonly SeededFile[];
}

const defaultLongestRecordBytes = 16 * 1024 * 1024;

/**
 * Brings tables to the state of `seeds/*`: rows are inserted or updated by their key, and a second run writes
 * nothing. Each file is a transaction; with `truncate` all files are one. A dry run counts and changes nothing.
 *
 * @throws UserError naming file, line, column and value; the signal's reason
 */
export async function seed(context: Context, options: SeedOptions): Promise<SeedResult> {
  const { projectDir, directory, dryRun, lockTimeoutMs = defaultLockTimeoutMs } = options;
  const files = await findSeeds(projectDir, directory, { files: options.files, cwd: context.cwd });
  const scripts = await readScripts(projectDir, files);
  return withSchemaSession(
    context,
    options.target,
    { purpose: 'seed', lock: !dryRun, lockTimeoutMs },
    async (session) => {
      const run: SeedRun = { context, session, options, scripts };
      if (!options.truncate) return { dryRun, truncated: [], files: await seedEach(run, files) };
      return inTransaction(run, async () => {
        const truncated = await truncateTables(session, files, dryRun);
        const seeded: SeededFile[] = [];
        for (const file of files) seeded.push(await seedFile(run, file));
        return { dryRun, truncated, files: seeded };
      });
    },
  );
}

interface SeedRun {
  readonly context: Context;
  readonly session: SchemaSession;
  readonly options: SeedOptions;
  /** By name; read before anything is written. */
  readonly scripts: ReadonlyMap<string, SqlScript>;
}

async function seedEach(run: SeedRun, files: readonly SeedFile[]): Promise<SeededFile[]> {
  const seeded: SeededFile[] = [];
  for (const file of files) {
    try {
      seeded.push(await inTransaction(run, () => seedFile(run, file)));
    } catch (error) {
      throw addWhatRemains(error, file, seeded);
    }
    await run.session.reset();
  }
  return seeded;
}

async function inTransaction<T>({ context, session, options }: SeedRun, work: () => Promise<T>): Promise<T> {
  const { client } = session;
  await client.query('BEGIN');
  try {
    const result = await work();
    context.signal.throwIfAborted();
    await client.query(options.dryRun ? 'ROLLBACK' : 'COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

async function seedFile(run: SeedRun, file: SeedFile): Promise<SeededFile> {
  const { context } = run;
  context.signal.throwIfAborted();
  context.report({ type: 'seed-started', file: file.path, message: file.path });
  const startedAt = performance.now();
  const counts = await (file.kind === 'sql' ? seedSql(run, file.name) : seedRows(run, file)).catch(
    (error) => {
      throw explainFailure(error, file.path, run.session.blockers());
    },
  );
  const table = file.kind === 'sql' ? undefined : file.table;
  const seeded = { file: file.path, table, ...counts, durationMs: Math.round(performance.now() - startedAt) };
  const { inserted, updated, unchanged } = seeded;
  const message = `${file.path}: ${inserted} inserted, ${updated} updated, ${unchanged} unchanged in ${seeded.durationMs} ms`;
  context.report({ type: 'seed-done', ...seeded, message });
  return seeded;
}

type Counts = Omit<SeededFile, 'file' | 'table' | 'durationMs'>;

async function seedRows({ context, session, options }: SeedRun, file: RowsSeed): Promise<Counts> {
  const { rows, inserted, updated } = await loadRows(context, session, file, {
    projectDir: options.projectDir,
    dryRun: options.dryRun,
    longestRecordBytes: options.longestRecordBytes ?? defaultLongestRecordBytes,
    checkConstraints: !options.truncate,
  });
  return { rows, inserted, updated, unchanged: rows - inserted - updated };
}

async function seedSql({ session, options, scripts }: SeedRun, name: string): Promise<Counts> {
  const script = scripts.get(name);
  if (script === undefined) throw new Error(`${name} was not read`);
  const rows = script.statements.length;
  if (options.dryRun) return { rows, inserted: 0, updated: 0, unchanged: 0 };
  const { inserted, updated } = await runScript(session, script);
  return { rows, inserted, updated, unchanged: 0 };
}

async function readScripts(projectDir: string, files: readonly SeedFile[]): Promise<Map<string, SqlScript>> {
  const sql = files.filter(({ kind }) => kind === 'sql');
  return new Map(
    await Promise.all(
      sql.map(async ({ name, path }) => [name, await readSqlScript(projectDir, path)] as const),
    ),
  );
}

function addWhatRemains(error: unknown, file: SeedFile, seeded: readonly SeededFile[]): unknown {
  if (!(error instanceof UserError)) return error;
  const before = seeded.map(({ file: name }) => name).join(', ');
  const remains = `nothing of ${file.path} remains${before === '' ? '' : `; what remains: ${before}`}`;
  return new UserError(error.code, `${error.message}\n${remains}`, {
    suggestions: error.suggestions,
    exit: error.exit,
    cause: error.cause,
  });
}
