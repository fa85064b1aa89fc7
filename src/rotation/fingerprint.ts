import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../errors.ts';

const keyBytes = 32;

/** Where the journals of a project's rotations and the key of their fingerprints lie. */
export const rotationsDir = (projectDir: string): string => join(projectDir, '.lambdapg', 'rotations');

export const newFingerprintKey = (): Buffer => randomBytes(keyBytes);

/**
 * The project's key for fingerprints, made on first use (mode 0600). Whoever loses it only loses the comparison with old
 * journals. A key that cannot be read as one is replaced.
 */
export async function fingerprintKey(projectDir: string): Promise<Buffer> {
  const path = join(rotationsDir(projectDir), 'key');
  const known = await readKey(path);
  if (known !== undefined) return known;
  await mkdir(rotationsDir(projectDir), { recursive: true });
  const key = newFingerprintKey();
  // Two runs at once: the first one's key counts. One that is no key was written by nobody of ours.
  const flag = (await isThere(path)) ? 'w' : 'wx';
  await writeFile(path, `${key.toString('hex')}\n`, { mode: 0o600, flag }).catch((error: unknown) => {
    if (errorCode(error) !== 'EEXIST') throw error;
  });
  return (await readKey(path)) ?? key;
}

async function readKey(path: string): Promise<Buffer | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return /^[0-9a-f]{64}$/.test(text.trim()) ? Buffer.from(text.trim(), 'hex') : undefined;
}

const isThere = async (path: string): Promise<boolean> =>
  readFile(path).then(
    () => true,
    () => false,
  );
