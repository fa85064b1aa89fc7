import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Language } from '../../src/project/choices.ts';
import { emptyFolder, plainEnvironment, repository } from './cli.ts';

export interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** What `npm pack` makes of the repository as it is built. */
export async function packRepository(): Promise<{ readonly packed: Packed; readonly tarball: Buffer }> {
  const folder = await mkdtemp(join(tmpdir(), 'lambdapg-packed-'));
  try {
    const { stdout } = await execa(
      'npm',
      ['pack', '--json', '--ignore-scripts', '--pack-destination', folder],
      {
        cwd: repository,
      },
    );
    const packed = (JSON.parse(stdout) as Packed[])[0] as Packed;
    return { packed, tarball: await readFile(join(folder, packed.filename)) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Starts `npm run dev` in a project and yields the URL of its `ready` event; stopped by Ctrl-C when the test ends. */
export async function startDev(
  project: string,
  env: Record<string, string>,
): Promise<{ url: string; stop: () => Promise<number | null> }> {
  const child = spawn('npm', ['run', '--silent', 'dev', '--', '--json', '--port', '0'], {
    cwd: project,
    env,
    detached: true,
  });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const stop = async (): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined)
      process.kill(-child.pid, 'SIGINT');
    return (await exited)[0];
  };
  onTestFinished(async () => void (await stop()));
  const lines = createInterface(child.stdout);
  const ready = (async () => {
    for await (const line of lines) {
      const event = JSON.parse(line) as { type: string; url: string };
      if (event.type === 'ready') return event.url;
    }
    throw new Error(`dev ended before it was ready: ${errors}`);
  })();
  const url = await ready;
  lines.on('line', () => {});
  return { url, stop };
}

/** From the tarball alone, as somebody has it who installs it. */
export function describePacked(language: Language): void {
  describe(`from the packed tarball, in an empty HOME: a ${language} project`, () => {
    let tarball: Buffer;
    beforeAll(async () => {
      tarball = (await packRepository()).tarball;
    });

    test('is generated, serves rows, passes its own tests, and so does a colleague’s clone', {
      timeout: 300_000,
    }, async () => {
      const folder = await emptyFolder();
      const home = join(folder, 'home');
      await mkdir(home);
      const env = {
        ...plainEnvironment(),
        HOME: home,
        GIT_AUTHOR_NAME: 'a',
        GIT_AUTHOR_EMAIL: 'a@example.com',
        GIT_COMMITTER_NAME: 'a',
        GIT_COMMITTER_EMAIL: 'a@example.com',
      };
      const options = { env, extendEnv: false, cwd: folder } as const;
      await writeFile(join(folder, 'lambdapg.tgz'), tarball);
      await execa(
        'npx',
        ['--yes', './lambdapg.tgz', 'init', 'my-api', '--language', language, '--yes'],
        options,
      );
      const project = join(folder, 'my-api');

      const first = await startDev(project, env);
      const response = await fetch(`${first.url}/books?limit=2`);
      expect(response.status).toBe(200);
      expect(JSON.stringify(await response.json())).toContain('"title"');
      await first.stop();

      await execa('git', ['add', '-A'], { ...options, cwd: project });
      await execa('git', ['commit', '-qm', 'first'], { ...options, cwd: project });
      const tracked = (await execa('git', ['ls-files'], { ...options, cwd: project })).stdout;
      expect(tracked).not.toMatch(/\.lambdapg\/|node_modules|\.venv/);

      // The colleague: other folders, no npx cache, no trace of the first project or the tarball it came from.
      await execa('git', ['clone', '-q', project, join(folder, 'clone')], options);
      await rename(project, join(folder, 'gone'));
      await rm(join(folder, 'gone'), { recursive: true });
      await rm(join(folder, 'lambdapg.tgz'));
      await rm(join(home, '.npm/_npx'), { recursive: true, force: true });
      const clone = { ...options, cwd: join(folder, 'clone') };
      await execa('npm', ['install', '--no-audit', '--no-fund'], clone);
      if (language === 'python') {
        await execa('python3', ['-m', 'venv', '.venv'], clone);
        await execa('.venv/bin/pip', ['install', '-q', '-r', 'requirements-dev.txt'], {
          ...clone,
          preferLocal: false,
        });
      }
      await execa('npm', ['test'], clone);
      await execa('npm', ['run', 'typecheck'], clone);
    });
  });
}
