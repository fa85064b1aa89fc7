import type { ProjectConfig } from '../../project/config-schema.ts';
import type { UpgradePlan } from './plan-upgrade.ts';

/**
 * What is left to the person after an upgrade, in order.
 *
 * @param edited files that changed while it ran
 */
export function nextStepsOf(
  { packageManager }: Pick<ProjectConfig, 'packageManager'>,
  { changes }: UpgradePlan,
  edited: readonly string[],
): string[] {
  const isWritten = (file: string): boolean =>
    changes.some(({ path, write }) => path === file && write !== undefined);
  const open = changes.filter(({ action }) => action === 'conflict');
  const markers = open.filter(({ beside }) => beside === undefined);
  const lacking = [...new Set(open.flatMap(({ lacking = [] }) => lacking))];
  const beside = [...open.filter((change) => !markers.includes(change)).map(({ path }) => path), ...edited];
  return [
    ...(lacking.length > 0
      ? [`lambdapg upgrade --replace-runtime, before you take over what imports ${lacking.join(', ')}`]
      : []),
    ...beside.map((path) => `compare ${path} with ${path}.new, take over what you want, delete ${path}.new`),
    ...markers.map(({ path }) => `settle the conflicts between the markers in ${path}`),
    ...(isWritten('package.json') ? [`${packageManager} install`] : []),
    ...(isWritten('requirements-dev.txt') || isWritten('requirements.txt')
      ? ['.venv/bin/pip install -r requirements-dev.txt']
      : []),
    packageManager === 'bun' ? 'bun run test' : `${packageManager} test`,
  ];
}
