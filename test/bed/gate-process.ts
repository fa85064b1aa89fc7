import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const python = join(root, '.venv', process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');

/** A running gate: AWS for tests. It ends by itself when this process does. */
export interface GateProcess {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts the gate (about 0.6 s) and waits for its URL. */
export async function startGateProcess(): Promise<GateProcess> {
  if (!existsSync(python)) throw new Error(`${python} is missing: run npm run setup`);
  const child = spawn(python, ['-m', 'gate'], {
    cwd: join(root, 'test', 'bed'),
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  });
  const url = await firstLine(child);
  return { url, stop: () => stop(child) };
}

async function firstLine(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) {
    child.unref();
    for (const stream of [child.stdin, child.stdout]) (stream as unknown as { unref(): void }).unref();
    return line;
  }
  throw new Error('the gate ended before it said where it listens');
}

function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.stdin?.end();
  });
}
