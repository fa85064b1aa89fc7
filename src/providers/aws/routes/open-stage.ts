import type { Context } from '../../../context.ts';
import type { OpenDatabase } from '../../../database/open-database.ts';
import { exitCodes, UserError } from '../../../errors.ts';
import type { Project } from '../../../project/find-project.ts';
import { explainAwsError } from '../explain.ts';
import { openWorld, type StageChoice } from '../open-world.ts';
import { createRunner, removeRunner } from '../runner-lifecycle.ts';
import { resolveStageDatabase } from '../stage-database.ts';

export interface OpenStageChoice extends StageChoice {
  /** Asked when a runner is needed and missing. Absent: nobody can be asked, and none is made. */
  readonly mayCreateRunner?: () => Promise<boolean>;
  readonly 'remove-runner'?: boolean;
}

export interface OpenStage extends OpenDatabase {
  /** Takes away the runner, whoever made it. */
  removeRunner(): Promise<void>;
}

/** Finds a stage's database in AWS. @throws UserError when there is none, or it cannot be looked for */
export async function openStage(
  context: Context,
  project: Project,
  choice: OpenStageChoice,
): Promise<OpenStage> {
  const explained = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw explainAwsError(error, what);
    }
  };
  const isEngines = project.config.engine !== 'none';
  if (isEngines && choice['remove-runner'] === true) throw engineDecides('the runner is not taken away');
  const world = await openWorld(context, project, choice, {
    offerRunner: async (self) => {
      if (isEngines) throw engineDecides('the database is private, and there is no runner beside it');
      if (!(await choice.mayCreateRunner?.())) return false;
      await createRunner(self);
      return true;
    },
  });
  return explained(`database of stage ${world.stage.stage}`, async () => {
    const database = await resolveStageDatabase(context, world.aws, world.stage);
    const opened = world.openRoutes(database);
    return {
      ...opened,
      run: (job, target, input) => explained(job.name, () => opened.run(job, target, input)),
      removeRunner: () => removeRunner(world),
    };
  });
}

/** What an engine made only the engine changes. */
const engineDecides = (what: string): UserError =>
  new UserError('ENGINE_DECIDES', `${what}: in this project the engine makes and removes it`, {
    exit: exitCodes.usage,
    suggestions: ['lambdapg deploy', 'or reach the database from here: a tunnel, and --db-host-map'],
  });
