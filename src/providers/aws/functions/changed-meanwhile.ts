import { exitCodes, UserError } from '../../../errors.ts';
import { partsOf } from '../judge.ts';

/**
 * Waits for a change that was guarded by a revision.
 *
 * @throws UserError CHANGED_MEANWHILE where somebody else has changed `what` since it was looked at
 */
export async function changedMeanwhile<T>(what: string, change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (error) {
    if (partsOf(error).name !== 'PreconditionFailedException') throw error;
    throw new UserError('CHANGED_MEANWHILE', `${what} was changed by somebody else in the meantime`, {
      exit: exitCodes.temporary,
      suggestions: ['see who deploys besides you, then run the same command again'],
      cause: error,
    });
  }
}
