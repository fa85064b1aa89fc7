import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Plugin } from 'vitest/config';
import { slimSdk } from '../scripts/slim-sdk.js';

const repository = fileURLToPath(new URL('..', import.meta.url));
const folderPrefix = 'lambdapg-bundled-packages-';

/** What is large, or in very many files: the SDK alone took each test file's process two seconds to import. */
const isBundled = (id: string): boolean => /^(@aws-sdk\/.+|@peculiar\/x509|execa|zod)$/.test(id);

/** Files that Node imports as they are. */
export const bundledFiles = new RegExp(folderPrefix);

/**
 * Gives tests the packages as the built command line has them: bundled, without what nobody imports. Made once a run, when the
 * first file asks: a watching vitest is started again when something new is imported of them.
 */
export function bundledPackages(): Plugin {
  let made: Promise<string> | undefined;
  return {
    name: 'bundled-packages',
    enforce: 'pre',
    async resolveId(id) {
      if (!isBundled(id)) return undefined;
      made ??= makeBundles();
      return join(await made, `${nameOf(id)}.mjs`);
    },
  };
}

async function makeBundles(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), folderPrefix));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const entries = await readEntries();
  await build({
    absWorkingDir: repository,
    entryPoints: [...entries.keys()].map((id) => ({ in: `bundled:${id}`, out: nameOf(id) })),
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    mainFields: ['module', 'main'],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    logLevel: 'error',
    banner: {
      js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);",
    },
    plugins: [
      {
        name: 'entries',
        setup(builder) {
          builder.onResolve({ filter: /^bundled:/ }, ({ path }) => ({
            path: path.slice('bundled:'.length),
            namespace: 'bundled',
          }));
          builder.onLoad({ filter: /.*/, namespace: 'bundled' }, ({ path }) => ({
            contents: entries.get(path) ?? '',
            resolveDir: repository,
          }));
        },
      },
      slimSdk,
    ],
  });
  return folder;
}

const nameOf = (id: string): string => id.replace('@', '').replaceAll('/', '-');

const named =
  /(?:import|export) (type )?\{([^}]*)\} from '([^']+)'|const \{([^}]*)\} = await import\('([^']+)'\)/g;
const anyImport = /(?:from|import\() ?'([^']+)'/g;

/** For each package what the sources name of it; all of it, where one imports it otherwise. */
async function readEntries(): Promise<Map<string, string>> {
  const names = new Map<string, Set<string>>();
  const whole = new Set<string>();
  for (const text of await readSources()) {
    const imports = new Map<string, number>();
    for (const [, id = ''] of text.matchAll(anyImport)) {
      if (isBundled(id)) imports.set(id, (imports.get(id) ?? 0) + 1);
    }
    for (const [, type, some, from, others, of] of text.matchAll(named)) {
      const id = from ?? of ?? '';
      if (!isBundled(id)) continue;
      imports.set(id, (imports.get(id) ?? 0) - 1);
      if (type !== undefined) continue;
      const known = names.get(id) ?? new Set();
      for (const name of (some ?? others ?? '').split(',')) {
        const [exported = ''] = name.trim().split(/\s+as\s+|\s*:\s*/);
        if (exported !== '' && !exported.startsWith('type ')) known.add(exported);
      }
      names.set(id, known);
    }
    for (const [id, left] of imports) if (left !== 0) whole.add(id);
  }
  for (const id of whole) names.set(id, new Set());
  return new Map(
    [...names].map(([id, some]) => [
      id,
      whole.has(id) ? `export * from '${id}'` : `export { ${[...some].join(', ')} } from '${id}'`,
    ]),
  );
}

async function readSources(): Promise<string[]> {
  const folders = await Promise.all(
    ['src', 'test'].map(async (folder) => {
      const entries = await readdir(join(repository, folder), { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile() && entry.name.endsWith('.ts'));
    }),
  );
  return Promise.all(folders.flat().map((entry) => readFile(join(entry.parentPath, entry.name), 'utf8')));
}
