import type { Files } from '../files.ts';
import type { FileChange } from './file-change.ts';

export const migrationsFolder = 'migrations';

/**
 * A migration that may have run somewhere is history: `migrate` refuses one that was changed or is missing. So an
 * upgrade neither changes nor removes any, and adds only one that comes after all that are here.
 *
 * @param present paths of the project's migrations
 */
export function withholdMigration(
  change: FileChange,
  present: readonly string[],
  theirs: ReturnType<Files['get']>,
): FileChange {
  const { path, action } = change;
  if (!path.startsWith(`${migrationsFolder}/`) || action === 'unchanged') return change;
  const history = 'a migration that may have run stays as it is';
  if (action === 'new') {
    if (present.every((other) => numberOf(other) < numberOf(path))) return change;
    const conflicts = [{ place: 'its number', mine: present.at(-1) ?? '', theirs: path }];
    const reason = 'it does not come after your migrations: give it a later number';
    return { path, action: 'conflict', conflicts, reason, ...(theirs !== undefined && { beside: theirs }) };
  }
  return action === 'kept' ? change : { path, action: 'kept', reason: history };
}

const numberOf = (path: string): bigint => BigInt(/\/(\d+)_[^/]*\.sql$/.exec(path)?.[1] ?? 0);
