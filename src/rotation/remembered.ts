import type { Effect } from './decide/decision.ts';
import type { JournalEntry, JournalLine } from './journal.ts';
import type { SessionSeen } from './observation.ts';
import type { Proof } from './parts.ts';

interface Since {
  readonly labels: string;
  readonly at: number;
}

/**
 * What a run knows beside what it sees: since when something has been so, who has proved what. Everything of it may be lost:
 * then clocks start again and consumers are asked again. What should outlive the run is put into `unwritten`.
 */
export class Remembered {
  #shifted: Since | undefined;
  #given: Since | undefined;
  readonly #soaks = new Map<string, { holds: string; percent: number; since: number }>();
  readonly #proofs = new Map<string, { fingerprint: string; ok: boolean; detail: string; at: number }>();
  readonly #attempts = new Map<string, number>();
  readonly #late = new Map<string, SessionSeen>();
  /** Roles of which this run has tried to end the sessions: what is left of them cannot be ended. */
  readonly #ended = new Set<string>();
  rollingBack: string | undefined;
  /** For the journal. */
  readonly unwritten: JournalEntry[] = [];

  constructor(lines: readonly JournalLine[] = []) {
    for (const line of lines) this.#recall(line);
  }

  #recall(line: JournalLine): void {
    switch (line.event) {
      case 'shifted':
      case 'given': {
        const since = line.since === undefined ? undefined : { labels: line.labels, at: line.since };
        if (line.event === 'shifted') this.#shifted = since;
        else this.#given = since;
        break;
      }
      case 'effect':
        // What may have been changed after it was seen has to be seen again.
        if (moves(line.effect)) this.#shifted = undefined;
        if (line.effect.do === 'give-next') this.#given = undefined;
        break;
      case 'soak':
        this.#soaks.set(line.consumer, line);
        break;
      case 'proved':
        this.#proofs.set(line.consumer, { ...line, ok: true });
        break;
      case 'rolling-back':
        this.rollingBack = line.version;
        break;
      default:
    }
  }

  /** Since when everybody has been seen shifted under these labels. */
  shiftedSince(labels: string, isSo: boolean, now: number): number | undefined {
    this.#shifted = this.#since('shifted', this.#shifted, labels, isSo, now);
    return this.#shifted?.at;
  }

  /** Since when everybody has been seen with the pending login as a candidate. */
  givenSince(labels: string, isSo: boolean, now: number): number | undefined {
    this.#given = this.#since('given', this.#given, labels, isSo, now);
    return this.#given?.at;
  }

  #since(
    event: 'shifted' | 'given',
    known: Since | undefined,
    labels: string,
    isSo: boolean,
    now: number,
  ): Since | undefined {
    if (!isSo) {
      if (known !== undefined) this.unwritten.push({ event, labels });
      return undefined;
    }
    // A time that has not come yet is by another clock.
    if (known?.labels === labels && known.at <= now) return known;
    this.unwritten.push({ event, labels, since: now });
    return { labels, at: now };
  }

  soakSince(consumer: string, holds: string, percent: number, now: number): number {
    const known = this.#soaks.get(consumer);
    if (known?.holds === holds && known.percent === percent && known.since <= now) return known.since;
    const soak = { holds, percent, since: now };
    this.#soaks.set(consumer, soak);
    this.unwritten.push({ event: 'soak', consumer, ...soak });
    return now;
  }

  /** Late sessions that are seen now, and those of the last while: who logs in again and again is not always there. */
  lateSessions(seen: readonly SessionSeen[], since: number): readonly SessionSeen[] {
    for (const session of seen) this.#late.set(`${session.pid}/${session.startedAt}`, session);
    const isSeen = (session: SessionSeen): boolean => seen.some(({ pid }) => pid === session.pid);
    return [...this.#late.values()].filter((session) => session.startedAt >= since || isSeen(session));
  }

  isProved(consumer: string, fingerprint: string): boolean {
    const proof = this.#proofs.get(consumer);
    return proof?.ok === true && proof.fingerprint === fingerprint;
  }

  proofDetail(consumer: string): string | undefined {
    return this.#proofs.get(consumer)?.detail;
  }

  refusal(consumer: string, fingerprint: string): { detail: string; at: number } | undefined {
    const proof = this.#proofs.get(consumer);
    return proof === undefined || proof.ok || proof.fingerprint !== fingerprint
      ? undefined
      : { detail: proof.detail, at: proof.at };
  }

  proof(consumer: string, fingerprint: string, { ok, detail }: Proof, at: number): void {
    this.#proofs.set(consumer, { fingerprint, ok, detail, at });
    if (ok) this.unwritten.push({ event: 'proved', consumer, fingerprint, detail });
  }

  /** @param isReady it has come through: earlier attempts do not count any more */
  attempts(consumer: string, isReady: boolean): number {
    if (isReady) this.#attempts.delete(consumer);
    return this.#attempts.get(consumer) ?? 0;
  }

  /** An effect is about to be done. */
  does(effect: Effect): void {
    if (moves(effect)) this.#shifted = undefined;
    if (effect.do === 'give-next') this.#given = undefined;
    if (effect.do === 'set-password' || effect.do === 'retire') this.#ended.delete(effect.user);
    if (effect.do === 'shift')
      this.#attempts.set(effect.consumer, (this.#attempts.get(effect.consumer) ?? 0) + 1);
  }

  /** It was answered. */
  did(effect: Effect): void {
    if (effect.do === 'end-sessions') this.#ended.add(effect.user);
  }

  hasEndedSessions(user: string): boolean {
    return this.#ended.has(user);
  }
}

const moves = (effect: Effect): boolean => effect.do === 'promote' || effect.do === 'shift';
