import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { errorCode, UserError } from '../../errors.ts';
import type { Files } from '../files.ts';
import { type Content, contentOf, isSame } from './content.ts';

/**
 * What lambdapg last wrote into this project, in the project itself and committed with it: the base of the three-way
 * merge, for a clone without packages or network as well. docs/decisions/012-upgrade.md has the alternatives.
 */
export const basePath = 'vendor/lambdapg-base.json.gz';

export interface Base {
  /** Of lambdapg. */
  readonly version: string;
  readonly files: ReadonlyMap<string, Content>;
}

/** As it lies on disk: text as it is, and of the rest the SHA-256. */
interface BaseFile {
  readonly format: 1;
  readonly version: string;
  readonly text: Readonly<Record<string, string>>;
  readonly sha256: Readonly<Record<string, string>>;
}

/** The rendered files of a project, with the base that a later `upgrade` merges from. */
export function withBase(files: Files, version: string): Files {
  const text: Record<string, string> = {};
  const sha256: Record<string, string> = {};
  for (const [path, raw] of files) {
    const content = contentOf(raw);
    if (content.kind === 'text') text[path] = content.text;
    else sha256[path] = content.sha256;
  }
  const base: BaseFile = { format: 1, version, text, sha256 };
  return new Map([...files, [basePath, gzipSync(JSON.stringify(base, null, 1), { level: 9 })]]);
}

/**
 * @param directory absolute: the project
 * @returns undefined for a project without one
 * @throws UserError BAD_BASE for one that cannot be read
 */
export async function readBase(directory: string): Promise<Base | undefined> {
  const file = join(directory, basePath);
  try {
    return parseBase(await readFile(file));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw new UserError('BAD_BASE', `${basePath} is no record of what lambdapg wrote`, {
      suggestions: [
        `git checkout -- ${basePath} brings it back`,
        'after a merge conflict: take the side whose lambdapg version is the newer one in package.json',
        'or delete it: every file that differs is then shown as a conflict, and none is overwritten',
      ],
      cause: error,
    });
  }
}

export function parseBase(raw: Uint8Array): Base {
  const base = JSON.parse(gunzipSync(raw).toString('utf8')) as BaseFile;
  if (base.format !== 1) throw new Error(`format ${base.format}`);
  const texts = Object.entries(base.text).map(([path, text]) => [path, { kind: 'text', text }] as const);
  const rest = Object.entries(base.sha256).map(
    ([path, sha256]) => [path, { kind: 'binary', sha256 }] as const,
  );
  return { version: base.version, files: new Map<string, Content>([...texts, ...rest]) };
}

/** Bytes may differ where content does not: zlib compresses differently from one machine to the next. */
export function isSameBase(a: Base, b: Base): boolean {
  if (a.version !== b.version || a.files.size !== b.files.size) return false;
  return [...a.files].every(([path, content]) => {
    const other = b.files.get(path);
    return other !== undefined && isSame(content, other);
  });
}
