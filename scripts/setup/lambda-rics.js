// Installs AWS's own runtime interface clients, unmodified: the judges of the local Lambda.
//   awslambdaric (Python) and the AWS CLI into <repo>/.venv, aws-lambda-ric (Node) into .cache.
// Runs by itself, too: node scripts/setup/lambda-rics.js
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const venv = join(root, '.venv');
const bin = join(venv, process.platform === 'win32' ? 'Scripts' : 'bin');
const python = join(bin, process.platform === 'win32' ? 'python.exe' : 'python');
const cache = join(root, '.cache', 'aws-lambda-ric');
const nodeRicVersion = '4.0.2';
const nodeRic = join(cache, 'node_modules', 'aws-lambda-ric');

/** Its native addon needs Linux (or another system that aws-lambda-cpp builds on); macOS and Windows go without. */
const nodeRicBuilds = !['darwin', 'win32'].includes(process.platform);

/** Idempotent; throws with what is missing and how to get it. */
export async function installRics() {
  installPython();
  if (nodeRicBuilds) installNode();
}

function installPython() {
  if (!existsSync(python)) {
    const base = ['python3', 'python'].find((name) =>
      runs(name, '-c', 'import sys; sys.exit(sys.version_info < (3, 10))'),
    );
    if (base === undefined)
      throw new Error(
        'the tests need Python 3.10 or newer on the path (Debian: apt-get install python3 python3-venv)',
      );
    run('making .venv (Debian: apt-get install python3-venv)', base, ['-m', 'venv', venv]);
  }
  const requirements = join(root, 'test', 'requirements.txt');
  run('installing test/requirements.txt', python, [
    '-m',
    'pip',
    'install',
    '-q',
    '--disable-pip-version-check',
    '-r',
    requirements,
  ]);
}

function installNode() {
  if (existsSync(join(nodeRic, 'rapid-client.node'))) return;
  for (const tool of ['g++', 'make', 'tar', 'xz']) {
    if (!runs(tool, '--version'))
      throw new Error(
        `aws-lambda-ric builds a native addon and needs ${tool} (Debian: apt-get install g++ make xz-utils)`,
      );
  }
  if (!runs('cmake', '--version')) {
    run('installing cmake', python, ['-m', 'pip', 'install', '-q', '--disable-pip-version-check', 'cmake<4']);
  }
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  const name = `aws-lambda-ric@${nodeRicVersion}`;
  // The install script is the build; npm 12 runs none that is not allowed by name.
  writeFileSync(
    join(cache, 'package.json'),
    JSON.stringify({ private: true, allowScripts: { [name]: true } }),
  );
  const headers = dirname(dirname(process.execPath));
  run(
    `building ${name} (about a minute)`,
    'npm',
    ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error', '--ignore-scripts=false', name],
    {
      cwd: cache,
      env: {
        ...process.env,
        PATH: `${bin}${delimiter}${process.env.PATH}`,
        PYTHON: python,
        // Where the running Node brought its headers along, node-gyp need not download them.
        ...(existsSync(join(headers, 'include', 'node', 'node.h')) && { npm_config_nodedir: headers }),
      },
    },
  );
  if (!existsSync(join(nodeRic, 'rapid-client.node')))
    throw new Error(`${name} was installed without its native addon`);
}

function runs(file, ...args) {
  return spawnSync(file, args, { stdio: 'ignore' }).status === 0;
}

function run(what, file, args, options = {}) {
  process.stderr.write(`setup: ${what}\n`);
  try {
    execFileSync(file, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      ...options,
    });
  } catch (error) {
    const output = `${error.stdout ?? ''}${error.stderr ?? ''}`.split('\n').slice(-40).join('\n');
    throw new Error(`${what} failed: ${file} ${args.join(' ')}\n${output}`, { cause: error });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await installRics();
