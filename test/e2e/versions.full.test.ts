import { chmod, chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { built, emptyFolder, plainEnvironment } from './cli.ts';
import { makeProject, processesOf, startDev } from './dev.ts';

const rows = async (url: string): Promise<string> => (await fetch(`${url}/books?limit=2`)).text();

describe('lambdapg dev on every PostgreSQL', () => {
  test.each(['15', '16', '17', '18'])('--pg-version %s', { timeout: 180_000 }, async (major) => {
    const dev = await startDev(await makeProject(), ['--pg-version', major]);
    expect(await rows(dev.url)).toContain('"title"');
    expect(await (await fetch(`${dev.url}/health`)).json()).toEqual({
      status: 'ok',
      postgres: Number(major),
    });
  });

  test.runIf(process.platform === 'linux')(
    "another server's programs by LAMBDAPG_PG_BIN",
    { timeout: 180_000 },
    async () => {
      const first = await startDev(await makeProject(), ['--pg-version', '16']);
      const native =
        processesOf('/')
          .find(({ command }) => /bin\/postgres -D .*\/16\//.test(command))
          ?.command.split(' ')[0] ?? '';
      await first.stop();
      const dev = await startDev(await makeProject(), ['--pg-version', '16'], {
        LAMBDAPG_PG_BIN: join(native, '..'),
      });
      expect(await rows(dev.url)).toContain('"title"');
    },
  );
});

test.runIf(process.getuid?.() === 0)(
  'an ordinary user generates and serves a project',
  { timeout: 180_000 },
  async () => {
    const folder = await emptyFolder();
    const nobody = { uid: 65_534, gid: 65_534 };
    const home = join(folder, 'home');
    await mkdir(home);
    for (const path of [folder, home]) await chown(path, nobody.uid, nobody.gid);
    await chmod(folder, 0o755);
    const cache = join(home, 'cache');
    const options = {
      ...nobody,
      cwd: folder,
      env: { ...plainEnvironment(), HOME: home, LAMBDAPG_CACHE_DIR: cache },
      extendEnv: false,
    } as const;
    await execa(process.execPath, [built, 'init', 'my-api', '--yes', '--no-git'], options);
    const { stdout } = await execa('npm', ['test'], { ...options, cwd: join(folder, 'my-api') });
    expect(stdout).toMatch(/pass [1-9]/);
    expect(processesOf(join(folder, 'my-api'))).toEqual([]);
  },
);
