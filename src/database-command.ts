import { Flags } from '@oclif/core';
import { BaseCommand, databaseFlags } from './base-command.ts';
import { cloudFlags, routeFlags } from './cloud-flags.ts';
import type { Context } from './context.ts';
import { applyHostMap, parseHostMap } from './database/host-map.ts';
import type { OpenDatabase } from './database/open-database.ts';
import { directRoute, type RouteKind } from './database/route.ts';
import type { ConnectionTarget } from './database/target.ts';
import { parseDatabaseChoice, withProjectDatabase } from './local/project-database.ts';
import type { Project } from './project/find-project.ts';

/** Flags of the commands that work on the local database or, with `--stage`, on one in the cloud. */
export const anyDatabaseFlags = {
  ...databaseFlags,
  stage: Flags.string({
    description: "a stage in the cloud, instead of this computer's database",
    helpValue: 'dev',
    exclusive: ['database-url', 'pg-version'],
  }),
  region: { ...cloudFlags.region, dependsOn: ['stage'] },
  profile: { ...cloudFlags.profile, dependsOn: ['stage'] },
  'db-host-map': routeFlags['db-host-map'],
  route: { ...routeFlags.route, dependsOn: ['stage'] },
  'create-runner': Flags.boolean({
    // No default: oclif takes one for a flag that was given, and then asks for the stage.
    dependsOn: ['stage'],
    description: 'make the function in the VPC that reaches a private database, when it is missing',
  }),
  'remove-runner': Flags.boolean({
    dependsOn: ['stage'],
    description: 'take that function away when the work is done',
  }),
};

export interface AnyDatabaseChoice {
  readonly 'database-url'?: string | undefined;
  readonly 'pg-version'?: string | undefined;
  readonly stage?: string | undefined;
  readonly region?: string | undefined;
  readonly profile?: string | undefined;
  readonly 'db-host-map'?: readonly string[] | undefined;
  readonly route?: RouteKind | undefined;
  readonly 'create-runner'?: boolean;
  readonly 'remove-runner'?: boolean;
}

/** A command that works on a database, wherever it is. */
export abstract class DatabaseCommand extends BaseCommand {
  /** Opens the database that the flags name, lends it, closes it. */
  protected async withDatabase<T>(
    context: Context,
    project: Project,
    flags: AnyDatabaseChoice,
    work: (database: OpenDatabase) => Promise<T>,
  ): Promise<T> {
    if (flags.stage !== undefined) {
      // The SDK is loaded for the cloud alone.
      const { openStage } = await import('./providers/aws/routes/open-stage.ts');
      const mayCreateRunner = this.#mayCreateRunner(flags['create-runner'] === true);
      const opened = await openStage(context, project, { ...flags, stage: flags.stage, mayCreateRunner });
      const result = await work(opened);
      if (flags['remove-runner'] === true) await opened.removeRunner();
      return result;
    }
    const hostMap = parseHostMap({
      flags: flags['db-host-map'],
      variable: context.env.LAMBDAPG_DB_HOST_MAP,
      config: project.config.cloud.dbHostMap,
    });
    return withProjectDatabase(context, project, parseDatabaseChoice(flags), ({ admin, app, ownerRole }) => {
      // Our own server is where it is.
      const mapped = flags['database-url'] !== undefined;
      const dial = async (target: ConnectionTarget) => (mapped ? applyHostMap(target, hostMap) : target);
      const { run } = directRoute(context, dial);
      return work({ admin, app, run, dial, ...(ownerRole !== undefined && { ownerRole }) });
    });
  }

  /** A runner costs nothing while it rests, but it is a function in somebody's account: it is asked for. */
  #mayCreateRunner(given: boolean): () => Promise<boolean> {
    return async () => {
      if (given) return true;
      if (!this.interactive) return false;
      await this.confirm(
        'The database is private. Make a runner (a function in its VPC) to reach it?',
        false,
      );
      return true;
    };
  }
}
