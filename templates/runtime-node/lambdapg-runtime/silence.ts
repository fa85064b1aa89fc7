// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';

/**
 * Lets all be read that lies in the sockets: the first turn ends the reading that may be under way, the second one reads
 * anew.
 */
export async function readWhatCame(): Promise<void> {
  await turnOfTheLoop();
  await turnOfTheLoop();
}

/**
 * Calls `giveUp` when `ms` are over and nothing has come since. In a process that stood still the time is over before what
 * came meanwhile is read.
 *
 * @returns to be called when it was answered
 */
export function afterSilence(ms: number, giveUp: () => void): () => void {
  let answered = false;
  const timer = setTimeout(async () => {
    await readWhatCame();
    if (!answered) giveUp();
  }, ms);
  return () => {
    answered = true;
    clearTimeout(timer);
  };
}
