import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Files } from './files.ts';

/** What running a template where it stands leaves behind. */
const leftovers = /__pycache__|node_modules|\.pyc$/;

/**
 * A layer's folder as files. `_gitignore` becomes `.gitignore`: npm drops dotfiles of that name when it packs.
 *
 * @throws what the file system throws: a missing layer is a broken package, not a fault of the person
 */
export async function readLayer(folder: string): Promise<Files> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const names = paths.map((path) => relative(folder, path)).filter((name) => !leftovers.test(name));
  const read = async (name: string) =>
    [name.split(sep).map(dotted).join('/'), await readFile(join(folder, name))] as const;
  return new Map(await Promise.all(names.sort().map(read)));
}

/** Only names that stand for a dotfile: Python's `__init__.py` and a test's `_shared.ts` keep theirs. */
function dotted(name: string): string {
  return /^_(gitignore|gitattributes|npmrc|env|editorconfig|github|vscode|python-version|nvmrc|yarnrc)/.test(
    name,
  )
    ? `.${name.slice(1)}`
    : name;
}
