import { createHash } from 'node:crypto';
import { chmod, chown, lstat, mkdir, mkdtemp, readlink, rename, rm, stat, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorCode, UserError } from '../../errors.ts';
import { copyTree } from './copy-tree.ts';
import type { RunAs } from './run-as.ts';
import type { ServerBinaries } from './server-binaries.ts';

type OtherUser = Extract<RunAs, { kind: 'user' }>;

/** Whether that user may walk to `path`: by the mode bits of every folder above it; groups and ACLs are not asked. */
async function canReach({ uid, gid }: OtherUser, path: string): Promise<boolean> {
  for (let dir = path; ; dir = dirname(dir)) {
    const found = await stat(dir);
    const bit = found.uid === uid ? 0o100 : found.gid === gid ? 0o010 : 0o001;
    if ((found.mode & bit) === 0) return false;
    if (dir === dirname(dir)) return true;
  }
}

/**
 * Our folder under `/var/tmp`, which every user can walk through and only we can change. Anyone may have made a folder of
 * that name before us, so its owner and mode are verified.
 */
async function openPlace(): Promise<string> {
  const uid = process.getuid?.() ?? 0;
  const place = `/var/tmp/lambdapg-${uid}`;
  await mkdir(place, { mode: 0o711 }).catch((error) => {
    if (errorCode(error) !== 'EEXIST') throw error;
  });
  const found = await lstat(place);
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o022) !== 0) {
    throw new UserError('UNSAFE_PLACE', `"${place}" is not a folder that only user ${uid} can change`, {
      suggestions: [`look at it and remove it: ls -ld ${place}`],
    });
  }
  await chmod(place, 0o711);
  return place;
}

/** The binaries where `runAs` can run them: where they are, or copied. */
export async function placeBinaries(binaries: ServerBinaries, runAs: RunAs): Promise<ServerBinaries> {
  const { nativeDir } = binaries;
  if (runAs.kind !== 'user' || nativeDir === undefined || (await canReach(runAs, binaries.binDir)))
    return binaries;
  const { mtimeMs, ino } = await stat(join(binaries.binDir, 'postgres'));
  const copy = join(
    await openPlace(),
    `native-${binaries.major}-${shortHash(`${nativeDir} ${ino} ${mtimeMs}`)}`,
  );
  if ((await stat(copy).catch(() => undefined)) === undefined) await copyForAll(nativeDir, copy);
  return { ...binaries, nativeDir: copy, binDir: join(copy, basename(binaries.binDir)) };
}

async function copyForAll(source: string, copy: string): Promise<void> {
  const staging = await mkdtemp(`${copy}.new-`);
  try {
    await copyTree(source, join(staging, 'native'));
    await rename(join(staging, 'native'), copy).catch((error) => {
      if (errorCode(error) !== 'ENOTEMPTY' && errorCode(error) !== 'EEXIST') throw error;
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/**
 * Makes the empty folder for a new cluster's data where the server can reach it, owned by the server's user: `place`
 * itself, or a folder elsewhere with a symlink at `place`.
 *
 * @param identity names the cluster for good: its final path
 */
export async function makeDataDir(place: string, identity: string, runAs: RunAs): Promise<void> {
  if (runAs.kind !== 'user') {
    await mkdir(place, { mode: 0o700 });
    return;
  }
  const here = await canReach(runAs, dirname(place));
  const dir = here ? place : join(await openPlace(), `data-${shortHash(identity)}`);
  if (!here) {
    await rm(dir, { recursive: true, force: true });
    await symlink(dir, place);
  }
  await mkdir(dir, { mode: 0o700 });
  await chown(dir, runAs.uid, runAs.gid);
}

/** Removes a cluster's folder, also the data elsewhere that its symlink `data` names. */
export async function removeCluster(clusterDir: string): Promise<void> {
  // Retries: a server or initdb that was just killed may still write.
  const options = { recursive: true, force: true, maxRetries: 10 };
  const elsewhere = await readlink(join(clusterDir, 'data')).catch(() => undefined);
  if (elsewhere !== undefined) await rm(elsewhere, options);
  await rm(clusterDir, options);
}

/** Under sudo: gives our own files to the caller, who owns the project and will run us again without sudo. */
export async function giveToCaller(runAs: RunAs, paths: readonly string[]): Promise<void> {
  if (runAs.kind !== 'user' || !runAs.isCaller) return;
  for (const path of paths) await chown(path, runAs.uid, runAs.gid);
}

/** Gives a small file of ours to the server's user. */
export async function giveTo(runAs: RunAs, path: string): Promise<void> {
  if (runAs.kind === 'user') await chown(path, runAs.uid, runAs.gid);
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}
