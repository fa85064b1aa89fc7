import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { copyFreshCluster } from '../postgres-server.ts';
import { built, emptyFolder, plainEnvironment, repository, runCli } from './cli.ts';

export interface DevEvent {
  readonly type: string;
  readonly message: string;
  readonly [detail: string]: unknown;
}

/** A served project under test. */
export interface RunningDev {
  readonly url: string;
  readonly child: ChildProcess;
  /** Everything it said so far. */
  readonly events: readonly DevEvent[];
  readonly stderr: () => string;
  /** The next event, from now or already seen, that fits. */
  until(fits: (event: DevEvent) => boolean): Promise<DevEvent>;
  /** Ctrl-C, and the exit code. */
  stop(): Promise<number | null>;
}

/**
 * A generated project without its own install: it borrows this repository's packages and Python, and begins with a copy of an
 * empty cluster. With `initdb` the first start makes one, which takes seconds.
 */
export async function makeProject(
  language: 'node' | 'python' = 'node',
  name = 'my-api',
  { initdb = false }: { readonly initdb?: boolean } = {},
): Promise<string> {
  const cwd = await emptyFolder();
  const { exitCode, stderr } = await runCli(
    ['init', name, '--language', language, '--yes', '--no-install', '--no-git'],
    { cwd },
  );
  if (exitCode !== 0) throw new Error(stderr);
  const project = join(cwd, name);
  await symlink(join(repository, 'node_modules'), join(project, 'node_modules'));
  if (!initdb) await copyFreshCluster(project, 17);
  return project;
}

export function devEnvironment(): Record<string, string> {
  return { ...plainEnvironment(), LAMBDAPG_PYTHON_BIN: join(repository, '.venv/bin/python') };
}

/** Starts `lambdapg dev --json` and waits until it is ready; stopped when the test ends. */
export async function startDev(
  project: string,
  flags: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<RunningDev> {
  const child = spawn(
    process.execPath,
    [built, 'dev', '--json', ...(flags.includes('--port') ? [] : ['--port', '0']), ...flags],
    {
      cwd: project,
      env: { ...devEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const events: DevEvent[] = [];
  const waiting = new Set<(event: DevEvent) => void>();
  const exited = once(child, 'exit') as Promise<[number | null]>;
  createInterface(child.stdout).on('line', (line) => {
    const event = JSON.parse(line) as DevEvent;
    events.push(event);
    for (const wake of waiting) wake(event);
  });
  const until = (fits: (event: DevEvent) => boolean): Promise<DevEvent> => {
    const seen = events.find(fits);
    if (seen !== undefined) return Promise.resolve(seen);
    return new Promise((resolve, reject) => {
      const wake = (event: DevEvent): void => {
        if (!fits(event)) return;
        waiting.delete(wake);
        resolve(event);
      };
      waiting.add(wake);
      void exited.then(([code]) =>
        reject(new Error(`dev ended with ${code}: ${errors}${events.at(-1)?.message ?? ''}`)),
      );
    });
  };
  const stop = async (): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT');
    return (await exited)[0];
  };
  onTestFinished(async () => {
    await stop();
  });
  const ready = await until((event) => event.type === 'ready');
  return { url: ready.url as string, child, events, stderr: () => errors, until, stop };
}

/** As editors save: whoever watches the project meets the old text or the new one, and never an empty file. */
export async function saveFile(project: string, file: string, text: string): Promise<void> {
  const unsaved = `${project}.unsaved`;
  await writeFile(unsaved, text);
  await rename(unsaved, join(project, file));
}

/** Two of the project's books. */
export async function books(url: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`${url}/books?limit=2`);
  return { status: response.status, text: await response.text() };
}

/** Processes whose command line or environment mentions `folder`: PostgreSQL and execution environments of a project. */
export function processesOf(folder: string): { pid: number; command: string }[] {
  const found: { pid: number; command: string }[] = [];
  for (const pid of readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      if (pid !== process.pid && (command.includes(folder) || environment.includes(folder)))
        found.push({ pid, command });
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}
