import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes, UserError } from '../../../../errors.ts';

/** A function in a VPC, or a container image, may take minutes. */
const patienceMs = 15 * 60_000;
const longestPauseMs = 1_000;

/**
 * Between two looks at something that changes. Not ended by Ctrl-C: an effect is finished.
 *
 * @param turn how often it was looked at before
 * @throws UserError CONSUMER_SLOW after 15 minutes
 */
export async function pause(turn: number, title: string): Promise<void> {
  if (turn * longestPauseMs > patienceMs) {
    throw new UserError('CONSUMER_SLOW', `${title} is not ready after ${patienceMs / 60_000} minutes`, {
      exit: exitCodes.temporary,
      suggestions: ['lambdapg rotate-creds --resume'],
    });
  }
  await sleep(Math.min(longestPauseMs, 50 * 2 ** turn));
}
