import { once } from 'node:events';
import { Flags } from '@oclif/core';
import { BaseCommand, databaseFlags, toggle } from '../base-command.ts';
import { parseServing, startDev } from '../local/dev.ts';
import { parseDatabaseChoice, resetProjectDatabase } from '../local/project-database.ts';
import { runBeside } from '../local/run-beside.ts';
import { getProject } from '../project/find-project.ts';
import { devReporter } from '../terminal/reporter.ts';

export default class Dev extends BaseCommand {
  static override summary =
    "Serve the project's functions over HTTP, on its own PostgreSQL, with Lambda's semantics.";
  static override description =
    `Migrates the database, seeds it when it is new, and reloads a function when its source is saved.
Ctrl-C stops everything; again, after a second, kills it. The Lambda Invoke API answers on the same port.
LAMBDAPG_PG_BIN, LAMBDAPG_NODE_BIN and LAMBDAPG_PYTHON_BIN choose other programs than the ones it finds.
With "-- <command>" it runs that command on a scratch database and a free port (API_URL) and ends with its exit code.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --port 8080 --concurrency 4',
    '<%= config.bin %> <%= command.id %> --proxy --proxy-connections 2',
    '<%= config.bin %> <%= command.id %> --reset --confirm my-api',
    '<%= config.bin %> <%= command.id %> -- npm run my-tests',
  ];
  static override strict = false;
  static override flags = {
    ...databaseFlags,
    port: Flags.integer({
      min: 0,
      max: 65_535,
      description: 'HTTP port; the next free one when busy; 0 for any [default: 3000]',
    }),
    'pg-port': Flags.integer({
      min: 1,
      max: 65_535,
      description: "the embedded server's port; the next free one when busy",
    }),
    concurrency: Flags.integer({ min: 1, description: 'most environments at once; more are throttled' }),
    proxy: toggle('connect the functions through an emulated RDS Proxy, which tells what pins'),
    'proxy-connections': Flags.integer({ min: 1, description: 'its connections; turns it on [default: 5]' }),
    verbose: toggle("show Lambda's START, END and REPORT lines", 'v'),
    reset: toggle('first delete the local database; needs --confirm'),
    confirm: Flags.string({ description: 'the project name, to allow --reset', helpValue: 'project' }),
  };

  async run(): Promise<unknown> {
    const { argv, flags } = await this.parse(Dev);
    const [file, ...args] = argv as string[];
    const report = devReporter({ json: this.jsonEnabled(), verbose: flags.verbose }, (event) =>
      this.report(event),
    );
    const context = this.context({ report });
    const project = await getProject(context.cwd);
    const database = parseDatabaseChoice(flags);
    if (flags.reset) {
      await this.confirmDestruction(project.config.name, flags.confirm, 'deletes the local database');
      await resetProjectDatabase(context, project, database);
    }
    const dev = await startDev(context, {
      project,
      database,
      ...parseServing(flags, file !== undefined),
      killSignal: this.killSignal,
    });
    try {
      if (file !== undefined) return this.exit(await runBeside(context, dev, project.dir, [file, ...args]));
      if (!context.signal.aborted) await once(context.signal, 'abort');
    } finally {
      await dev.stop();
    }
    return context.report({ type: 'stopped', message: 'stopped' });
  }

  /** An error is one more line of the stream. */
  protected override logJson(json: unknown): void {
    process.stdout.write(`${JSON.stringify({ type: 'error', ...(json as object) })}\n`);
  }
}
