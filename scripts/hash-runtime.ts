// Rewrites the manifests of the connection runtimes: node --import tsx scripts/hash-runtime.ts

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const runtimeFolders = {
  node: fileURLToPath(new URL('../templates/runtime-node/lambdapg-runtime', import.meta.url)),
  python: fileURLToPath(new URL('../templates/runtime-python/lambdapg_runtime', import.meta.url)),
};

/**
 * The hash in a runtime's `manifest.json`: SHA-256 over each file's path, a NUL, its text with LF line ends (git may
 * have made them CRLF), a NUL; in the order of the paths' code units. Without the manifest and Python's caches.
 *
 * @param folder absolute
 */
export function hashRuntime(folder: string): string {
  const hash = createHash('sha256');
  for (const path of runtimeFiles(folder)) {
    hash.update(`${path}\0${readFileSync(join(folder, path), 'utf8').replaceAll('\r\n', '\n')}\0`);
  }
  return hash.digest('hex');
}

function runtimeFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => path !== 'manifest.json' && !path.includes('__pycache__'))
    .sort((a, b) => (a < b ? -1 : 1));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const folder of Object.values(runtimeFolders)) {
    const file = join(folder, 'manifest.json');
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
    writeFileSync(file, `${JSON.stringify({ version, sha256: hashRuntime(folder) }, null, 2)}\n`);
  }
}
