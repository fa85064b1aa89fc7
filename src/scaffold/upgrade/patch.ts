import { createTwoFilesPatch } from 'diff';
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
  return createTwoFilesPatch(old, now, ...texts, undefined, undefined, { context: 3 }).replace(/^=+\n/, '');
}
