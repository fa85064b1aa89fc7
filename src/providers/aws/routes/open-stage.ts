import type { Context } from '../../../context.ts';
import type { OpenDatabase } from '../../../database/open-database.ts';
import type { Project } from '../../../project/find-project.ts';
import { type AwsChoice, openAws } from '../clients.ts';
import { explainAwsError } from '../explain.ts';
import { parseStage } from '../stage.ts';
import { resolveStageDatabase } from '../stage-database.ts';
import { openStageDatabase, type RouteChoice } from './choose-route.ts';
import { routeClients } from './route-clients.ts';

export interface OpenStageChoice extends RouteChoice, AwsChoice {
  /** Its name: `dev`. */
  readonly stage: string;
}

/** Finds a stage's database in AWS. @throws UserError when there is none, or it cannot be looked for */
export async function openStage(
  context: Context,
  project: Project,
  choice: OpenStageChoice,
): Promise<OpenDatabase> {
  const region = choice.region ?? project.config.cloud.region;
  const stage = parseStage(project, choice.stage, false);
  const explained = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw explainAwsError(error, what);
    }
  };
  return explained(`database of stage ${stage.stage}`, async () => {
    const aws = await openAws({ region, profile: choice.profile });
    const database = await resolveStageDatabase(context, aws, stage);
    const opened = openStageDatabase(context, routeClients(aws), database, choice);
    return {
      ...opened,
      run: (job, target, input) => explained(job.name, () => opened.run(job, target, input)),
    };
  });
}
