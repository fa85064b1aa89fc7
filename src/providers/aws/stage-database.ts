import type { Context } from '../../context.ts';
import { UserError } from '../../errors.ts';
import type { Aws } from './clients.ts';
import type { StageDatabase } from './routes/stage-database.ts';
import type { Stage } from './stage.ts';

/** @throws UserError STAGE_MISSING */
export async function resolveStageDatabase(
  _context: Context,
  _aws: Aws,
  stage: Stage,
): Promise<StageDatabase> {
  throw new UserError('STAGE_MISSING', `there is no database of stage "${stage.stage}"`, {
    suggestions: [`lambdapg provision --stage ${stage.stage}`],
  });
}
