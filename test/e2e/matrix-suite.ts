import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ProjectConfig } from '../../src/project/config-schema.ts';
import { getProject } from '../../src/project/find-project.ts';
import { checkEngine } from '../templates/check-engine.ts';
import { emptyFolder, plainEnvironment } from './cli.ts';
import { installNode, installPackedCli, linkPackages } from './matrix-packages.ts';
import { startDev } from './packed-suite.ts';

const minute = 60_000;

/**
 * From the packed tarball to a project that serves rows, passes its own tests and is what its engine takes.
 *
 * @param projects flags of `init` by title
 */
export function describeMatrix(projects: ReadonlyMap<string, readonly string[]>): void {
  describe.each([...projects])('%s', (_title, flags) => {
    let cli: string;
    beforeAll(async () => {
      cli = await installPackedCli();
    }, 5 * minute);

    test('is generated, typechecks, passes its tests, serves rows, and its engine takes it', {
      timeout: 10 * minute,
    }, async () => {
      const folder = await emptyFolder();
      const made = ['init', 'my-library', '--no-install', '--no-git', '--yes'];
      const env = plainEnvironment();
      await execa(process.execPath, [cli, ...made, ...flags], { cwd: folder, env, extendEnv: false });
      const project = join(folder, 'my-library');
      await linkPackages(project);
      const { config } = await getProject(project);
      const runtime = await runtimeOf(config);
      const options = { cwd: project, env: { ...env, ...runtime }, extendEnv: false } as const;

      await execa('npm', ['run', '--silent', 'typecheck'], options);
      await execa('npm', ['test', '--silent'], options);

      const { url, stop } = await startDev(project, { ...env, ...runtime });
      const response = await fetch(`${url}/books?limit=2`);
      expect(await response.text()).toContain('"title"');
      expect(response.status).toBe(200);
      await stop();

      await checkEngine(project, config, options.env);
    });
  });
}

/** The Node of the project's own Lambda runtime; Python's is the one of the virtual environment. */
async function runtimeOf({ language, runtime }: ProjectConfig): Promise<Record<string, string>> {
  return language === 'node' ? { LAMBDAPG_NODE_BIN: await installNode(runtime) } : {};
}
