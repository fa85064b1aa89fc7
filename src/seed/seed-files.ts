import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { errorCode, UserError } from '../errors.ts';
import { nearest } from '../project/nearest.ts';

export interface SqlSeed {
  readonly kind: 'sql';
  readonly name: string;
  /** Relative to the project, with forward slashes. */
  readonly path: string;
  /** If there is such a table, `--truncate` empties it with the others. */
  readonly schema: string | undefined;
  readonly table: string;
}

/** Rows for one table. */
export interface RowsSeed {
  readonly kind: 'csv' | 'json' | 'ndjson';
  readonly name: string;
  readonly path: string;
  readonly schema: string | undefined;
  readonly table: string;
  /** The columns by which a row is found again; undefined: the table's primary key. */
  readonly key: readonly string[] | undefined;
}

export type SeedFile = SqlSeed | RowsSeed;

const fileName = /^(?:\d+_)?([^@]+?)(?:@([^@]+))?\.(sql|csv|json|ndjson)$/;
const form =
  '10_authors.csv, 20_library.books.json or, with a declared key, 30_loans@book_id+borrower_id.ndjson';

/**
 * What a seed's name says: `<order>_[<schema>.]<table>[@<column>+<column>].<kind>`. Undefined for any other name.
 */
export function parseSeedName(name: string, directory: string): SeedFile | undefined {
  const [, stem, key, kind] = fileName.exec(name) ?? [];
  const path = `${directory}/${name}`;
  if (stem === undefined || (key !== undefined && kind === 'sql')) return undefined;
  const [first = '', second, ...more] = stem.split('.');
  if (more.length > 0) return undefined;
  const place = second === undefined ? { schema: undefined, table: first } : { schema: first, table: second };
  if (kind === 'sql') return { kind, name, path, ...place };
  return { kind: kind as RowsSeed['kind'], name, path, ...place, key: key?.split('+') };
}

/** In the order of their numbers, then of their names; a file without a number comes last. */
export function sortSeeds(files: readonly SeedFile[]): SeedFile[] {
  const order = ({ name }: SeedFile): number => Number(/^(\d+)_/.exec(name)?.[1] ?? Number.POSITIVE_INFINITY);
  return [...files].sort((a, b) => {
    const [first, second] = [order(a), order(b)];
    return first === second ? (a.name < b.name ? -1 : 1) : first - second;
  });
}

/**
 * The seeds of a project, or those of `only` (names, or paths from the project or from `cwd`), in order. Notes in
 * Markdown and hidden files may lie beside them.
 *
 * @throws UserError BAD_SEED_NAME, UNKNOWN_SEED
 */
export async function findSeeds(
  projectDir: string,
  directory: string,
  only: { readonly files: readonly string[] | undefined; readonly cwd: string },
): Promise<SeedFile[]> {
  const names = (await listFolder(projectDir, directory)).filter((name) => !/^\.|\.md$/i.test(name));
  const seeds = names.map((name) => ({ name, seed: parseSeedName(name, directory) }));
  const faults = seeds
    .filter(({ seed }) => seed === undefined)
    .map(({ name }) => `${directory}/${name} is not named like a seed`);
  if (faults.length > 0) {
    throw new UserError('BAD_SEED_NAME', faults.join('\n'), {
      suggestions: [`name it like ${form}`, 'or move it out of the folder'],
    });
  }
  const sorted = sortSeeds(seeds.flatMap(({ seed }) => seed ?? []));
  if (only.files === undefined) return sorted;
  const folder = join(projectDir, directory);
  const chosen = new Set(
    only.files.map((file) => chooseName(file, names, folder, [only.cwd, projectDir, folder])),
  );
  return sorted.filter(({ name }) => chosen.has(name));
}

function chooseName(
  file: string,
  names: readonly string[],
  folder: string,
  bases: readonly string[],
): string {
  const found = names.find((name) => bases.some((base) => resolve(base, file) === join(folder, name)));
  if (found !== undefined) return found;
  const near = nearest(file, names);
  throw new UserError('UNKNOWN_SEED', `there is no seed "${file}" in ${folder}`, {
    suggestions: near === undefined ? [`seeds are named like ${form}`] : [`did you mean ${near}?`],
  });
}

async function listFolder(projectDir: string, directory: string): Promise<string[]> {
  try {
    const entries = await readdir(join(projectDir, directory), { withFileTypes: true });
    return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name);
  } catch (error) {
    // A project without seeds is as good as one with an empty folder.
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
