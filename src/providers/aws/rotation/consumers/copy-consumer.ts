import type { Consumer, StoreSeen } from '../../../../rotation/parts.ts';
import type { Secret } from '../../../../secret.ts';
import { explainAwsError } from '../../explain.ts';
import { type CopyForm, copyIn, copyOf } from './copy-text.ts';
import { defaultCacheSeconds } from './following-consumer.ts';
import { unreachable } from './function-consumer.ts';

/** Where a copy of the login lies, of which only its owner knows who reads it. */
export interface CopyPlace {
  /** `parameter /shop/url`. */
  readonly id: string;
  /** Undefined where it has no text. */
  get(): Promise<Secret | undefined>;
  /** Gives it another text, made of the one that it has. @throws UserError CHANGED_MEANWHILE */
  change(copyWith: (present: Secret) => Secret): Promise<void>;
  /** What stands against using it; see `Consumer.verify`. */
  readonly verify?: () => Promise<readonly string[]>;
}

/** A copy of the login elsewhere, as a consumer: it is written whole or not at all, and nobody can ask it. */
export function copyConsumer(
  place: CopyPlace,
  {
    form,
    cacheSeconds = defaultCacheSeconds,
  }: { readonly form: CopyForm; readonly cacheSeconds?: number | undefined },
): Consumer {
  const { id, verify } = place;
  let known: StoreSeen = { pendingIsCurrent: false };
  return {
    id,
    async read(seen) {
      known = seen;
      const copy = { kind: 'holds', takesNext: false, staged: false, drainMs: cacheSeconds * 1_000 } as const;
      try {
        const text = await place.get();
        return { ...copy, holds: text && copyIn(text, form, known), state: 'ready' };
      } catch (error) {
        return { ...copy, holds: undefined, ...unreachable(error, id) };
      }
    },
    async shift(to, percent) {
      if (percent === 0) return;
      try {
        await place.change((present) => copyOf(present, form, to.login, known, id));
      } catch (error) {
        throw explainAwsError(error, id);
      }
    },
    ...(verify !== undefined && { verify }),
    unproved: 'a copy cannot be asked: its readers are not known',
  };
}
