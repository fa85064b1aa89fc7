import { toggle } from '../base-command.ts';
import { anyDatabaseFlags, DatabaseCommand } from '../database-command.ts';
import { migrateJob } from '../jobs/migrate-job.ts';
import { getProject } from '../project/find-project.ts';
import type { MigrateResult } from '../seed/migrate.ts';

export default class Migrate extends DatabaseCommand {
  static override summary = 'Bring the database to the state of migrations/*.sql.';
  static override description =
    `Forward only, in the order of the files' numbers, each in its own transaction; the line
"-- lambdapg: no-transaction" at the head of a file lifts that. One run at a time: a second one waits.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --dry-run',
    '<%= config.bin %> <%= command.id %> --stage dev',
    'LAMBDAPG_DATABASE_URL=postgres://… <%= config.bin %> <%= command.id %> --json',
  ];
  static override flags = {
    ...anyDatabaseFlags,
    'dry-run': toggle('print the SQL that would run, change nothing'),
  };

  async run(): Promise<MigrateResult> {
    const { flags } = await this.parse(Migrate);
    const context = this.context();
    const project = await getProject(context.cwd);
    const result = await this.withDatabase(context, project, flags, ({ admin, ownerRole, run }) =>
      run(migrateJob, admin, {
        ...(ownerRole !== undefined && { ownerRole }),
        projectDir: project.dir,
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
