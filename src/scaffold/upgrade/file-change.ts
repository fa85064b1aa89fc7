import type { Content } from './content.ts';

export type Action = 'new' | 'unchanged' | 'updated' | 'merged' | 'conflict' | 'kept' | 'removed';

/** A place that both sides changed. */
export interface Conflict {
  /** `lines 4-6`, `devDependencies.typescript`, or the whole file. */
  readonly place: string;
  readonly mine: string;
  readonly theirs: string;
}

/** What an upgrade does to one file. */
export interface FileChange {
  /** Relative to the project, with "/". */
  readonly path: string;
  readonly action: Action;
  /** One sentence, where the action alone does not say it. */
  readonly reason?: string;
  readonly conflicts?: readonly Conflict[];
  /** What the template's file imports from the connection runtime, and the one that stays here does not have. */
  readonly lacking?: readonly string[];
  /** What goes into the file. */
  readonly write?: Uint8Array | string;
  /** What goes into `<path>.new`: the template's, where the person's stays. */
  readonly beside?: Uint8Array | string;
}

export interface PlannedChange extends FileChange {
  /** As it is here now, for the diff and for seeing that nobody changed it since. */
  readonly mine: Content | undefined;
}
