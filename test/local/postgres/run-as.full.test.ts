import { chown, cp, mkdir, readdir, readlink, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readPostmasterFile } from '../../../src/local/postgres/postmaster-file.ts';
import { parseProjectName } from '../../../src/project/names.ts';
import { startTestPostgres, testContext } from '../../postgres-server.ts';
import { startServerProcess } from './server-process.ts';
import { cleanUps, makeProject, nobody, postmasterUid } from './temp-project.ts';

const names = parseProjectName('library');

// Needs a root that may become another user.
if (process.getuid?.() === 0) {
  test('binaries that only root can reach are copied to where all can', async () => {
    const projectDir = await makeProject(0o700);
    const { LAMBDAPG_CACHE_DIR } = testContext().env;
    const cache = await makeProject(0o700);
    await mkdir(join(cache, 'postgres'));
    await cp(join(LAMBDAPG_CACHE_DIR ?? '', 'postgres'), join(cache, 'postgres'), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (path) => !/-(15|16|18)\./.test(path),
    });
    const context = testContext({ env: { LAMBDAPG_CACHE_DIR: cache } });
    const { local } = await startTestPostgres({ projectDir, context, namespaces: false, initdb: true });
    cleanUps.push(() => local.stop());
    const pid = (await readPostmasterFile(local.dataDir))?.pid;
    const program = await readlink(`/proc/${pid}/exe`);
    expect(program).toMatch(/^\/var\/tmp\/lambdapg-0\/native-17-[0-9a-f]{12}\/bin\/postgres$/);
    await local.stop();
    await rm(join(program, '..', '..'), { recursive: true });
  });

  test('under sudo everything belongs to the caller, who goes on without sudo', async () => {
    const projectDir = await makeProject(0o755);
    await chown(projectDir, nobody, nobody);
    const env = { SUDO_UID: String(nobody), SUDO_GID: String(nobody) };
    const { local } = await startTestPostgres({ projectDir, context: testContext({ env }), initdb: true });
    cleanUps.push(() => local.stop());
    const mine = startServerProcess({ projectDir, names }, { user: { uid: nobody, gid: nobody } });
    cleanUps.push(() => mine.murder());
    expect(await mine.started).toMatchObject({ adopted: true, port: local.port });
    await mine.stop();
    await local.stop();

    const alone = startServerProcess({ projectDir, names }, { user: { uid: nobody, gid: nobody } });
    cleanUps.push(() => alone.murder());
    expect(await alone.started).toMatchObject({ adopted: false, port: expect.any(Number) });
    expect(await postmasterUid(local.dataDir)).toBe(nobody);
    await alone.stop();
    const owners = await Promise.all(
      (await readdir(join(projectDir, '.lambdapg'), { recursive: true })).map(
        async (name) => (await stat(join(projectDir, '.lambdapg', name))).uid,
      ),
    );
    expect(new Set(owners)).toEqual(new Set([nobody]));
  });
}
