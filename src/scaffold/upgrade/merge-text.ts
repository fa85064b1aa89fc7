import { diff3Merge } from 'node-diff3';
import { withLineEndsOf } from './content.ts';
import type { Conflict } from './file-change.ts';

export interface TextMerge {
  /** Conflicts stand between markers, as git's `diff3` style has them. */
  readonly text: string;
  readonly conflicts: readonly Conflict[];
}

/** The words after the markers. */
export interface MergeLabels {
  readonly mine: string;
  readonly base: string;
  readonly theirs: string;
}

/**
 * Three-way merge by lines. Every line of `mine` that is not in `base` is in the result. The other two take the line
 * ends of `mine`, whose lines are never touched, so that a file of mixed ends keeps them.
 *
 * @returns undefined for texts that would take too long
 */
export function mergeText(
  { mine, base, theirs }: { readonly mine: string; readonly base: string; readonly theirs: string },
  labels: MergeLabels,
): TextMerge | undefined {
  const end = withLineEndsOf(mine, '\n').slice(0, -1);
  const [a, o, b] = [mine, withLineEndsOf(mine, base), withLineEndsOf(mine, theirs)].map((text) =>
    text.split('\n'),
  ) as [string[], string[], string[]];
  if (countPairs(o, a) > mostPairs || countPairs(o, b) > mostPairs) return undefined;
  // A last line has no end of its own; before a marker it needs one.
  const ended = (lines: string[], index: number, of: string[]): string[] =>
    index + lines.length < of.length || lines.length === 0
      ? lines
      : lines.with(-1, `${lines.at(-1) ?? ''}${end}`);
  const regions = diff3Merge(a, o, b, { excludeFalseConflicts: true });
  const conflicts: Conflict[] = [];
  const lines = regions.flatMap(({ ok, conflict }) => {
    if (conflict === undefined) return ok ?? [];
    const { a: here, aIndex, o: before, oIndex, b: there, bIndex } = conflict;
    conflicts.push({
      place: linesOf(aIndex, here.length),
      mine: here.join('\n'),
      theirs: there.join('\n'),
    });
    const mark = (sign: string, label = ''): string => `${sign.repeat(7)}${label && ` ${label}`}${end}`;
    return [
      ...[mark('<', labels.mine), ...ended(here, aIndex, a)],
      ...[mark('|', labels.base), ...ended(before, oIndex, o)],
      ...[mark('='), ...ended(there, bIndex, b), mark('>', labels.theirs)],
    ];
  });
  return { text: lines.join('\n'), conflicts };
}

/** node-diff3 looks at each pair of equal lines: a million take seconds, in a file of many thousand lines. */
const mostPairs = 1_000_000;

function countPairs(before: readonly string[], after: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const line of before) counts.set(line, (counts.get(line) ?? 0) + 1);
  return after.reduce((pairs, line) => pairs + (counts.get(line) ?? 0), 0);
}

/** `line 4`, `lines 4-6`; of a deletion the line before which it was. */
function linesOf(index: number, length: number): string {
  return length <= 1 ? `line ${index + 1}` : `lines ${index + 1}-${index + length}`;
}
