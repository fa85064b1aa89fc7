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

/** A stage of a project in an account: what all cloud commands begin with. */
export async function openWorld(
  context: Context,
  project: Project,
  choice: StageChoice,
  removal?: Removal,
): Promise<World> {
  const region = choice.region ?? project.config.cloud.region;
  const aws = await openAws({ region, profile: choice.profile });
  const hostMap = parseHostMap({
    flags: choice['db-host-map'],
    variable: context.env.LAMBDAPG_DB_HOST_MAP,
    config: project.config.cloud.dbHostMap,
  });
  const runner = choice.runner ?? !hostMap.isUsed;
  const stage = parseStage(project, choice.stage, runner);
  const open = async (database: DatabaseHave): Promise<OpenDatabase> =>
    openStageDatabase(context, routeClients(aws), await stageDatabaseOf(context, aws, stage, database), {
      hostMap,
      ...(choice.route !== undefined && { forced: choice.route }),
    });
  const opened = new Map<string, Promise<OpenDatabase>>();
  const openDatabase = (database: DatabaseHave): Promise<OpenDatabase> => {
    const known = opened.get(database.host) ?? open(database);
    opened.set(database.host, known);
    return known;
  };
  return { context, aws, stage, openDatabase, ...(removal !== undefined && { removal }) };
}

/** What the steps' engine borrows from AWS. */
export const engineOf = ({ aws, stage }: World): Engine<Look> => ({
  look: () => takeLook(aws, stage),
  judge: judgeAwsError,
  explain: explainAwsError,
});
