import type { ExitCode } from '../../errors.ts';

export const strategies = ['slots', 'next', 'single', 'managed'] as const;
/** `managed` is the service's own and has no decisions of ours. */
export type Strategy = Exclude<(typeof strategies)[number], 'managed'>;

export const retirements = ['scramble', 'nologin', 'keep'] as const;
export type Retirement = (typeof retirements)[number];

export const terminations = ['idle', 'all', 'none'] as const;
export type Termination = (typeof terminations)[number];

/** What a run is asked for. */
export interface Wish {
  readonly strategy: Strategy;
  /** Id of the rotation to begin, the version id of its new value. Absent: only what is open is finished. */
  readonly start?: string;
  readonly rollback: boolean;
  /** AWSCURRENT may be asserted in the database when nothing else logs in. */
  readonly repair: boolean;
  /** `single`: the person accepts that requests fail between two effects. */
  readonly acceptWindow: boolean;
  /** Shares of traffic in percent, ascending; the last is 100. */
  readonly canary: readonly number[];
  readonly retire: Retirement;
  readonly terminate: Termination;
  /** `--drain`; else the longest of the consumers. Milliseconds. */
  readonly drainMs?: number;
}

/** One change of the world. Each is absolute, so that doing it again does no harm. */
export type Effect =
  /** E1. A new password for `user` under AWSPENDING, with `token` as version id. */
  | { readonly do: 'put-pending'; readonly token: string; readonly user: string }
  /** E2, S3, repair: `user` gets the stored password of that value in the database, and may log in for ever. */
  | { readonly do: 'set-password'; readonly user: string; readonly of: 'pending' | 'current' | 'slot-secret' }
  /** Behind a proxy: the secret of the slot gets that value. */
  | { readonly do: 'put-slot-secret'; readonly user: string; readonly of: 'pending' | 'current' }
  /** Behind a proxy: the secret of a retired slot gets a password that nobody has. */
  | { readonly do: 'renew-slot-secret'; readonly user: string }
  /** E4, E6: a consumer holds that value for so many percent of its traffic; 0 takes a share back. */
  | {
      readonly do: 'shift';
      readonly consumer: string;
      readonly to: 'pending' | 'current';
      readonly percent: number;
    }
  /** One role: a consumer gets AWSPENDING as its second candidate, or loses it. */
  | { readonly do: 'give-next'; readonly consumer: string; readonly on: boolean }
  /** E5, R2: AWSCURRENT moves from one version to the other. */
  | { readonly do: 'promote'; readonly to: string; readonly from: string }
  /** A consumer is asked which role its new connection has. */
  | { readonly do: 'prove'; readonly consumer: string }
  /** E8: nobody can log in as `user` any more. */
  | { readonly do: 'retire'; readonly user: string; readonly how: Exclude<Retirement, 'keep'> }
  /** E8, then: sessions that have outlived the login of `user` end. */
  | { readonly do: 'end-sessions'; readonly user: string; readonly which: Exclude<Termination, 'none'> }
  /** E9. */
  | { readonly do: 'clear-pending'; readonly version: string };

export type EffectName = Effect['do'];

/** What to do next. */
export type Decision =
  | {
      readonly next: 'effect';
      readonly effect: Effect;
      readonly why: string;
      /** Done at once after it, with nothing looked at between (`single`: the window is open meanwhile). */
      readonly atOnce?: Effect;
      /** Consumers cannot log in now: this puts it right. */
      readonly incident?: true;
    }
  /** Nothing to do yet: something converges, drains, soaks, or is busy. */
  | { readonly next: 'wait'; readonly for: Waiting; readonly why: string; readonly untilMs?: number }
  /** Something is not known: nothing may be done. */
  | { readonly next: 'hold'; readonly why: string }
  /** A person has to decide. */
  | {
      readonly next: 'stop';
      readonly code: string;
      readonly why: string;
      readonly suggestions: readonly string[];
      readonly exit: ExitCode;
    }
  | { readonly next: 'closed'; readonly outcome: 'closed' | 'rolled back' };

export type Waiting = 'endpoints' | 'proxy' | 'consumer' | 'soak' | 'drain' | 'next';
