import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { built, emptyFolder, plainEnvironment, repository } from './cli.ts';

const enter = '\r';
const down = '\u001b[B';
const ctrlC = '\u0003';

/** Types at a real terminal: each step waits for a text and answers it. */
async function onTerminal(
  cwd: string,
  args: readonly string[],
  steps: readonly (readonly [string, string])[],
) {
  const plan = JSON.stringify({ steps, command: [process.execPath, built, ...args] });
  return execa('python3', [join(repository, 'test/e2e/terminal.py'), plan], {
    cwd,
    env: { ...plainEnvironment(), TERM: 'xterm' },
    extendEnv: false,
    reject: false,
  });
}

describe.skipIf(process.platform === 'win32')('questions on a terminal', () => {
  test('init asks what no flag answered, and only that', async () => {
    const cwd = await emptyFolder();
    const { exitCode, stdout } = await onTerminal(
      cwd,
      ['init', '--no-install', '--no-git', '--template', 'api'],
      [
        ['Project name', `shelf${enter}`],
        ['Language', `${down}${enter}`],
        ['Package manager', enter],
      ],
    );
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('cd shelf')]);
    expect(stdout).not.toContain('Template');
    const config = JSON.parse(await readFile(join(cwd, 'shelf/lambdapg.json'), 'utf8')) as object;
    expect(config).toMatchObject({ name: 'shelf', language: 'python', packageManager: 'npm' });
  });

  test('an illegal name is refused at the prompt', async () => {
    const cwd = await emptyFolder();
    const { exitCode, stdout } = await onTerminal(
      cwd,
      ['init', '--no-install', '--no-git', '--dry-run'],
      [
        ['Project name', `My Shelf${enter}`],
        ['lower case', ctrlC],
      ],
    );
    expect([exitCode, stdout]).toEqual([130, expect.stringContaining('npm package names are lower case')]);
  });

  test('Ctrl-C at a question: exit 130, nothing written', async () => {
    const cwd = await emptyFolder();
    const { exitCode } = await onTerminal(cwd, ['init', '--no-install'], [['Project name', ctrlC]]);
    expect(exitCode).toBe(130);
    expect(await readdir(cwd)).toEqual([]);
  });

  test('in CI nothing is asked, although there is a terminal', async () => {
    const cwd = await emptyFolder();
    const plan = JSON.stringify({ steps: [], command: [process.execPath, built, 'init', 'shelf'] });
    const { exitCode, stdout } = await execa('python3', [join(repository, 'test/e2e/terminal.py'), plan], {
      cwd,
      env: { ...plainEnvironment(), CI: 'true', TERM: 'xterm' },
      extendEnv: false,
      reject: false,
    });
    expect([exitCode, stdout]).toEqual([2, expect.stringContaining('--template, --language')]);
  });
});
