// Installs all that the tests need, each step only when its inputs changed: Node packages, Python packages, the build.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const marks = join(root, '.cache', 'setup');

/** Runs `work` unless it ran before with the same inputs (contents of files and folders). */
async function once(name, inputs, work) {
  const hash = createHash('sha256');
  for (const input of inputs) addTo(hash, join(root, input));
  const digest = hash.digest('hex');
  const mark = join(marks, name);
  if (existsSync(mark) && readFileSync(mark, 'utf8') === digest && existsSync(join(root, 'node_modules')))
    return;
  process.stderr.write(`setup: ${name}\n`);
  await work();
  mkdirSync(marks, { recursive: true });
  writeFileSync(mark, digest);
}

function addTo(hash, path) {
  if (!existsSync(path)) return;
  if (statSync(path).isDirectory()) {
    for (const name of readdirSync(path).sort()) if (name !== '__pycache__') addTo(hash, join(path, name));
    return;
  }
  hash.update(path).update(readFileSync(path));
}

const run = (file, ...args) =>
  execFileSync(file, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });

export async function setUp({ tests = true } = {}) {
  await once('packages', ['package-lock.json'], () =>
    run('npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error'),
  );
  await once(
    'build',
    ['src', 'bin', 'templates', 'scripts/build.js', 'package.json', 'package-lock.json'],
    () => run(process.execPath, 'scripts/build.js'),
  );
  if (!tests) return;
  await once('python-and-runtime-clients', ['scripts/setup', 'test/requirements.txt'], async () => {
    const { installRics } = await import('./setup/lambda-rics.js');
    await installRics();
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setUp();
