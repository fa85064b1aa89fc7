import { Flags } from '@oclif/core';
import { toggle } from '../base-command.ts';
import { anyDatabaseFlags, DatabaseCommand } from '../database-command.ts';
import { exitCodes, UserError } from '../errors.ts';
import { getProject } from '../project/find-project.ts';
import { formatCsv, formatTables, type JsonResult, toJsonResult } from '../psql/format-results.ts';
import { chooseLogin, logins } from '../psql/login.ts';
import { runPsqlProgram } from '../psql/psql-program.ts';
import { readQuery } from '../psql/read-query.ts';
import { runQuery } from '../psql/run-query.ts';

export default class Psql extends DatabaseCommand {
  static override summary = "Ask the database with the project's own credentials.";
  static override description =
    `Without -c, -f or input, it is PostgreSQL's own psql on this terminal, which needs a direct way to the database. SQL that is
given needs no psql and goes any way, the runner in the VPC included.`;
  static override examples = [
    `<%= config.bin %> <%= command.id %> -c 'SELECT count(*) FROM books'`,
    '<%= config.bin %> <%= command.id %> --stage dev -f report.sql --csv > report.csv',
    '<%= config.bin %> <%= command.id %> --as owner',
  ];
  static override flags = {
    ...anyDatabaseFlags,
    command: Flags.string({ char: 'c', description: 'SQL to run; several statements are one transaction' }),
    file: Flags.string({
      char: 'f',
      description: 'a file of SQL to run, each statement on its own; - is standard input',
      exclusive: ['command'],
    }),
    as: Flags.option({
      options: logins,
      default: 'app' as const,
      description: "app: the functions' rights; owner: what migrations have; admin: all of the server's",
    })(),
    csv: toggle('print results as CSV'),
    limit: Flags.integer({ description: 'most rows to show', min: 1, max: 10_000_000 }),
  };

  async run(): Promise<{ results: readonly JsonResult[] }> {
    const { flags } = await this.parse(Psql);
    const context = this.context();
    const project = await getProject(context.cwd);
    const input = process.stdin.isTTY === true ? undefined : process.stdin;
    const sql = await readQuery(context.cwd, { command: flags.command, file: flags.file, input });
    if (sql === undefined && this.jsonEnabled()) {
      throw new UserError('NO_SQL', 'psql on a terminal prints no JSON', {
        exit: exitCodes.usage,
        suggestions: ['add -c or -f'],
      });
    }
    return this.withDatabase(context, project, flags, async (database) => {
      const login = chooseLogin(database, flags.as);
      if (sql === undefined) {
        this.leaveInterrupts();
        const exit = await runPsqlProgram(context, { ...login, target: await database.dial(login.target) });
        if (exit !== 0) this.exit(exitCodes.notDone);
        return { results: [] };
      }
      const { results, incomplete } = await runQuery(context, database, login, {
        ...sql,
        limit: flags.limit,
      });
      // Not an error: under --json the rows that are there would be lost.
      if (incomplete) process.exitCode = exitCodes.notDone;
      this.print(results, flags.csv ? formatCsv : formatTables);
      return { results: results.map(toJsonResult) };
    });
  }
}
