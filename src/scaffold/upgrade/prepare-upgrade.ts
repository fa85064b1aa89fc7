import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'jsonc-parser';
import type { Context } from '../../context.ts';
import { UserError } from '../../errors.ts';
import { execa } from '../../exec.ts';
import { configFileName, getProject, type Project } from '../../project/find-project.ts';
import { answersOf } from '../answers-of.ts';
import { planProject } from '../init-project.ts';
import { stepsOf } from './apply-upgrade.ts';
import { finishPending, isPending } from './journal.ts';
import { planUpgrade, type UpgradeChoices, type UpgradePlan } from './plan-upgrade.ts';

/**
 * Finishes an upgrade that was interrupted, then plans the one to this version.
 *
 * @param readOnly nothing is written, so nothing is finished either
 * @throws UserError UPGRADE_PENDING, and what `planUpgrade` and `getProject` throw
 */
export async function prepareUpgrade(
  context: Context,
  { readOnly, ...choices }: UpgradeChoices & { readonly readOnly: boolean },
): Promise<{ readonly project: Project; readonly plan: UpgradePlan }> {
  const { dir } = await getProject(context.cwd);
  if (!readOnly) await finish(context, dir);
  else if (await isPending(dir)) {
    throw new UserError('UPGRADE_PENDING', 'an upgrade was interrupted, so the project is half-way', {
      suggestions: ['lambdapg upgrade finishes it'],
    });
  }
  const project = await getProject(dir);
  const answers = answersOf(project.config, await readCloud(dir));
  const { files } = await planProject(context, dir, answers);
  const plan = await planUpgrade(dir, files, context.version, choices);
  if (stepsOf(plan).length > 0) await tellUncommitted(context, dir);
  return { project, plan };
}

/** As it stands in the file: defaults are nobody's answer and would be written into every project. */
async function readCloud(directory: string): Promise<Readonly<Record<string, unknown>>> {
  const config = parse(await readFile(join(directory, configFileName), 'utf8')) as {
    readonly cloud?: Readonly<Record<string, unknown>>;
  };
  return config.cloud ?? {};
}

async function finish(context: Context, directory: string): Promise<void> {
  const finished = await finishPending(directory);
  if (finished === undefined) return;
  const { version, edited } = finished;
  const stays = edited.map((path) => `; you changed ${path} since, so what was meant for it is beside it`);
  context.report({
    type: 'upgrade-finished',
    message: `finished the interrupted upgrade to ${version}${stays.join('')}`,
    edited,
  });
}

/** An upgrade is easier to look at, and to take back, alone in a commit. */
async function tellUncommitted(context: Context, directory: string): Promise<void> {
  const { failed, stdout } = await execa('git', ['status', '--porcelain', '--', '.'], {
    cwd: directory,
    reject: false,
    stdin: 'ignore',
    cancelSignal: context.signal,
  });
  context.signal.throwIfAborted();
  const count = failed || stdout === '' ? 0 : stdout.split('\n').length;
  if (count === 0) return;
  context.report({
    type: 'uncommitted-warning',
    message: `${count} uncommitted change${count === 1 ? '' : 's'} here: commit first, and git shows the upgrade alone`,
    count,
  });
}
