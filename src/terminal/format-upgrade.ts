import { paint } from './format-event.ts';

interface Change {
  readonly path: string;
  readonly action: string;
  readonly reason?: string;
  readonly conflicts?: readonly { readonly place: string; readonly mine: string; readonly theirs: string }[];
  readonly diff?: string;
}

const colours: Readonly<Record<string, 'green' | 'yellow' | 'red' | 'dim'>> = {
  new: 'green',
  updated: 'green',
  merged: 'yellow',
  conflict: 'red',
  kept: 'yellow',
  removed: 'red',
};

/** Diffs, then one line a file; files that stay are only counted. */
export function formatUpgrade(changes: readonly Change[], stream: NodeJS.WriteStream): string {
  const told = changes.filter(({ action }) => action !== 'unchanged');
  const diffs = told.flatMap(({ diff }) => (diff ? [formatDiff(diff, stream)] : []));
  const lines = told.flatMap((change) => [
    formatLine(change, stream),
    ...(change.conflicts ?? []).map((conflict) => `            ${formatConflict(conflict)}`),
  ]);
  return [...diffs, ...lines, `  ${changes.length - told.length} unchanged`].join('\n');
}

/** What stays although the template has something else is told each time. */
export function formatNothingToDo(
  changes: readonly Change[],
  version: string,
  stream: NodeJS.WriteStream,
): string {
  const kept = changes.filter(({ action }) => action === 'kept');
  if (kept.length === 0) return `nothing to do: the project is as lambdapg ${version} writes it`;
  return [...kept.map((change) => formatLine(change, stream)), 'nothing else to do'].join('\n');
}

const formatLine = ({ path, action, reason }: Change, stream: NodeJS.WriteStream): string =>
  `  ${paint(colours[action] ?? 'dim', action.padEnd(9), stream)} ${path}${reason === undefined ? '' : ` (${reason})`}`;

/** Values on one line are shown; of more the place is enough, the diff has the rest. */
function formatConflict({ place, mine, theirs }: { place: string; mine: string; theirs: string }): string {
  const short = mine !== '' && ![mine, theirs].some((text) => text.includes('\n') || text.length > 60);
  return short ? `${place}: yours ${mine.trim()}, template ${theirs.trim()}` : `${place}: both changed it`;
}

function formatDiff(diff: string, stream: NodeJS.WriteStream): string {
  return diff
    .split('\n')
    .map((line) => {
      if (/^(---|\+\+\+) /.test(line)) return paint('bold', line, stream);
      if (line.startsWith('@@')) return paint('cyan', line, stream);
      if (line.startsWith('+')) return paint('green', line, stream);
      return line.startsWith('-') ? paint('red', line, stream) : line;
    })
    .join('\n');
}
