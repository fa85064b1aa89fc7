import { once } from 'node:events';
import { devNull } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { spawnProcess } from '../../src/exec.ts';

/** What one run of a command took. */
export interface Usage {
  readonly wallMs: number;
  /** User and system time, of its children too. */
  readonly cpuMs: number;
  /** Most resident memory, in megabytes of a million bytes. */
  readonly peakMb: number;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** File for what it prints; nowhere unless told. */
  readonly stdout?: string;
}

/** Runs commands one after the other. @throws Error when one of them fails */
export interface Measure {
  run(argv: readonly string[], options: RunOptions): Promise<Usage>;
  close(): Promise<void>;
}

/** Environment of a measured command: what a shell has. */
export function plainEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '', LANG = 'C.UTF-8' } = process.env;
  return { PATH, HOME, LANG };
}

export function startMeasure(): Measure {
  const script = fileURLToPath(new URL('./measure.py', import.meta.url));
  const child = spawnProcess('python3', [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('no pipes to python3');
  const exited = once(child, 'exit');
  const lines = createInterface(stdout)[Symbol.asyncIterator]();
  return {
    async run(argv, { cwd, env = plainEnvironment(), stdout: file = devNull }) {
      stdin.write(`${JSON.stringify({ argv, cwd, env, stdout: file })}\n`);
      const { value } = await lines.next();
      if (typeof value !== 'string') throw new Error(`python3 could not run ${argv.join(' ')}`);
      const { status, ...usage } = JSON.parse(value) as Usage & { status: number };
      if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}`);
      return usage;
    },
    async close() {
      stdin.end();
      await exited;
    },
  };
}
