import { createHash } from 'node:crypto';

/** The folders of the connection runtime in a generated project: what is in them is lambdapg's. */
export const runtimeFolderNames = ['lambdapg-runtime', 'lambdapg_runtime'] as const;

/**
 * The hash in a runtime's `manifest.json`: SHA-256 over each file's path, a NUL, its text with LF line ends (git may
 * have made them CRLF), a NUL; in the order of the paths' code units. Without the manifest and Python's caches.
 *
 * @param files path relative to the runtime's folder, with "/", to text
 */
export function hashRuntimeFiles(files: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256');
  for (const path of [...files.keys()].filter(isHashed).sort((a, b) => (a < b ? -1 : 1)))
    hash.update(`${path}\0${files.get(path)?.replaceAll('\r\n', '\n')}\0`);
  return hash.digest('hex');
}

const isHashed = (path: string): boolean => path !== 'manifest.json' && !path.includes('__pycache__');
