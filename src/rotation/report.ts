import type { ExitCode } from '../errors.ts';
import { drainMsOf } from './decide/decide-retire.ts';
import type { EffectName, Strategy, Waiting, Wish } from './decide/decision.ts';
import type { Observation, SessionSeen } from './observation.ts';
import type { RotationParts } from './parts.ts';
import type { Remembered } from './remembered.ts';

export type Outcome = 'closed' | 'rolled back' | 'waiting' | 'incident' | 'refused' | 'unknown' | 'planned';

export type Holding = 'current' | 'pending' | 'previous' | 'other' | 'unknown';

/** `knowledge`: something gave no answer. */
export type WaitedMs = { readonly [reason in Waiting | 'knowledge']?: number };

export interface EffectDone {
  readonly name: EffectName;
  readonly title: string;
  readonly ms: number;
}

export interface ConsumerReport {
  readonly id: string;
  readonly kind: 'follows' | 'holds';
  readonly holds: Holding;
  readonly proved: boolean;
  /** What it answered, or why it was not asked, or what is wrong with it. */
  readonly detail?: string;
}

/** How a run ended. JSON, without secrets. */
export interface RotationReport {
  /** Its id: the version id of the new value. */
  readonly rotation: string | undefined;
  readonly strategy: Strategy;
  readonly outcome: Outcome;
  readonly exit: ExitCode;
  readonly effects: readonly EffectDone[];
  readonly previousUser: string | undefined;
  readonly currentUser: string | undefined;
  readonly consumers: readonly ConsumerReport[];
  /** Sessions of the outgoing login that are still there; their password does not matter to them. */
  readonly leftSessions: readonly SessionSeen[];
  /** Sessions of it that were opened when nobody should have had it any more. */
  readonly lateSessions: readonly SessionSeen[];
  /** Why a run ended that did not close the rotation. */
  readonly waitingFor?: string;
  readonly stopped?: { readonly code: string; readonly why: string; readonly suggestions: readonly string[] };
  readonly durationMs: number;
  /** Of `durationMs`: how long it slept, by what it waited for. */
  readonly waitedMs: WaitedMs;
  readonly drainMs: number;
  /** Times at which consumers could not log in, in words. */
  readonly incidents: readonly string[];
  /** Why it is not known whether a login works that no label names. */
  readonly unlabelledHidden?: string;
  /** The old password still works (`--retire keep`). */
  readonly keptUser?: string;
}

/** Which of the stored logins a fingerprint is. */
export function holdingOf(fingerprint: string | undefined, observation: Observation): Holding {
  if (fingerprint === undefined) return 'unknown';
  for (const name of ['current', 'pending', 'previous'] as const)
    if (observation[name]?.fingerprint === fingerprint) return name;
  return 'other';
}

export function consumerReports(observation: Observation, remembered: Remembered): ConsumerReport[] {
  return observation.consumers.map(({ id, kind, holds, proved, why, unproved, refusal }) => {
    const detail = why ?? refusal?.detail ?? unproved ?? (proved ? remembered.proofDetail(id) : undefined);
    return {
      id,
      kind,
      holds: holdingOf(holds, observation),
      proved,
      ...(detail !== undefined && { detail }),
    };
  });
}

type WorldKeys =
  | 'previousUser'
  | 'currentUser'
  | 'consumers'
  | 'lateSessions'
  | 'drainMs'
  | 'unlabelledHidden';

/** The part of a report that is read off the last look. */
export function worldReport(
  observation: Observation | undefined,
  wish: Wish,
  remembered: Remembered,
): Pick<RotationReport, WorldKeys> {
  return {
    previousUser: observation?.previous?.user,
    currentUser: observation?.current?.user,
    consumers: observation === undefined ? [] : consumerReports(observation, remembered),
    lateSessions: observation?.lateSessions ?? [],
    drainMs: observation === undefined ? 0 : drainMsOf(observation, wish),
    ...(observation?.unlabelledHidden !== undefined && { unlabelledHidden: observation.unlabelledHidden }),
  };
}

/** Sessions of logins that are not the current one; none where they cannot be seen. */
export async function leftSessions(
  { database }: Pick<RotationParts, 'database'>,
  observation: Observation | undefined,
): Promise<readonly SessionSeen[]> {
  const outOfUse = [observation?.previous, observation?.pending, ...(observation?.unlabelled ?? [])];
  const users = new Set(outOfUse.map((version) => version?.user));
  users.delete(observation?.current?.user);
  const seen = await Promise.all(
    [...users].flatMap((user) =>
      user === undefined ? [] : [database.sessions(user).catch(() => undefined)],
    ),
  );
  return seen.flatMap((sessions) => sessions ?? []);
}
