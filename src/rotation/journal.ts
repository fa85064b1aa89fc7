import { mkdir, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Effect, Strategy } from './decide/decision.ts';
import { fingerprintKey, newFingerprintKey, rotationsDir } from './fingerprint.ts';

/**
 * What a run writes down: for people, and so that clocks go on after a crash. Nothing is decided by it that could not be
 * seen: whoever loses it waits longer. Fingerprints, version ids and role names, never a password.
 */
export type JournalEntry =
  | {
      readonly event: 'begun';
      readonly strategy: Strategy;
      readonly user: string;
      readonly rollback: boolean;
    }
  | {
      readonly event: 'effect';
      readonly state: 'before' | 'after' | 'failed';
      readonly effect: Effect;
      readonly ms?: number;
      /** The code of what was thrown. */
      readonly code?: string;
    }
  /** Everybody holds the current login, or has the next one as a candidate; `since` is missing when that is over. */
  | { readonly event: 'shifted' | 'given'; readonly labels: string; readonly since?: number }
  | {
      readonly event: 'soak';
      readonly consumer: string;
      readonly holds: string;
      readonly percent: number;
      readonly since: number;
    }
  | {
      readonly event: 'proved';
      readonly consumer: string;
      readonly fingerprint: string;
      readonly detail: string;
    }
  | { readonly event: 'rolling-back'; readonly version: string }
  | { readonly event: 'ended'; readonly outcome: string; readonly durationMs: number };

/** `at`: milliseconds since 1970. */
export type JournalLine = JournalEntry & { readonly at: number };

/** Where a run remembers. Fingerprints can be compared within one journal. */
export interface Journal {
  /** Of the fingerprints. */
  key(): Promise<Buffer>;
  /** Its lines, oldest first; none when nothing, or nothing legible, is known of that rotation. */
  read(rotation: string): Promise<readonly JournalLine[]>;
  append(rotation: string, line: JournalLine): Promise<void>;
  /** Ids of the rotations it knows of, in no order. */
  rotations(): Promise<readonly string[]>;
}

/** One file a rotation, `.lambdapg/rotations/<stage>-<rotation>.jsonl`; each line is on the disk before the next effect. */
export function fileJournal(projectDir: string, stage: string): Journal {
  const dir = rotationsDir(projectDir);
  const pathOf = (rotation: string): string =>
    join(dir, `${stage}-${rotation.replaceAll(/[^\w-]/g, '_')}.jsonl`);
  return {
    key: () => fingerprintKey(projectDir),
    async read(rotation) {
      return parseLines(await readFile(pathOf(rotation), 'utf8').catch(() => ''));
    },
    async append(rotation, line) {
      await mkdir(dir, { recursive: true });
      const file = await open(pathOf(rotation), 'a', 0o600);
      try {
        // It begins with a newline, too: the line before may have been cut off.
        await file.write(`\n${JSON.stringify(line)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
    },
    async rotations() {
      const names = await readdir(dir).catch(() => [] as string[]);
      return names.flatMap((name) =>
        name.startsWith(`${stage}-`) && name.endsWith('.jsonl')
          ? [name.slice(stage.length + 1, -'.jsonl'.length)]
          : [],
      );
    },
  };
}

/** For a rehearsal, and where nothing outlives the run. */
export function memoryJournal(): Journal {
  const lines = new Map<string, JournalLine[]>();
  const key = newFingerprintKey();
  return {
    key: async () => key,
    read: async (rotation) => lines.get(rotation) ?? [],
    async append(rotation, line) {
      lines.set(rotation, [...(lines.get(rotation) ?? []), line]);
    },
    rotations: async () => [...lines.keys()],
  };
}

/** Whatever is no line of ours is left out: a crash cuts the last one, a disk may spoil any. */
function parseLines(text: string): JournalLine[] {
  return text.split('\n').flatMap((line) => {
    if (line.trim() === '') return [];
    try {
      const value: unknown = JSON.parse(line);
      return isLine(value) ? [value] : [];
    } catch {
      return [];
    }
  });
}

const isLine = (value: unknown): value is JournalLine =>
  typeof value === 'object' &&
  value !== null &&
  'at' in value &&
  typeof value.at === 'number' &&
  'event' in value &&
  typeof value.event === 'string';
