import { type Content, contentOf, inFormOf, isSame } from './content.ts';
import type { Action, FileChange } from './file-change.ts';
import { mergeDocument } from './merge-document.ts';
import { type MergeLabels, mergeText } from './merge-text.ts';

/** One path as the last version wrote it, as it is here, and as this version writes it; absent where it is not. */
export interface ThreeSides {
  readonly path: string;
  readonly base: Content | undefined;
  readonly mine: Content | undefined;
  readonly theirs: Uint8Array | string | undefined;
}

export interface MergeOptions {
  /** `new`: the person's file stays, the template's goes beside it. `markers`: in the file, as git does it. */
  readonly conflicts: 'new' | 'markers';
  readonly labels: MergeLabels;
}

/** What becomes of one file. Pure. Nothing that the person changed is ever overwritten or removed. */
export function decideFile(sides: ThreeSides, options: MergeOptions): FileChange | undefined {
  const { path, base, mine, theirs } = sides;
  const change = (action: Action, rest: Omit<FileChange, 'path' | 'action'> = {}): FileChange => ({
    path,
    action,
    ...rest,
  });
  if (theirs === undefined) {
    if (mine === undefined || base === undefined) return undefined;
    return isSame(mine, base)
      ? change('removed')
      : change('kept', { reason: 'the template no longer has it, and you changed it' });
  }
  const wanted = contentOf(theirs);
  if (mine === undefined) {
    if (base === undefined) return change('new', { write: theirs });
    if (isSame(base, wanted)) return change('unchanged', { reason: 'you deleted it' });
    return change('kept', { reason: 'you deleted it; the template changed it' });
  }
  if (isSame(mine, wanted)) return change('unchanged');
  if (base !== undefined && isSame(base, wanted)) return change('unchanged', { reason: 'yours' });
  if (base !== undefined && isSame(mine, base)) return change('updated', { write: inFormOf(mine, theirs) });
  if (base === undefined) return change('conflict', { ...wholeFile, beside: inFormOf(mine, theirs) });
  return { path, ...mergeBoth(path, { base, mine, theirs: wanted }, theirs, options) };
}

function mergeBoth(
  path: string,
  { base, mine, theirs }: { readonly base: Content; readonly mine: Content; readonly theirs: Content },
  raw: Uint8Array | string,
  { conflicts: style, labels }: MergeOptions,
): Omit<FileChange, 'path'> {
  if (base.kind !== 'text' || mine.kind !== 'text' || theirs.kind !== 'text')
    return { action: 'conflict', ...wholeFile, beside: raw };
  const texts = { base: base.text, mine: mine.text, theirs: theirs.text };
  const beside = inFormOf(mine, raw);
  const document = path.endsWith('.json') ? mergeDocument(texts) : undefined;
  if (document !== undefined) {
    const { text, conflicts, notes } = document;
    const rest = {
      ...(notes.length > 0 && { reason: notes.join('; ') }),
      ...(text !== mine.text && { write: text }),
    };
    if (conflicts.length > 0) return { action: 'conflict', conflicts, ...rest, beside };
    if (text !== mine.text) return { action: 'merged', ...rest };
    return notes.length > 0 ? { action: 'kept', ...rest } : { action: 'unchanged', reason: 'yours' };
  }
  const merged = mergeText(texts, labels);
  if (merged === undefined)
    return { action: 'conflict', ...wholeFile, reason: 'too many lines to merge', beside };
  const { text, conflicts } = merged;
  if (conflicts.length > 0)
    return { action: 'conflict', conflicts, ...(style === 'markers' ? { write: text } : { beside }) };
  return text === mine.text ? { action: 'unchanged', reason: 'yours' } : { action: 'merged', write: text };
}

const wholeFile = { conflicts: [{ place: 'the whole file', mine: '', theirs: '' }] };
