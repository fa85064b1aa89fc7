import type { Context } from '../../context.ts';
import { parseHostMap } from '../../database/host-map.ts';
import type { OpenDatabase } from '../../database/open-database.ts';
import type { RouteKind } from '../../database/route.ts';
import type { Project } from '../../project/find-project.ts';
import type { Engine } from '../../provision/settle.ts';
import { type AwsChoice, openAws } from './clients.ts';
import { explainAwsError } from './explain.ts';
import { judgeAwsError } from './judge.ts';
import { type Look, takeLook } from './look.ts';
import { openStageDatabase } from './routes/choose-route.ts';
import { routeClients } from './routes/route-clients.ts';
import type { StageDatabase } from './routes/stage-database.ts';
import { parseStage } from './stage.ts';
import { stageDatabaseOf } from './stage-database.ts';
import type { DatabaseHave } from './steps/database-have.ts';
import type { Removal, World } from './steps/world.ts';

export interface StageChoice extends AwsChoice {
  readonly stage: string;
  /** Entries of `--db-host-map`; those of the environment and of lambdapg.json are known here. */
  readonly 'db-host-map'?: readonly string[] | undefined;
  readonly route?: RouteKind | undefined;
  /** Whether a runner is wanted; by default where nothing maps the database's name. */
  readonly runner?: boolean | undefined;
}

export interface WorldExtras {
  /** The stage is taken down. */
  readonly removal?: Removal;
  /** Asked when SQL needs a runner that is missing: makes one and says true, or leaves it. */
  readonly offerRunner?: (world: World) => Promise<boolean>;
}

/** A world whose database was found without its steps. */
export interface OpenWorld extends World {
  openRoutes(database: StageDatabase): OpenDatabase;
}

/** A stage of a project in an account: what all cloud commands begin with. */
export async function openWorld(
  context: Context,
  project: Project,
  choice: StageChoice,
  { removal, offerRunner }: WorldExtras = {},
): Promise<OpenWorld> {
  const region = choice.region ?? project.config.cloud.region;
  const aws = await openAws({ region, profile: choice.profile });
  const hostMap = parseHostMap({
    flags: choice['db-host-map'],
    variable: context.env.LAMBDAPG_DB_HOST_MAP,
    config: project.config.cloud.dbHostMap,
  });
  const stage = parseStage(project, choice.stage, choice.runner ?? !hostMap.isUsed);
  const opened = new Map<string, Promise<OpenDatabase>>();
  const world: OpenWorld = {
    ...{ context, aws, stage },
    openRoutes: (database) =>
      openStageDatabase(context, routeClients(aws), database, {
        hostMap,
        ...(choice.route !== undefined && { forced: choice.route }),
        ...(offerRunner !== undefined && { offerRunner: () => offerRunner(world) }),
      }),
    openDatabase: (database) => {
      const known = opened.get(database.host) ?? openNew(database);
      opened.set(database.host, known);
      return known;
    },
    ...(removal !== undefined && { removal }),
  };
  const openNew = async (database: DatabaseHave): Promise<OpenDatabase> =>
    world.openRoutes(await stageDatabaseOf(context, aws, stage, database));
  return world;
}

/** What the steps' engine borrows from AWS. */
export const engineOf = ({ aws, stage }: World): Engine<Look> => ({
  look: () => takeLook(aws, stage),
  judge: judgeAwsError,
  explain: explainAwsError,
});
