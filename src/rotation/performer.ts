import type { Context } from '../context.ts';
import { Cancelled, errorCode, errorMessage, exitCodes, UserError } from '../errors.ts';
import type { Effect } from './decide/decision.ts';
import { describeEffect } from './describe-effect.ts';
import type { JournalEntry } from './journal.ts';
import type { Seen } from './observe.ts';
import type { RotationParts } from './parts.ts';
import { performEffect } from './perform-effect.ts';
import type { Remembered } from './remembered.ts';
import type { EffectDone } from './report.ts';
import type { Clock, RotateOptions } from './rotate-options.ts';

/** `lost`: another run holds the lease. `failed`: it may have happened or not. */
export type Done = 'done' | 'failed' | 'lost';

/** An effect that threw is looked after and tried again so often in a row. */
const mostFailures = 3;
/** `single`: after so long without a promotion the old password is put back. */
const windowMs = 5_000;
const againMs = 250;
const timerless = new AbortController().signal;

export interface PerformerScene {
  readonly context: Context;
  readonly parts: RotationParts;
  readonly options: RotateOptions;
  readonly clock: Clock;
  readonly rotation: string | undefined;
  readonly remembered: Remembered;
}

/** Does effects, each with its lines in the journal, and counts those that fail. */
export class Performer {
  readonly #scene: PerformerScene;
  /** Those that were answered; a consumer's answer that is no proof is none, nor is looking for sessions in vain. */
  readonly effects: EffectDone[] = [];
  #failures = 0;

  constructor(scene: PerformerScene) {
    this.#scene = scene;
  }

  /** @throws Cancelled; what the effect threw, the third time in a row */
  async perform(effect: Effect, why: string, seen: Seen, idleMs: number): Promise<Done> {
    const { context, parts, remembered, clock } = this.#scene;
    const title = describeEffect(effect);
    context.report({ type: 'rotation-effect', effect: effect.do, why, message: title });
    remembered.does(effect);
    await this.note({ event: 'effect', state: 'before', effect });
    const startedAt = clock.now();
    try {
      const proof = await performEffect(parts, effect, seen, idleMs);
      const now = clock.now();
      remembered.did(effect);
      if (proof !== undefined && effect.do === 'prove')
        remembered.proof(effect.consumer, seen.observation.current?.fingerprint ?? '', proof, now);
      if (proof?.ok !== false) this.effects.push({ name: effect.do, title, ms: now - startedAt });
      await this.note({ event: 'effect', state: 'after', effect, ms: now - startedAt });
      this.#failures = 0;
      return 'done';
    } catch (error) {
      return this.#failed(effect, error);
    }
  }

  async #failed(effect: Effect, error: unknown): Promise<'failed' | 'lost'> {
    const { context, options, clock } = this.#scene;
    if (error instanceof Cancelled) throw error;
    const code = errorCode(error) ?? 'ERROR';
    await this.note({ event: 'effect', state: 'failed', effect, code });
    if (code === 'LEASE_LOST') return 'lost';
    this.#failures += 1;
    if (this.#failures >= mostFailures) throw error;
    context.report({
      type: 'rotation-effect-failed',
      effect: effect.do,
      code,
      message: `${describeEffect(effect)}: ${errorMessage(error)}; looking whether it was done`,
    });
    await clock.sleep(options.pollMs ?? 500, context.signal);
    return 'failed';
  }

  /**
   * `single`: logins fail until AWSCURRENT has moved. Where that cannot be done soon, the old password comes back, unless it
   * was done after all.
   *
   * @throws UserError PROMOTION_FAILED (exit 75) when the old password is back
   */
  async closeWindow(effect: Effect, why: string, seen: Seen): Promise<void> {
    const { parts, clock } = this.#scene;
    const deadline = clock.now() + windowMs;
    let cause: unknown;
    while (clock.now() < deadline) {
      const timer = new AbortController();
      const late = clock.sleep(deadline - clock.now(), timer.signal);
      const attempt = this.perform(effect, why, seen, 0).catch((error: unknown) => {
        cause = error;
        return 'failed' as const;
      });
      const result = await Promise.race([attempt, late]);
      timer.abort();
      if (result === 'done') return;
      if (cause instanceof Cancelled) break;
      await clock.sleep(Math.min(againMs, Math.max(0, deadline - clock.now())), timerless);
    }
    const store = await parts.store.read().catch(() => undefined);
    if (effect.do === 'promote' && store?.current?.versionId === effect.to) return;
    const user = seen.observation.current?.user ?? '';
    await this.perform(
      { do: 'set-password', user, of: 'current' },
      'the new login cannot be made current',
      seen,
      0,
    );
    if (cause instanceof Cancelled) throw cause;
    throw new UserError(
      'PROMOTION_FAILED',
      `the new login of ${user} could not be made current within ${windowMs / 1000} s; its old password is back`,
      { exit: exitCodes.temporary, suggestions: ['run: lambdapg rotate-creds --resume'], cause },
    );
  }

  /** Into the journal, with what has been noticed meanwhile. It is no more than a help, so a full disk stops nothing. */
  async note(...entries: readonly JournalEntry[]): Promise<void> {
    const { remembered, rotation, options, context, clock } = this.#scene;
    const all = [...remembered.unwritten.splice(0), ...entries];
    if (rotation === undefined) return;
    for (const entry of all) {
      await options.journal.append(rotation, { at: clock.now(), ...entry }).catch((error: unknown) =>
        context.report({
          type: 'rotation-journal-failed',
          message: `the journal cannot be written (after a crash its clocks start again): ${errorMessage(error)}`,
        }),
      );
    }
  }
}
