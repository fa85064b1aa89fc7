import { isDeepStrictEqual } from 'node:util';
import type { Context } from '../../context.ts';
import { UserError } from '../../errors.ts';
import { contentOf, isSame } from './content.ts';
import type { PlannedChange } from './file-change.ts';
import { type Step, writeAll } from './journal.ts';
import type { UpgradePlan } from './plan-upgrade.ts';
import { readMine } from './read-mine.ts';

/** What a plan writes and removes; empty when there is nothing to do. */
export function stepsOf({ changes }: UpgradePlan): Step[] {
  return changes.flatMap(({ path, action, write, beside }) => [
    ...(write === undefined ? [] : [{ path, content: write }]),
    ...(beside === undefined ? [] : [{ path: `${path}.new`, content: beside }]),
    ...(action === 'removed' ? [{ path }] : []),
  ]);
}

/**
 * Writes the project as planned, whole or not at all.
 *
 * @returns files that were edited while this ran: they stay, and the template's version is beside them
 * @throws UserError CHANGED_MEANWHILE, CONFLICT_OPEN, and what `writeAll` throws
 */
export async function applyUpgrade(context: Context, plan: UpgradePlan): Promise<readonly string[]> {
  await refuseOpenConflicts(plan);
  const check = (): Promise<void> => refuseEdits(plan);
  return writeAll(plan.directory, plan.to, stepsOf(plan), context.signal, check);
}

/** What an earlier upgrade put beside a file, and nobody looked at, is not overwritten. */
async function refuseOpenConflicts({ directory, changes }: UpgradePlan): Promise<void> {
  const open: string[] = [];
  for (const { path, beside } of changes) {
    if (beside === undefined) continue;
    const found = await readMine(directory, `${path}.new`);
    const same =
      'content' in found && (found.content === undefined || isSame(found.content, contentOf(beside)));
    if (!same) open.push(`${path}.new`);
  }
  if (open.length === 0) return;
  throw new UserError('CONFLICT_OPEN', `left from an earlier conflict: ${open.join(', ')}`, {
    suggestions: ['take over what you want of it, delete it, and run lambdapg upgrade again'],
  });
}

/** The person was shown a diff of what was here then. */
async function refuseEdits({ directory, changes }: UpgradePlan): Promise<void> {
  const edited: string[] = [];
  for (const change of changes.filter(isTouched)) {
    const found = await readMine(directory, change.path);
    if (!('content' in found) || !isDeepStrictEqual(found.content, change.mine)) edited.push(change.path);
  }
  if (edited.length === 0) return;
  throw new UserError('CHANGED_MEANWHILE', `changed since the diff was shown: ${edited.join(', ')}`, {
    suggestions: ['lambdapg upgrade looks again'],
  });
}

const isTouched = ({ action, write }: PlannedChange): boolean => write !== undefined || action === 'removed';
