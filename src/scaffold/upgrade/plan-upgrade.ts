import compare from 'semver/functions/compare.js';
import { exitCodes, UserError } from '../../errors.ts';
import type { Files } from '../files.ts';
import { type Base, basePath, isSameBase, parseBase, readBase } from './base.ts';
import { type Content, contentOf } from './content.ts';
import { decideFile, type MergeOptions } from './decide-file.ts';
import type { PlannedChange } from './file-change.ts';
import { migrationsFolder, withholdMigration } from './migrations.ts';
import { formatPatch } from './patch.ts';
import { listMine, readMine } from './read-mine.ts';
import { decideRuntime, runtimeOf } from './runtime-folder.ts';
import { withholdImports } from './withhold-imports.ts';

export interface UpgradePlan {
  /** Absolute: the project. */
  readonly directory: string;
  /** The version that wrote the project last; undefined where that is not recorded. */
  readonly from: string | undefined;
  readonly to: string;
  /** In the order of their paths. */
  readonly changes: readonly PlannedChange[];
}

export interface UpgradeChoices {
  readonly conflicts: 'new' | 'markers';
  readonly replaceRuntime: boolean;
}

/**
 * Compares what lambdapg wrote last, what is here, and what this version writes. Reads only.
 *
 * @param directory absolute: the project
 * @param theirs the project as this version renders it, its base included
 * @throws UserError DOWNGRADE, BAD_BASE
 */
export async function planUpgrade(
  directory: string,
  theirs: Files,
  to: string,
  choices: UpgradeChoices,
): Promise<UpgradePlan> {
  const base = await readBase(directory);
  if (base !== undefined && compare(base.version, to) > 0) throw downgrade(base.version, to);
  const labels = { mine: 'yours', base: `lambdapg ${base?.version ?? ''}`, theirs: `lambdapg ${to}` };
  const sides: Sides = { directory, base, theirs, options: { conflicts: choices.conflicts, labels } };
  const paths = [...new Set([...(base?.files.keys() ?? []), ...theirs.keys()])].filter(
    (path) => path !== basePath,
  );
  const runtimes = [...new Set(paths.map(runtimeOf))].filter((name) => name !== undefined);
  const [files, ...folders] = await Promise.all([
    planFiles(
      sides,
      paths.filter((path) => runtimeOf(path) === undefined),
    ),
    ...runtimes.map((name) => planRuntime(sides, name, paths, choices.replaceRuntime)),
  ]);
  const decided = keepNamedTarballs([...files, ...folders.flatMap(({ changes }) => changes)]);
  const changes = folders
    .reduce((all, { name, kept }) => (kept ? withholdImports(all, name, kept, theirs) : all), decided)
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  return { directory, from: base?.version, to, changes: [...changes, ...(await planBase(sides))] };
}

interface Sides {
  readonly directory: string;
  readonly base: Base | undefined;
  readonly theirs: Files;
  readonly options: MergeOptions;
}

async function planFiles(sides: Sides, paths: readonly string[]): Promise<PlannedChange[]> {
  const migrations = await listMine(sides.directory, migrationsFolder);
  const planned = await Promise.all(
    paths.map(async (path) => {
      const found = await readMine(sides.directory, path);
      const theirs = sides.theirs.get(path);
      if ('obstacle' in found) return theirs === undefined ? undefined : obstructed(path, found.obstacle);
      const mine = found.content;
      const change = decideFile({ path, mine, theirs, base: sides.base?.files.get(path) }, sides.options);
      return change && { ...withholdMigration(change, migrations, theirs), mine };
    }),
  );
  return planned.filter((change) => change !== undefined);
}

/** Neither followed nor replaced: the person made it so. */
const obstructed = (path: string, obstacle: string): PlannedChange => ({
  ...{ path, action: 'kept', mine: undefined },
  reason: obstacle,
});

interface PlannedRuntime {
  readonly name: string;
  readonly changes: readonly PlannedChange[];
  /** What is in the folder, where it stays although there is a newer one. */
  readonly kept?: ReadonlyMap<string, Content>;
}

async function planRuntime(
  sides: Sides,
  name: string,
  paths: readonly string[],
  replace: boolean,
): Promise<PlannedRuntime> {
  const own = (path: string): boolean => runtimeOf(path) === name;
  const listed = await listMine(sides.directory, name);
  const mine = new Map<string, Content>();
  for (const path of listed) {
    const found = await readMine(sides.directory, path);
    if ('obstacle' in found) return { name, changes: [obstructed(name, found.obstacle)] };
    if (found.content !== undefined) mine.set(path, found.content);
  }
  const folder = {
    ...{ name, mine },
    base: new Map([...(sides.base?.files ?? [])].filter(([path]) => own(path))),
    theirs: new Map([...sides.theirs].filter(([path]) => own(path))),
  };
  const decided = decideRuntime(folder, replace);
  if (decided === undefined) return { name, changes: await planFiles(sides, paths.filter(own)) };
  const changes = decided.map((change) => ({ ...change, mine: mine.get(change.path) }));
  return { name, changes, ...(decided[0]?.action === 'kept' && { kept: mine }) };
}

/** A tarball that package.json goes on naming (the person's own word there was kept) must stay. */
function keepNamedTarballs(changes: readonly PlannedChange[]): PlannedChange[] {
  const manifest = changes.find(({ path }) => path === 'package.json');
  const content = manifest?.write === undefined ? manifest?.mine : contentOf(manifest.write);
  const text = content?.kind === 'text' ? content.text : '';
  return changes.map((change) =>
    change.action === 'removed' && change.path.endsWith('.tgz') && text.includes(change.path)
      ? { ...change, action: 'kept', reason: 'package.json names it' }
      : change,
  );
}

async function planBase({ directory, base, theirs }: Sides): Promise<PlannedChange[]> {
  const write = theirs.get(basePath);
  if (write === undefined || typeof write === 'string') return [];
  if (base !== undefined && isSameBase(base, parseBase(write))) return [];
  const found = await readMine(directory, basePath);
  if ('obstacle' in found) return [obstructed(basePath, found.obstacle)];
  return [{ path: basePath, action: base === undefined ? 'new' : 'updated', write, mine: found.content }];
}

/** The diff of one change, as a person reads it before saying yes: the file, and what goes beside it. */
export function diffOf(change: PlannedChange): string {
  const { path, action, mine, write, beside } = change;
  if (path === basePath) return '';
  const written = write === undefined ? '' : formatPatch(path, mine, contentOf(write));
  if (action === 'removed') return formatPatch(path, mine, undefined);
  return beside === undefined
    ? written
    : `${written}${formatPatch(path, mine, contentOf(beside), `${path}.new`)}`;
}

const downgrade = (from: string, to: string): UserError =>
  new UserError('DOWNGRADE', `lambdapg ${from} wrote this project, and this is the older ${to}`, {
    exit: exitCodes.notDone,
    suggestions: [`npx lambdapg@${from} upgrade, or a newer one`],
  });
