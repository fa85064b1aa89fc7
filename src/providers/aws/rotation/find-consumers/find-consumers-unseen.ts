import { errorMessage } from '../../../../errors.ts';
import { explainAwsError } from '../../explain.ts';
import { isGone } from '../../judge.ts';
import { explainDenied } from '../../permissions/explain-denied.ts';

/**
 * What is asked for, unless the caller may not see it: then `unseen` says so and the search goes on.
 *
 * @throws AWS's other errors, explained
 */
export async function unlessUnseen<T>(
  unseen: string[],
  what: string,
  ask: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isGone(error)) return undefined;
    const explained = explainAwsError(error, what);
    if (explainDenied(error) === undefined) throw explained;
    unseen.push(errorMessage(explained));
    return undefined;
  }
}
