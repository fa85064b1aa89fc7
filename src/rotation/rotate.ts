import type { Context } from '../context.ts';
import type { Wish } from './decide/decision.ts';
import type { RotationParts, StoreSeen } from './parts.ts';
import { Remembered } from './remembered.ts';
import type { RotationReport } from './report.ts';
import { type RotateOptions, realClock } from './rotate-options.ts';
import { RotationRun } from './rotation-run.ts';

/**
 * Observes, decides, does one effect, and observes again, until the rotation is closed or only time or a person can go on.
 * Whatever is found open is finished first, and then nothing new is begun. Killed anywhere, it goes on where the world stands.
 *
 * @throws Cancelled after Ctrl-C, when the present effect is done; what the store throws when it cannot be read as a login;
 *   whatever an effect throws three times in a row
 */
export async function rotate(
  context: Context,
  parts: RotationParts,
  wish: Wish,
  options: RotateOptions,
): Promise<RotationReport> {
  const [key, store] = await Promise.all([options.journal.key(), parts.store.read()]);
  const rotation = rotationOf(store, wish);
  const remembered = new Remembered(rotation === undefined ? [] : await options.journal.read(rotation));
  const clock = options.clock ?? realClock;
  return new RotationRun({ context, parts, wish, options, clock, key, rotation, remembered }).run();
}

/** The rotation that is open, else the one that is to begin, else the last. */
export const rotationOf = (
  { pending, emptyPending, pendingIsCurrent, current }: StoreSeen,
  wish: Pick<Wish, 'start'>,
): string | undefined =>
  pending?.versionId ??
  emptyPending ??
  (pendingIsCurrent ? current?.versionId : undefined) ??
  wish.start ??
  current?.versionId;
