// Runs the long tier and writes its result, with date and command, to docs/test-full.md.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const filters = process.argv.slice(2);
const child = spawn(
  process.execPath,
  [vitest, 'run', '--reporter=verbose', '--reporter=./test/counts-reporter.ts', ...filters],
  {
    cwd: root,
    env: { ...process.env, LAMBDAPG_TEST_TIER: 'full', NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
let output = '';
child.stdout.on('data', (chunk) => {
  output += chunk;
  process.stdout.write(chunk);
});
child.on('exit', (code) => {
  process.exitCode = code ?? 1;
  if (filters.length > 0) return;
  const tests = output
    .split('\n')
    .filter((line) => /^\s*[✓×↓]/.test(line))
    .map((line) => line.trim().replace(/\s+\d+m?s$/, ''));
  const counts = output.trim().split('\n').at(-1);
  const machine = `Node ${process.versions.node}, ${process.platform}-${process.arch}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
  writeFileSync(
    join(root, 'docs/test-full.md'),
    `# The long tier\n\n\`npm run test:full\` on ${new Date().toISOString().slice(0, 10)} (${machine}): **${counts}**\n\n${tests.map((line) => `    ${line}`).join('\n')}\n`,
  );
});
