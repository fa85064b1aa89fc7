import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { execa } from '../src/exec.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

const tests = `
import { expect, test } from 'vitest';
import { testWithTool } from ${JSON.stringify(join(root, 'test/not-available.ts'))};
const fail = () => expect(1).toBe(2);
testWithTool('no anvil here')('one', {}, fail);
testWithTool('no anvil here')('two', {}, fail);
testWithTool(undefined)('three', {}, fail);
test('four', () => {});
`;

test('what cannot be tried is told apart from what passed, failed and was skipped', async () => {
  // Inside the repository, where vitest is found.
  await mkdir(join(root, '.cache'), { recursive: true });
  const folder = await mkdtemp(join(root, '.cache/not-available-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'some.test.ts'), tests);
  const reporter = JSON.stringify(join(root, 'test/counts-reporter.ts'));
  const config = `export default { test: { include: ['*.test.ts'], reporters: [${reporter}] } };\n`;
  await writeFile(join(folder, 'vitest.config.ts'), config);
  const { stdout, exitCode } = await execa(
    process.execPath,
    [join(root, 'node_modules/vitest/vitest.mjs'), 'run'],
    { env: { CI: 'true' }, cwd: folder, reject: false },
  );
  expect(stdout).toContain('not available: 2 (no anvil here)');
  expect(stdout).toContain('1 passed, 1 failed, 0 skipped');
  expect(exitCode).toBe(1);
});
