import { hashRuntimeFiles, runtimeFolderNames } from '../../project/runtime-hash.ts';
import type { Files } from '../files.ts';
import { type Content, contentOf, inFormOf, isSame } from './content.ts';
import type { FileChange } from './file-change.ts';
import { formatPatch } from './patch.ts';

/** The connection runtime as it lies in a project: it is replaced as a whole or not at all. */
export interface RuntimeFolder {
  /** `lambdapg-runtime` */
  readonly name: string;
  readonly base: ReadonlyMap<string, Content>;
  /** All that is in the folder here, the person's own files too. */
  readonly mine: ReadonlyMap<string, Content>;
  readonly theirs: Files;
}

/** The first part of a path that is the runtime's, or undefined. */
export const runtimeOf = (path: string): string | undefined =>
  runtimeFolderNames.find((name) => path.startsWith(`${name}/`));

/**
 * Half of one version and half of another would be a runtime that nobody has tested: its files are never merged.
 *
 * @param replace take the new one although it was changed; the changes go into a patch beside it
 * @returns undefined where there is nothing special about the folder: it is not here, or goes with its language
 */
export function decideRuntime(folder: RuntimeFolder, replace: boolean): FileChange[] | undefined {
  const { name, mine, theirs } = folder;
  const manifest = readManifest(mine.get(`${name}/manifest.json`));
  if (mine.size === 0 || theirs.size === 0) return undefined;
  const same =
    manifest?.sha256 === readManifest(contentOf(theirs.get(`${name}/manifest.json`) ?? ''))?.sha256;
  const pristine = manifest !== undefined && manifest.sha256 === hashOfFolder(name, mine);
  if (!pristine && !replace) {
    // With nothing newer to be had there is nothing to tell.
    if (same) return [];
    const reason = `changed here, so it stays at ${manifest?.version ?? 'an unknown version'}; --replace-runtime takes the new one and leaves your changes in a patch`;
    return [{ path: name, action: 'kept', reason }];
  }
  const saved = pristine ? [] : [patchOfChanges(folder, manifest)];
  return [...saved, ...replaceFiles(folder)];
}

function replaceFiles({ mine, theirs }: RuntimeFolder): FileChange[] {
  const gone = [...mine.keys()].filter((path) => !theirs.has(path));
  return [
    ...[...theirs].map(([path, raw]): FileChange => {
      const present = mine.get(path);
      if (present === undefined) return { path, action: 'new', write: raw };
      if (isSame(present, contentOf(raw))) return { path, action: 'unchanged' };
      return { path, action: 'updated', write: inFormOf(present, raw) };
    }),
    ...gone.map((path): FileChange => ({ path, action: 'removed' })),
  ];
}

/** Against the version that was changed, where it is known, so that the patch says what the person did. */
function patchOfChanges({ name, base, mine, theirs }: RuntimeFolder, manifest?: Manifest): FileChange {
  const known = manifest !== undefined && readManifest(base.get(`${name}/manifest.json`));
  const original =
    known && known.sha256 === manifest.sha256
      ? base
      : new Map([...theirs].map(([path, raw]) => [path, contentOf(raw)] as const));
  const paths = [...new Set([...original.keys(), ...mine.keys()])].sort();
  const patch = paths.map((path) => formatPatch(path, original.get(path), mine.get(path))).join('');
  return {
    path: `${name}-${manifest?.version ?? 'changed'}.patch`,
    action: 'new',
    reason: `what was changed in ${name}`,
    write: patch,
  };
}

interface Manifest {
  readonly version: string;
  readonly sha256: string;
}

function readManifest(content: Content | undefined): Manifest | undefined {
  try {
    const value = JSON.parse(content?.kind === 'text' ? content.text : '') as Partial<Manifest> | null;
    if (typeof value?.version !== 'string' || typeof value.sha256 !== 'string') return undefined;
    // It becomes part of a file's name.
    return /^[\w.-]+$/.test(value.version) ? { version: value.version, sha256: value.sha256 } : undefined;
  } catch {
    return undefined;
  }
}

function hashOfFolder(name: string, files: ReadonlyMap<string, Content>): string | undefined {
  const texts = new Map<string, string>();
  for (const [path, content] of files) {
    if (content.kind !== 'text') return undefined;
    texts.set(path.slice(name.length + 1), content.text);
  }
  return hashRuntimeFiles(texts);
}
