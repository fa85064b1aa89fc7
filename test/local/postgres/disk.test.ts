import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { explainDiskError } from '../../../src/local/postgres/explain-disk-error.ts';
import { parseProjectName } from '../../../src/project/names.ts';
import { makeFreshCluster, makeTempDir, startTestPostgres } from '../../postgres-server.ts';
import { asOrdinaryUser } from './ordinary-user.ts';
import { type Started, startServerProcess } from './server-process.ts';

const names = parseProjectName('library');
const isRoot = process.getuid?.() === 0;

// In a mount namespace of its own: nothing to unmount, and no need to be root where user namespaces are allowed.
const unshare = ['unshare', ...(isRoot ? [] : ['--user', '--map-root-user']), '--mount', '--', 'sh', '-c'];

/** Starts a server on a disk of its own, which `prepare` (shell, in the project's folder) makes small. */
async function startOnDisk(sizeMb: number, prepare: string): Promise<Started> {
  const projectDir = await makeTempDir();
  const script = `mount -t tmpfs -o size=${sizeMb}m tmpfs "${projectDir}" && (cd "${projectDir}" && ${prepare}); exec "$@"`;
  const starting = startServerProcess({ projectDir, names }, { wrapper: [...unshare, script, 'sh'] });
  const started = await starting.started;
  if (!('fault' in started)) await starting.stop();
  await rm(projectDir, { recursive: true });
  return started;
}

if (process.platform === 'linux') {
  const noSpace = expect.stringMatching(/^NO_SPACE: no room left on the disk that holds ".*\.lambdapg"$/);

  test('a disk too small for a cluster is named, and nothing half-made stays', async () => {
    expect(await startOnDisk(8, 'true')).toEqual({ fault: noSpace, left: [] });
  });

  test('a cluster on a full disk says so', async () => {
    const fresh = await makeFreshCluster(17);
    const copy = `mkdir -p .lambdapg/postgres && cp -a "${fresh}" .lambdapg/postgres/17`;
    const started = await startOnDisk(80, `${copy} && dd if=/dev/zero of=fill bs=4k 2>&-`);
    expect(started).toMatchObject({ fault: noSpace });
  });
}

test.each([
  [Object.assign(new Error('disk full'), { code: '53100' }), 'NO_SPACE'],
  ['FATAL:  could not write to file "pg_wal/xlogtemp.1": No space left on device', 'NO_SPACE'],
  [Object.assign(new Error('EDQUOT: quota exceeded'), { code: 'EDQUOT' }), 'NO_SPACE'],
  [Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' }), 'STATE_DIR_UNWRITABLE'],
  [Object.assign(new Error('no such file'), { code: 'ENOENT' }), undefined],
  [new TypeError('x is not a function'), undefined],
])('%s is %s', (fault, code) => {
  expect(explainDiskError(fault, '/project')?.code).toBe(code);
});

test('a project that cannot be written is named with what to do', async () => {
  const projectDir = await makeTempDir();
  const starting = asOrdinaryUser(projectDir, () => startTestPostgres({ projectDir, initdb: true }));
  await expect(starting).rejects.toMatchObject({
    code: 'STATE_DIR_UNWRITABLE',
    message: `"${join(projectDir, '.lambdapg')}" cannot be written (EACCES)`,
    suggestions: expect.arrayContaining([expect.stringContaining('chown')]),
  });
  await rm(projectDir, { recursive: true });
});

test('a file in the place of the state folder is named', async () => {
  const projectDir = await makeTempDir();
  const file = join(projectDir, '.lambdapg');
  await writeFile(file, '');
  await expect(startTestPostgres({ projectDir, initdb: true })).rejects.toMatchObject({
    code: 'STATE_DIR_UNWRITABLE',
    message: `"${file}" is not a folder`,
  });
  await rm(projectDir, { recursive: true });
});
