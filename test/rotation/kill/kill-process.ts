import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { ConnectionTarget } from '../../../src/database/target.ts';
import type { ChildInput, ChildOutput } from './child.ts';

const source = fileURLToPath(new URL('child.ts', import.meta.url));

/** How a process that rotates has ended. */
export interface Ended {
  readonly isKilled: boolean;
  /** One for each run that came to its end. */
  readonly runs: readonly ChildOutput[];
}

/** In one file: hundreds of processes start, and translating each time would take longer than the rotation. */
export async function bundleChild(dir: string): Promise<string> {
  const outfile = join(dir, 'kill-child.mjs');
  const banner =
    "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
  await build({
    ...{ entryPoints: [source], outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20.19' },
    ...{ external: ['pg-native'], banner: { js: banner }, logLevel: 'error' },
  });
  return outfile;
}

/** Rotates in a process of its own. @throws when it ends in another way than well or by its own kill */
export async function runChild(
  script: string,
  input: Omit<ChildInput, 'password'>,
  password: ConnectionTarget['password'],
): Promise<Ended> {
  if (typeof password === 'function') throw new Error('the admin of the bed has a password');
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  child.stdin.end(JSON.stringify({ ...input, password: password.reveal() }));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  const isKilled = child.signalCode === 'SIGKILL';
  if (!isKilled && child.exitCode !== 0) throw new Error(`a run ended with ${child.exitCode}: ${stderr}`);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return { isKilled, runs: lines.map((line) => JSON.parse(line) as ChildOutput) };
}
