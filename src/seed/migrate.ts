import type { Context } from '../context.ts';
import { UserError } from '../errors.ts';
import { type Migration, readMigrations } from './migration-files.ts';
import { createMigrationLog, readMigrationLog } from './migration-log.ts';
import { type MigrationPlan, planMigrations } from './plan-migrations.ts';
import { type RunMigration, runMigration } from './run-migration.ts';
import {
  defaultLockTimeoutMs,
  type SchemaSession,
  type SchemaTarget,
  withSchemaSession,
} from './schema-session.ts';
import { refuseUnnamedIndexes } from './settle-statement.ts';

export interface MigrateOptions {
  readonly target: SchemaTarget;
  /** Absolute. */
  readonly projectDir: string;
  /** Relative to the project: `migrations`. */
  readonly directory: string;
  readonly dryRun: boolean;
  /** How long a statement waits for a table lock; see `defaultLockTimeoutMs`. */
  readonly lockTimeoutMs?: number;
}

export interface WaitingMigration {
  readonly name: string;
  readonly transactional: boolean;
  /** The whole text of the file. */
  readonly sql: string;
}

export interface MigrateResult {
  readonly dryRun: boolean;
  /** By this run, in order. */
  readonly applied: readonly RunMigration[];
  /** What a dry run would have applied. */
  readonly pending: readonly WaitingMigration[];
  /** Before this run. */
  readonly alreadyApplied: number;
}

/**
 * Brings a database's schema to the state of `migrations/*.sql`: forward only, in order, each file in its own
 * transaction, one run at a time. A dry run reads the record and changes nothing.
 *
 * @throws UserError BAD_MIGRATION_NAME, BAD_SQL_FILE, MIGRATION_CHANGED, MIGRATION_MISSING,
 *   MIGRATION_OUT_OF_ORDER, STATEMENT_FAILED, UNCERTAIN_STATEMENT; the signal's reason
 */
export async function migrate(context: Context, options: MigrateOptions): Promise<MigrateResult> {
  const migrations = await readMigrations(options.projectDir, options.directory);
  migrations.forEach(refuseUnnamedIndexes);
  const { dryRun, target, lockTimeoutMs = defaultLockTimeoutMs } = options;
  return withSchemaSession(
    context,
    target,
    { purpose: 'migrate', lock: !dryRun, lockTimeoutMs },
    async (session) => {
      if (!dryRun) await createMigrationLog(session);
      const plan = planMigrations(migrations, await readMigrationLog(session.client));
      const { alreadyApplied } = plan;
      if (dryRun) return { dryRun, applied: [], pending: plan.pending.map(describePending), alreadyApplied };
      return { dryRun, applied: await runAll(context, session, plan), pending: [], alreadyApplied };
    },
  );
}

async function runAll(
  context: Context,
  session: SchemaSession,
  { pending }: MigrationPlan,
): Promise<RunMigration[]> {
  const applied: RunMigration[] = [];
  for (const [index, next] of pending.entries()) {
    const { name } = next.migration;
    const place = { name, index: index + 1, total: pending.length };
    context.report({
      type: 'migration-started',
      ...place,
      message: `${name} (${index + 1} of ${pending.length})`,
    });
    try {
      const run = await runMigration(context, session, next);
      applied.push(run);
      context.report({
        type: 'migration-applied',
        ...place,
        ...run,
        message: `${name} applied in ${run.durationMs} ms`,
      });
    } catch (error) {
      throw addWhatWasApplied(error, applied);
    }
  }
  return applied;
}

function addWhatWasApplied(error: unknown, applied: readonly RunMigration[]): unknown {
  if (!(error instanceof UserError)) return error;
  const names = applied.map(({ name }) => name).join(', ');
  const said =
    names === '' ? 'this run had applied nothing before it' : `this run had applied before it: ${names}`;
  return new UserError(error.code, `${error.message}\n${said}`, {
    suggestions: error.suggestions,
    exit: error.exit,
    cause: error.cause,
  });
}

function describePending({ migration }: { migration: Migration }): WaitingMigration {
  return { name: migration.name, transactional: migration.transactional, sql: migration.script.text };
}
