import { chmod, mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { findNode, findPython } from '../../src/project/interpreters.ts';
import { Told, temporaryFolder, testContext, venvBin } from '../local/lambda/lambda-bed.ts';

const context = (env: Record<string, string>) => testContext(new Told(), env);
const [major] = process.versions.node.split('.');
const { stdout: pythonVersion } = await execa(join(venvBin, 'python'), [
  '-c',
  'import sys; print("%d.%d.%d" % sys.version_info[:3])',
]);
const [, pythonMinor] = pythonVersion.split('.').map(Number);

/** A folder with executables that print what they are told, as an interpreter would that is asked who it is. */
async function fakes(versions: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, version] of Object.entries(versions)) {
    const file = join(folder, name);
    await writeFile(
      file,
      version === 'broken' ? '#!/bin/sh\nexit 127\n' : `#!/bin/sh\necho "$0"\necho ${version}\n`,
    );
    await chmod(file, 0o755);
  }
  return folder;
}

describe('Node', () => {
  test('is the one that runs lambdapg', async () => {
    expect(await findNode(context({}), `nodejs${major}.x`)).toEqual({
      executable: process.execPath,
      version: process.versions.node,
    });
  });

  test('a difference from the Lambda runtime is told', async () => {
    const { difference } = await findNode(context({}), 'nodejs99.x');
    expect(difference).toBe(
      `functions run on Node ${process.versions.node} here and on 99 (nodejs99.x) on Lambda`,
    );
  });

  test('is another by LAMBDAPG_NODE_BIN', async () => {
    const folder = await temporaryFolder();
    await symlink(process.execPath, join(folder, 'my-node'));
    const found = await findNode(context({ LAMBDAPG_NODE_BIN: join(folder, 'my-node') }), 'nodejs24.x');
    expect(await realpath(found.executable)).toBe(await realpath(process.execPath));
  });

  test.each([
    ['/not/there', 'NODE_NOT_FOUND', /LAMBDAPG_NODE_BIN is no Node that runs: \/not\/there/],
    ['old', 'NODE_TOO_OLD', /is Node 20\.18\.9, and 20\.19 is the oldest that works/],
  ])('%s is refused', async (name, code, message) => {
    const folder = await fakes({ old: '20.18.9' });
    const found = findNode(
      context({ LAMBDAPG_NODE_BIN: name === 'old' ? join(folder, name) : name }),
      'nodejs24.x',
    );
    await expect(found).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe('Python', () => {
  test("is the project's own, when it has one", async () => {
    const project = await temporaryFolder();
    await mkdir(join(project, '.venv'));
    await symlink(venvBin, join(project, '.venv', 'bin'));
    const found = await findPython(
      context({ PATH: process.env.PATH ?? '' }),
      `python3.${pythonMinor}`,
      project,
    );
    expect(found).toEqual({ executable: join(project, '.venv/bin/python'), version: pythonVersion });
  });

  test.each([
    ['the one of the runtime', { python3: '3.12.1', 'python3.13': '3.13.2' }, 'python3.13', undefined],
    [
      'a shim that does not run is passed over',
      { 'python3.13': 'broken', python3: '3.11.4' },
      'python3',
      'functions run on Python 3.11.4 here and on 3.13 (python3.13) on Lambda',
    ],
    [
      'one that is too old is passed over',
      { python3: '3.9.9', 'python3.10': '3.10.1' },
      'python3.10',
      expect.stringContaining('3.10.1'),
    ],
  ])('is found on the path: %s', async (_what, versions, name, difference) => {
    const PATH = await fakes(versions);
    const found = await findPython(context({ PATH }), 'python3.13', '/nowhere');
    expect(found.executable).toBe(join(PATH, name));
    expect(found.difference).toEqual(difference);
  });

  test('is another by LAMBDAPG_PYTHON_BIN', async () => {
    const folder = await fakes({ mine: '3.14.0' });
    const found = await findPython(
      context({ LAMBDAPG_PYTHON_BIN: join(folder, 'mine') }),
      'python3.14',
      '/nowhere',
    );
    expect(found).toEqual({ executable: join(folder, 'mine'), version: '3.14.0' });
  });

  test.each([
    [{}, {}, 'PYTHON_NOT_FOUND', 'no Python 3.10 or newer found for the runtime python3.13'],
    [
      { python3: '3.9.2' },
      {},
      'PYTHON_TOO_OLD',
      expect.stringContaining('Python 3.9.2, and 3.10 is the oldest'),
    ],
    [
      {},
      { LAMBDAPG_PYTHON_BIN: '/not/there' },
      'PYTHON_NOT_FOUND',
      'LAMBDAPG_PYTHON_BIN is no Python that runs: /not/there',
    ],
  ])('%j %j is refused', async (versions, env, code, message) => {
    const PATH = await fakes(versions);
    const refused: unknown = await findPython(context({ PATH, ...env }), 'python3.13', '/nowhere').catch(
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ code, message });
    expect((refused as { suggestions: string[] }).suggestions.join()).toMatch(
      /install (Python 3\.13|a newer Python)/,
    );
  });
});
