import { chown, lstat, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { withClient } from '../../../src/database/with-client.ts';
import { resetLocalPostgres } from '../../../src/local/postgres/reset-local-postgres.ts';
import { chooseRunAs, serverEnvironment } from '../../../src/local/postgres/run-as.ts';
import { parseProjectName } from '../../../src/project/names.ts';
import { startTestPostgres, testContext } from '../../postgres-server.ts';
import { startServerProcess } from './server-process.ts';
import { cleanUps, makeProject, nobody, postmasterUid } from './temp-project.ts';

const names = parseProjectName('library');

test('a server gets what it needs from the environment and no secrets', () => {
  const env = {
    PATH: '/bin',
    TMPDIR: '/t',
    AWS_SECRET_ACCESS_KEY: 'canary',
    PGPASSWORD: 'canary',
    LC_ALL: 'xx',
  };
  expect(serverEnvironment(env)).toEqual({ PATH: '/bin', TMPDIR: '/t', LC_ALL: 'C' });
});

// Who is not root runs every other test of this folder as himself.
if (process.getuid?.() === 0) {
  test('as root: a user namespace where it works, else nobody, under sudo the caller', async () => {
    expect(['namespace', 'user']).toContain((await chooseRunAs(testContext())).kind);
    const fallback = { kind: 'user', uid: nobody, gid: nobody, isCaller: false };
    expect(await chooseRunAs(testContext(), false)).toEqual(fallback);
    const sudo = testContext({ env: { SUDO_UID: '1000', SUDO_GID: '1001' } });
    expect(await chooseRunAs(sudo)).toEqual({ kind: 'user', uid: 1000, gid: 1001, isCaller: true });
  });

  test('as root without namespaces, in a folder that nobody else may enter: data and binaries move', async () => {
    const projectDir = await makeProject(0o700);
    const start = () => startTestPostgres({ projectDir, namespaces: false, initdb: true });
    const { local } = await start();
    cleanUps.push(() => local.stop());
    const elsewhere = await readlink(local.dataDir);
    expect(elsewhere).toMatch(/^\/var\/tmp\/lambdapg-0\/data-[0-9a-f]{12}$/);
    expect((await lstat('/var/tmp/lambdapg-0')).mode & 0o777).toBe(0o711);
    expect(await postmasterUid(local.dataDir)).toBe(nobody);
    await withClient(local.admin, { applicationName: 'root test' }, (client) =>
      client.query('CREATE TABLE kept ()'),
    );
    await local.stop();

    const again = await start();
    cleanUps.push(() => again.local.stop());
    await withClient(again.local.admin, { applicationName: 'root test' }, (client) =>
      client.query('TABLE kept'),
    );
    await again.local.stop();
    await resetLocalPostgres(testContext(), { projectDir, major: 17 });
    await expect(stat(elsewhere)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('as root without namespaces, in a folder that all may enter: data stays in the project', async () => {
    const projectDir = await makeProject(0o755);
    const { local } = await startTestPostgres({ projectDir, namespaces: false, initdb: true });
    cleanUps.push(() => local.stop());
    expect((await lstat(local.dataDir)).isDirectory()).toBe(true);
    expect((await stat(local.dataDir)).uid).toBe(nobody);
    expect((await stat(join(projectDir, '.lambdapg/postgres/17/credentials.json'))).uid).toBe(0);
    expect(await postmasterUid(local.dataDir)).toBe(nobody);
  });

  test('an ordinary user needs none of this', async () => {
    const projectDir = await makeProject(0o755);
    await chown(projectDir, nobody, nobody);
    const mine = startServerProcess({ projectDir, names }, { user: { uid: nobody, gid: nobody } });
    cleanUps.push(() => mine.murder());
    expect(await mine.started).toMatchObject({ adopted: false });
    expect(await readFile(join(projectDir, '.lambdapg/postgres/17/server.log'), 'utf8')).toContain(
      'ready to accept',
    );
    await mine.stop();
  });
}
