import { relative } from 'node:path';
import type { Context } from '../context.ts';
import { findPython } from '../project/interpreters.ts';
import type { Answers } from './answers.ts';
import { initGit } from './init-git.ts';
import { installPackages, installPythonPackages } from './install.ts';

interface SetUp {
  /** Absolute. */
  readonly directory: string;
  readonly answers: Answers;
  readonly git: boolean;
  readonly install: boolean;
}

/**
 * Makes a freshly written project ready to run: git, packages.
 *
 * @returns the commands to type next, in order
 * @throws UserError INSTALL_FAILED and its like; the project's files stay
 */
export async function setUpProject(
  context: Context,
  { directory, answers, git, install }: SetUp,
): Promise<string[]> {
  const { packageManager, choices } = answers;
  const { language } = choices;
  if (git) {
    const outcome = await initGit(context, directory);
    context.report({ type: 'git', message: `git: ${outcome}` });
  }
  if (install) {
    context.report({ type: 'install', message: `installing packages with ${packageManager}` });
    await installPackages(context, directory, packageManager);
    if (language === 'python') {
      const python = await findPython(context, answers.runtime, directory);
      context.report({
        type: 'install',
        message: `installing Python packages into .venv with ${python.executable}`,
      });
      await installPythonPackages(context, directory, python.executable);
    }
  }
  const place = relative(context.cwd, directory);
  const steps = place === '' ? [] : [`cd ${/\s/.test(place) ? `"${place}"` : place}`];
  if (!install) steps.push(`${packageManager} install`);
  if (!install && language === 'python')
    steps.push('python3 -m venv .venv && .venv/bin/pip install -r requirements-dev.txt');
  const run = packageManager === 'npm' ? 'npm run' : packageManager;
  return [...steps, `${run} dev`, packageManager === 'bun' ? 'bun run test' : `${packageManager} test`];
}
