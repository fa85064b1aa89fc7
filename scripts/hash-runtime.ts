// Rewrites the manifests of the connection runtimes: node --import tsx scripts/hash-runtime.ts

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashRuntimeFiles } from '../src/project/runtime-hash.ts';

export const runtimeFolders = {
  node: fileURLToPath(new URL('../templates/runtime-node/lambdapg-runtime', import.meta.url)),
  python: fileURLToPath(new URL('../templates/runtime-python/lambdapg_runtime', import.meta.url)),
};

/** @param folder absolute */
export function hashRuntime(folder: string): string {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
  return hashRuntimeFiles(new Map(paths.map((path) => [path, readFileSync(join(folder, path), 'utf8')])));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const folder of Object.values(runtimeFolders)) {
    const file = join(folder, 'manifest.json');
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
    writeFileSync(file, `${JSON.stringify({ version, sha256: hashRuntime(folder) }, null, 2)}\n`);
  }
}
