import { UserError } from '../errors.ts';
import type { Migration } from './migration-files.ts';
import type { MigrationRecord } from './migration-log.ts';
import { hashSql } from './read-sql.ts';

export interface PendingMigration {
  readonly migration: Migration;
  /** Statements that an interrupted run has done. */
  readonly done: number;
  /** An earlier run began it (only files without transaction can be found so). */
  readonly resumed: boolean;
  /** The statement after those was sent, and nobody knows whether it was done. */
  readonly uncertain: boolean;
}

export interface MigrationPlan {
  readonly pending: readonly PendingMigration[];
  readonly alreadyApplied: number;
}

/**
 * What is left to run. Pure.
 *
 * @param migrations sorted
 * @throws UserError MIGRATION_MISSING, MIGRATION_CHANGED or MIGRATION_OUT_OF_ORDER (the first kind found; the
 *   message lists all faults)
 */
export function planMigrations(
  migrations: readonly Migration[],
  records: readonly MigrationRecord[],
): MigrationPlan {
  const recordOf = new Map(records.map((record) => [record.name, record]));
  const lastApplied = migrations.findLast(({ name }) => recordOf.get(name)?.state === 'applied');
  const faults = findMissing(migrations, records);
  const pending: PendingMigration[] = [];
  for (const migration of migrations) {
    const record = recordOf.get(migration.name);
    const fault = findFault(migration, record, lastApplied, migrations);
    if (fault !== undefined) faults.push(fault);
    if (record?.state === 'applied') continue;
    const done = record?.statementsDone ?? 0;
    pending.push({
      migration,
      done,
      resumed: record !== undefined,
      uncertain: isUncertain(migration, record),
    });
  }
  const [first] = faults;
  if (first !== undefined) {
    throw new UserError(first.code, faults.map(({ message }) => message).join('\n'), {
      suggestions: [...new Set(faults.map(({ fix }) => fix))],
    });
  }
  return { pending, alreadyApplied: migrations.length - pending.length };
}

/** A person who has changed the statement meanwhile has looked at what it did. */
function isUncertain(migration: Migration, record: MigrationRecord | undefined): boolean {
  if (record === undefined || record.statementsBegun === record.statementsDone) return false;
  return hashStatements(migration, record.statementsBegun) === record.begunSha256;
}

interface Fault {
  readonly code: string;
  readonly message: string;
  readonly fix: string;
}

function findMissing(migrations: readonly Migration[], records: readonly MigrationRecord[]): Fault[] {
  const names = new Set(migrations.map(({ name }) => name));
  return records
    .filter(({ name }) => !names.has(name))
    .map(({ name, state }) => ({
      code: 'MIGRATION_MISSING',
      message: `${name} was ${state} in this database, and the file is not here`,
      fix: `get ${name} back (git log --diff-filter=D -- '*${name}'), or pull the branch it came from`,
    }));
}

function findFault(
  migration: Migration,
  record: MigrationRecord | undefined,
  lastApplied: Migration | undefined,
  migrations: readonly Migration[],
): Fault | undefined {
  const { path } = migration.script;
  if (record?.state === 'applied') {
    if (record.sha256 === migration.sha256) return undefined;
    return {
      code: 'MIGRATION_CHANGED',
      message: `${path} was changed after it was applied`,
      fix: `restore ${path} as it was (git log -p ${path}) and put the change into a new migration`,
    };
  }
  if (record !== undefined) return findChangedStart(migration, record);
  if (lastApplied === undefined || migration.number > lastApplied.number) return undefined;
  return {
    code: 'MIGRATION_OUT_OF_ORDER',
    message: `${path} is new, but ${lastApplied.name}, which comes after it, is applied already`,
    fix: `rename ${migration.name} to ${renumber(migration, migrations)}`,
  };
}

/** What has run of an interrupted file may not change; what has not may. */
function findChangedStart(migration: Migration, record: MigrationRecord): Fault | undefined {
  const { path } = migration.script;
  if (migration.transactional) {
    return {
      code: 'MIGRATION_CHANGED',
      message: `${path} has run ${record.statementsDone} of its statements without a transaction and now has lost its line "-- lambdapg: no-transaction"`,
      fix: 'put the line back',
    };
  }
  if (hashStatements(migration, record.statementsDone) === record.sha256) return undefined;
  return {
    code: 'MIGRATION_CHANGED',
    message: `${path} was interrupted after statement ${record.statementsDone}, and what had run was changed since`,
    fix: `restore the first ${record.statementsDone} statements of ${path}; those after them may be changed`,
  };
}

/** sha256 of the first `count` statements, without the comments between them. */
export function hashStatements({ script }: Migration, count: number): string {
  return hashSql(
    script.statements
      .slice(0, count)
      .map(({ text }) => text)
      .join(';\n'),
  );
}

function renumber(migration: Migration, migrations: readonly Migration[]): string {
  const [digits = ''] = /^\d+/.exec(migration.name) ?? [];
  const next = (migrations.at(-1)?.number ?? 0n) + 1n;
  return `${String(next).padStart(digits.length, '0')}${migration.name.slice(digits.length)}`;
}
