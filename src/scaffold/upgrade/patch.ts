import { formatPatch as formatDiff, type StructuredPatch, structuredPatch } from 'diff';
import { type Content, toLineFeeds } from './content.ts';

/**
 * A unified diff of one file, as `git apply` reads it; empty where nothing differs. Line ends do not count; what is no
 * text has none.
 *
 * @param to the path of `after`, where it is another
 */
export function formatPatch(
  path: string,
  before: Content | undefined,
  after: Content | undefined,
  to = path,
): string {
  if (before?.kind === 'binary' || after?.kind === 'binary') return '';
  const texts = [before?.text ?? '', after?.text ?? ''].map(toLineFeeds) as [string, string];
  if (texts[0] === texts[1]) return '';
  const old = before === undefined ? '/dev/null' : `a/${path}`;
  const now = after === undefined ? '/dev/null' : `b/${to}`;
  const options = { context: 3, maxEditLength: mostEdits };
  const patch =
    structuredPatch(old, now, ...texts, undefined, undefined, options) ?? replaceAll(old, now, ...texts);
  return formatDiff(patch).replace(/^=+\n/, '');
}

/** Time grows with the square of the edits; a diff of this many is read by nobody. */
const mostEdits = 1_000;

/** Every line goes, every line comes: longer than it need be, and as true. */
function replaceAll(
  oldFileName: string,
  newFileName: string,
  before: string,
  after: string,
): StructuredPatch {
  const [gone, come] = [linesOf(before, '-'), linesOf(after, '+')];
  const count = (lines: readonly string[]): number => lines.filter((line) => !line.startsWith('\\')).length;
  const hunk = { oldStart: 1, oldLines: count(gone), newStart: 1, newLines: count(come) };
  const hunks = [{ ...hunk, lines: [...gone, ...come] }];
  return { oldFileName, newFileName, oldHeader: undefined, newHeader: undefined, hunks };
}

function linesOf(text: string, sign: string): string[] {
  if (text === '') return [];
  const lines = text.replace(/\n$/, '').split('\n');
  const marked = lines.map((line) => `${sign}${line}`);
  return text.endsWith('\n') ? marked : [...marked, '\\ No newline at end of file'];
}
