// Installs all that the tests need, each step only when its inputs changed: Node packages, Python packages, the build.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once as event } from 'node:events';
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

async function run(file, ...args) {
  const stdio = ['ignore', 'inherit', 'inherit'];
  const child = spawn(file, args, { cwd: root, stdio, shell: process.platform === 'win32' });
  const [code, signal] = await event(child, 'close');
  if (code !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${signal ?? `status ${code}`}`);
}

async function installPackages() {
  await once('packages', ['package-lock.json'], () =>
    run('npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error'),
  );
  const inputs = ['src', 'bin', 'templates', 'scripts/build.js', 'package.json', 'package-lock.json'];
  await once('build', inputs, () => run(process.execPath, 'scripts/build.js'));
}

/** A virtual environment and a native addon: minutes of their own, and nothing of the Node packages is in them. */
const installClients = () =>
  once('python-and-runtime-clients', ['scripts/setup', 'test/requirements.txt'], () =>
    run(process.execPath, 'scripts/setup/lambda-rics.js'),
  );

export async function setUp({ tests = true } = {}) {
  const parts = await Promise.allSettled([installPackages(), ...(tests ? [installClients()] : [])]);
  for (const { reason } of parts) if (reason !== undefined) throw reason;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await setUp();
