import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { spawnProcess } from '../../src/exec.ts';

export type Command =
  | { readonly op: 'query'; readonly sql: string; readonly timeoutMs?: number }
  /** Through PGHOST_READER. */
  | { readonly op: 'read'; readonly sql: string }
  /** `count` statements of one database at once. */
  | { readonly op: 'race'; readonly sql: string; readonly count: number }
  /** An invocation that may take this long begins. */
  | { readonly op: 'invoke'; readonly remainingMs: number }
  | {
      readonly op: 'transaction';
      readonly statements: readonly string[];
      readonly timeoutMs?: number;
      readonly swallow?: boolean;
      readonly fail?: boolean;
      readonly nested?: 'query' | 'transaction';
      /** So much time passes after each statement. */
      readonly skipMs?: number;
    }
  /** The first statement of `count` databases of one environment, all at once. */
  | { readonly op: 'together'; readonly sql: string; readonly count: number }
  | { readonly op: 'credentials' }
  /** An event that `withProbe` gets, around a handler that answers `{handled: event}`. */
  | { readonly op: 'event'; readonly event: unknown; readonly remainingMs?: number }
  | { readonly op: 'skip'; readonly ms: number }
  | { readonly op: 'password'; readonly password: string };

export interface DriverError {
  readonly message: string;
  readonly code: string | null;
  /** All that a log would hold of it, with its causes. */
  readonly printed: string;
}

/** A process that holds one connection runtime, as an execution environment does. */
export interface Driver {
  /** The rows, or what `op` gives. @throws DriverFailure with what the runtime threw */
  do(command: Command): Promise<unknown>;
  query(sql: string): Promise<Record<string, unknown>[]>;
  /** Lines that the runtime itself wrote to the log. */
  readonly log: readonly string[];
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

export class DriverFailure extends Error {
  readonly code: string | null;
  readonly printed: string;

  constructor({ message, code, printed }: DriverError) {
    super(message);
    this.code = code;
    this.printed = printed;
  }
}

export const driverLanguages = ['node', 'python'] as const;
export type DriverLanguage = (typeof driverLanguages)[number];

const root = fileURLToPath(new URL('../..', import.meta.url));
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
export const pythonOfTests = fileURLToPath(
  new URL(
    process.platform === 'win32' ? '../../.venv/Scripts/python.exe' : '../../.venv/bin/python',
    import.meta.url,
  ),
);

/** Makes the Node driver one file, as a deployed function is one. @param directory absolute */
export async function bundleNodeDriver(directory: string): Promise<string> {
  const outfile = join(directory, 'driver.mjs');
  const require =
    "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
  await build({
    ...{ entryPoints: [here('driver-node.ts')], outfile, banner: { js: require }, external: ['pg-native'] },
    ...{ bundle: true, platform: 'node', format: 'esm', target: 'node20', logLevel: 'warning' },
  });
  return outfile;
}

/** @param nodeDriver from `bundleNodeDriver` */
export function startDriver(
  language: DriverLanguage,
  nodeDriver: string,
  settings: Record<string, string>,
): Driver {
  const [file, args] =
    language === 'node' ? [process.execPath, [nodeDriver]] : [pythonOfTests, ['-B', here('driver.py')]];
  const child = spawnProcess(file, args, {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      PYTHONPATH: fileURLToPath(new URL('../../templates/runtime-python', import.meta.url)),
      ...settings,
    },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const run = async (command: Command): Promise<unknown> => {
    child.stdin.write(`${JSON.stringify(command)}\n`);
    const { ok, error } = await nextAnswer();
    if (error !== undefined) throw new DriverFailure(error);
    return ok;
  };
  const log: string[] = [];
  async function nextAnswer(): Promise<{ ok: unknown; error?: DriverError }> {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error(`the ${language} driver ended: exit code ${child.exitCode}`);
      if (!value.startsWith('{"_aws"')) return JSON.parse(value) as { ok: unknown; error?: DriverError };
      log.push(value);
    }
  }
  return {
    do: run,
    log,
    query: async (sql) => (await run({ op: 'query', sql })) as Record<string, unknown>[],
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}
