import { Flags } from '@oclif/core';
import { toggle } from '../base-command.ts';
import { anyDatabaseFlags, DatabaseCommand } from '../database-command.ts';
import { seedJob } from '../jobs/seed-job.ts';
import { getProject } from '../project/find-project.ts';
import type { SeedResult } from '../seed/seed.ts';

export default class Seed extends DatabaseCommand {
  static override strict = false;
  static override summary = 'Bring tables to the state of seeds/*.{csv,json,ndjson,sql}.';
  static override description =
    `A file's name says its place, its table and, where it is not the primary key, the key by
which rows are found again: 10_authors.csv, 20_library.books.json, 30_loans@book_id+borrower_id.ndjson. New rows are
inserted, changed rows updated, unchanged rows not touched: a second run writes nothing. Each file is a transaction.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> 10_authors.csv --dry-run',
    '<%= config.bin %> <%= command.id %> --stage dev',
    '<%= config.bin %> <%= command.id %> --truncate --confirm my-api',
  ];
  static override flags = {
    ...anyDatabaseFlags,
    'dry-run': toggle('count what would be written, change nothing'),
    truncate: toggle('first empty the tables that the seeds name; needs --confirm'),
    confirm: Flags.string({ description: 'the project name, to allow --truncate', helpValue: 'project' }),
  };

  async run(): Promise<SeedResult> {
    const { argv, flags } = await this.parse(Seed);
    const context = this.context();
    const project = await getProject(context.cwd);
    if (flags.truncate && !flags['dry-run']) {
      await this.confirmDestruction(
        project.config.name,
        flags.confirm,
        'empties the tables that seeds/ names',
      );
    }
    const files = argv as string[];
    const result = await this.withDatabase(context, project, flags, ({ admin, ownerRole, run }) =>
      run(seedJob, admin, {
        ...(ownerRole !== undefined && { ownerRole }),
        projectDir: project.dir,
        ...(files.length > 0 && { files }),
        truncate: flags.truncate,
        dryRun: flags['dry-run'],
      }),
    );
    return this.print(result, format);
  }
}

function format({ dryRun, files }: SeedResult): string {
  const sum = (pick: (file: SeedResult['files'][number]) => number): number =>
    files.reduce((total, file) => total + pick(file), 0);
  const counts = `${sum((file) => file.inserted)} inserted, ${sum((file) => file.updated)} updated, ${sum((file) => file.unchanged)} unchanged`;
  return `${dryRun ? 'would be: ' : ''}${counts} (${files.length} ${files.length === 1 ? 'file' : 'files'})`;
}
