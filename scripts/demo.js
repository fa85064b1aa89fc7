// The main job, for Node and for Python: a project is generated from the packed command line, installed, started, and
// asked one real HTTP question, which its Lambda handler answers with rows from an embedded PostgreSQL.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setUp } from './setup.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const windows = process.platform === 'win32';
const cli = join(root, 'bin/run.js');

/** Starts `npm run dev` and resolves with the URL that its `ready` event names. */
function startDev(project) {
  const child = spawn('npm', ['run', '--silent', 'dev', '--', '--json', '--port', '0'], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: windows,
    // A group of its own, so that stopping it is what Ctrl-C on a terminal is: a signal to npm and to what it runs.
    detached: !windows,
  });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`npm run dev ended with ${code} before it was ready`)));
    createInterface(child.stdout).on('line', (line) => {
      const event = JSON.parse(line);
      if (event.type === 'ready') resolve({ child, url: event.url });
      else if (event.message && event.type !== 'log') process.stdout.write(`  ${event.message}\n`);
    });
  });
}

async function serve(language, folder) {
  const project = join(folder, `library-${language}`);
  process.stdout.write(`\n$ lambdapg init library-${language} --language ${language} --yes\n`);
  execFileSync(process.execPath, [cli, 'init', project, '--language', language, '--yes', '--no-git'], {
    stdio: 'inherit',
  });
  process.stdout.write('\n$ npm run dev\n');
  const { child, url } = await startDev(project);
  try {
    const response = await fetch(`${url}/books?limit=3`);
    const body = await response.json();
    process.stdout.write(
      `\n$ curl ${url}/books?limit=3\nHTTP ${response.status}\n${JSON.stringify(body, null, 2)}\n`,
    );
    if (response.status !== 200 || !JSON.stringify(body).includes('title'))
      throw new Error('no rows came back');
  } finally {
    const stopped = new Promise((resolve) => child.once('exit', resolve));
    if (windows) execFileSync('taskkill', ['/pid', String(child.pid), '/T', '/F']);
    else process.kill(-child.pid, 'SIGINT');
    await stopped;
  }
}

await setUp({ tests: false });
const folder = mkdtempSync(join(tmpdir(), 'lambdapg-demo-'));
try {
  await serve('node', folder);
  await serve('python', folder);
  process.stdout.write('\nBoth handlers answered with rows from an embedded PostgreSQL.\n');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
