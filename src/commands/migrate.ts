import { BaseCommand, databaseFlags, toggle } from '../base-command.ts';
import { parseDatabaseChoice, withProjectDatabase } from '../local/project-database.ts';
import { getProject } from '../project/find-project.ts';
import { type MigrateResult, migrate } from '../seed/migrate.ts';

export default class Migrate extends BaseCommand {
  static override summary = 'Bring the database to the state of migrations/*.sql.';
  static override description =
    `Forward only, in the order of the files' numbers, each in its own transaction; the line
"-- lambdapg: no-transaction" at the head of a file lifts that. One run at a time: a second one waits.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --dry-run',
    'LAMBDAPG_DATABASE_URL=postgres://… <%= config.bin %> <%= command.id %> --json',
  ];
  static override flags = {
    ...databaseFlags,
    'dry-run': toggle('print the SQL that would run, change nothing'),
  };

  async run(): Promise<MigrateResult> {
    const { flags } = await this.parse(Migrate);
    const context = this.context();
    const project = await getProject(context.cwd);
    const result = await withProjectDatabase(
      context,
      project,
      parseDatabaseChoice(flags),
      ({ admin, ownerRole }) =>
        migrate(context, {
          target: { admin, ...(ownerRole !== undefined && { ownerRole }) },
          projectDir: project.dir,
          directory: 'migrations',
          dryRun: flags['dry-run'],
        }),
    );
    return this.print(result, format);
  }
}

function format({ dryRun, applied, pending, alreadyApplied }: MigrateResult): string {
  if (dryRun && pending.length > 0)
    return pending.map(({ name, sql }) => `-- ${name}\n${sql.trimEnd()}\n`).join('\n');
  if (applied.length === 0) return `nothing to apply; ${alreadyApplied} applied before`;
  return `${applied.length} applied, ${alreadyApplied} before`;
}
