import { isOpen } from './decide/decide-consumer.ts';
import type { Wish } from './decide/decision.ts';
import type { Journal, JournalLine } from './journal.ts';
import {
  type Login,
  loginOf,
  type Observation,
  type SessionSeen,
  type StoredVersion,
} from './observation.ts';
import { observe } from './observe.ts';
import type { RotationParts } from './parts.ts';
import { proxyReadiness } from './proxy-readiness.ts';
import { Remembered } from './remembered.ts';
import { type ConsumerReport, consumerReports, leftSessions } from './report.ts';
import { rotationOf } from './rotate.ts';

export interface VersionStatus {
  /** `unlabelled`: no label names it, and yet it is not refused everywhere. */
  readonly label: 'current' | 'pending' | 'previous' | 'unlabelled';
  readonly versionId: string;
  readonly user: string;
  readonly fingerprint: string;
  readonly login: Login;
  /** Since it was stored; undefined where the store does not say. */
  readonly ageMs?: number;
}

/** One rotation that the journal knows of. */
export interface PastRotation {
  readonly rotation: string;
  readonly begunAt: number;
  readonly endedAt?: number;
  /** How the last run of it ended; undefined when it was killed. */
  readonly outcome?: string;
  readonly durationMs?: number;
  readonly effects: readonly { readonly name: string; readonly at: number; readonly ms?: number }[];
}

/** Who holds what, how old it is, and what is open. JSON, without secrets. */
export interface RotationStatus {
  readonly isOpen: boolean;
  /** Id of the open rotation. */
  readonly rotation?: string;
  readonly versions: readonly VersionStatus[];
  /** Why it is not known whether an unlabelled login works; absent where it is known. */
  readonly unlabelledHidden?: string;
  /** Behind a proxy. */
  readonly slotSecrets: readonly {
    readonly user: string;
    readonly fingerprint?: string;
    readonly login: Login;
  }[];
  readonly consumers: readonly (ConsumerReport & {
    readonly fingerprint?: string;
    readonly share?: string;
  })[];
  /** Of every stored login but the current one. */
  readonly sessions: readonly SessionSeen[];
  /** Since when everybody has been known to hold the current login. */
  readonly shiftedAt?: number;
  readonly past: readonly PastRotation[];
}

/**
 * Looks, and changes nothing.
 *
 * @throws what the store throws when it cannot be read
 */
export async function statusOf(
  parts: RotationParts,
  journal: Journal,
  wish: Pick<Wish, 'drainMs' | 'retire'>,
  now: number = Date.now(),
): Promise<RotationStatus> {
  const [store, key] = await Promise.all([parts.store.read(), journal.key()]);
  const rotation = rotationOf(store, {});
  const remembered = new Remembered(rotation === undefined ? [] : await journal.read(rotation));
  const options = { key, wish, soakMs: 0, soakErrors: 1, readiness: proxyReadiness() };
  const { observation } = await observe(parts, remembered, now, options);
  const open = isOpen(observation, wish);
  return {
    isOpen: open,
    ...(open && rotation !== undefined && { rotation }),
    versions: versionsOf(observation),
    ...(observation.unlabelledHidden !== undefined && { unlabelledHidden: observation.unlabelledHidden }),
    slotSecrets: (observation.slotSecrets ?? []).map(({ fingerprint, ...slot }) => ({
      ...slot,
      ...(fingerprint !== undefined && { fingerprint }),
    })),
    consumers: consumersOf(observation, remembered),
    sessions: await leftSessions(parts, observation),
    ...(observation.shiftedAt !== undefined && { shiftedAt: observation.shiftedAt }),
    past: await pastRotations(journal),
  };
}

function versionsOf(observation: Observation): VersionStatus[] {
  const { current, pending, previous, unlabelled = [] } = observation;
  const all: readonly (readonly [VersionStatus['label'], StoredVersion | undefined])[] = [
    ['current', current],
    ['pending', pending],
    ['previous', previous],
    ...unlabelled.map((version) => ['unlabelled', version] as const),
  ];
  return all.flatMap(([label, version]) => {
    if (version === undefined) return [];
    const { versionId, user, fingerprint, createdAt } = version;
    const ageMs = createdAt === undefined ? undefined : observation.now - createdAt;
    const login = loginOf(version);
    return [{ label, versionId, user, fingerprint, login, ...(ageMs !== undefined && { ageMs }) }];
  });
}

function consumersOf(observation: Observation, remembered: Remembered): RotationStatus['consumers'] {
  return consumerReports(observation, remembered).map((report, index) => {
    const { holds, added } = observation.consumers[index] ?? {};
    return {
      ...report,
      ...(holds !== undefined && { fingerprint: holds }),
      ...(added && { share: `${added.percent} % holds ${added.holds ?? 'an unknown login'}` }),
    };
  });
}

/** The rotations of a journal, the latest first. */
export async function pastRotations(journal: Journal): Promise<PastRotation[]> {
  const ids = await journal.rotations();
  const all = await Promise.all(ids.map(async (id) => summary(id, await journal.read(id))));
  return all.flatMap((past) => past ?? []).sort((a, b) => b.begunAt - a.begunAt);
}

function summary(rotation: string, lines: readonly JournalLine[]): PastRotation | undefined {
  const [first] = lines;
  if (first === undefined) return undefined;
  const begun = lines.findLastIndex(({ event }) => event === 'begun');
  const ended = lines.findLast((line, index) => line.event === 'ended' && index > begun);
  const effects = lines.flatMap((line) =>
    line.event === 'effect' && line.state === 'after'
      ? [{ name: line.effect.do, at: line.at, ...(line.ms !== undefined && { ms: line.ms }) }]
      : [],
  );
  return {
    rotation,
    begunAt: first.at,
    effects,
    ...(ended?.event === 'ended' && {
      endedAt: ended.at,
      outcome: ended.outcome,
      durationMs: ended.at - first.at,
    }),
  };
}
