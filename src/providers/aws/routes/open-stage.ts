import type { Context } from '../../../context.ts';
import type { OpenDatabase } from '../../../database/open-database.ts';
import type { Project } from '../../../project/find-project.ts';
import { openAws } from '../clients.ts';
import { parseStage } from '../stage.ts';
import { resolveStageDatabase } from '../stage-database.ts';
import { openStageDatabase, type RouteChoice } from './choose-route.ts';

export interface StageChoice extends RouteChoice {
  /** Its name: `dev`. */
  readonly stage: string;
}

/** Finds a stage's database in AWS. @throws UserError when there is none, or it cannot be looked for */
export async function openStage(
  context: Context,
  project: Project,
  choice: StageChoice,
): Promise<OpenDatabase> {
  const aws = await openAws({ region: project.config.cloud.region });
  const database = await resolveStageDatabase(context, aws, parseStage(project, choice.stage, false));
  const clients = {
    lambda: () => aws.write.lambda,
    rdsData: async () => {
      const { RDSDataClient } = await import('@aws-sdk/client-rds-data');
      return new RDSDataClient({ region: aws.region, credentials: aws.credentials, maxAttempts: 1 });
    },
  };
  return openStageDatabase(context, clients, database, choice);
}
