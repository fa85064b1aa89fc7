import { posix } from 'node:path';
import { runtimeFolderNames } from '../../project/runtime-hash.ts';

/** What a file takes from the connection runtime. */
export interface RuntimeImport {
  /** `lambdapg-runtime/index.ts`, as a path of the project. */
  readonly module: string;
  /** As the runtime calls it. */
  readonly name: string;
}

const [nodeFolder, pythonFolder] = runtimeFolderNames;
const nodeImport = /\bimport\s+(?:type\s+)?\{([^}]*)\}\s*from\s*['"](\.[^'"]*)['"]/g;
const pythonImport = /^[ \t]*from[ \t]+(lambdapg_runtime[\w.]*)[ \t]+import[ \t]+(?:\(([^)]*)\)|([^\n]+))/gm;

/** @param path of the file in its project: a relative import counts from there */
export function runtimeImportsOf(path: string, text: string): RuntimeImport[] {
  if (path.endsWith('.py')) {
    return [...text.matchAll(pythonImport)].flatMap(([, module = '', inParens, onLine = '']) =>
      namesIn((inParens ?? onLine).replaceAll(/#.*|\\$/gm, '')).map((name) => ({
        ...{ module: `${module.replaceAll('.', '/')}.py`, name },
      })),
    );
  }
  if (!/\.[cm]?[jt]sx?$/.test(path)) return [];
  return [...text.matchAll(nodeImport)].flatMap(([, names = '', from = '']) => {
    const module = posix.join(posix.dirname(path), from);
    return module.startsWith(`${nodeFolder}/`) ? namesIn(names).map((name) => ({ module, name })) : [];
  });
}

/** `type Row`, `withProbe as probed` -> `Row`, `withProbe`. */
const namesIn = (list: string): string[] =>
  list
    .split(',')
    .map((one) => one.trim().replace(/^type\s+/, ''))
    .flatMap((one) => /^[\w$]+/.exec(one)?.[0] ?? []);

/**
 * Whether a runtime cannot have what is imported: its module is not there, or never says that name.
 *
 * @param files all of the runtime, by their paths in the project
 */
export function isLacking(files: ReadonlyMap<string, string>, { module, name }: RuntimeImport): boolean {
  const found = moduleIn(files, module);
  if (found === undefined) return true;
  const text = files.get(found) ?? '';
  // It may pass on everything that another module has.
  if (/^\s*(export\s+\*|from\s+\S+\s+import\s+\*)/m.test(text)) return false;
  const isSubmodule = moduleIn(files, posix.join(posix.dirname(found), `${name}.py`)) !== undefined;
  return !isSubmodule && !text.split(/[^\w$]+/).includes(name);
}

/** In Python the module `a` is `a.py` or `a/__init__.py`. */
const moduleIn = (files: ReadonlyMap<string, string>, module: string): string | undefined =>
  [module, ...(module.startsWith(pythonFolder) ? [module.replace(/\.py$/, '/__init__.py')] : [])].find(
    (path) => files.has(path),
  );
