import { createTwoFilesPatch } from 'diff';
import { type Content, toLineFeeds } from './content.ts';

/**
 * A unified diff of one file, as `git apply` reads it; empty where nothing differs. Line ends do not count, and what is
 * no text is only named.
 */
export function formatPatch(path: string, before: Content | undefined, after: Content | undefined): string {
  const [old, now] = [
    before === undefined ? '/dev/null' : `a/${path}`,
    after === undefined ? '/dev/null' : `b/${path}`,
  ];
  if (before?.kind === 'binary' || after?.kind === 'binary') return `Binary files ${old} and ${now} differ\n`;
  const texts = [before?.text ?? '', after?.text ?? ''].map(toLineFeeds) as [string, string];
  if (texts[0] === texts[1] && before !== undefined && after !== undefined) return '';
  return createTwoFilesPatch(old, now, ...texts, undefined, undefined, { context: 3 }).replace(/^=+\n/, '');
}
