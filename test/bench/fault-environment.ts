import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { spawnProcess } from '../../src/exec.ts';

/** A Lambda function as it is called: an environment that dies, or does not answer in time, is replaced by the next call. */
export interface FaultEnvironment {
  /** How many invocations failed: a call that crashes the environment, or takes longer than `limitMs`, is one. */
  call(line: string, limitMs: number): Promise<number>;
  freeze(): void;
  thaw(): void;
  stop(): Promise<void>;
}

/** @param env asked for each new process, as a new environment reads its secret anew */
export function startFaultEnvironment(
  argv: readonly [file: string, ...args: string[]],
  env: () => Record<string, string>,
): FaultEnvironment {
  let process = start();
  function start() {
    const [file, ...args] = argv;
    const child = spawnProcess(file, args, { stdio: ['pipe', 'pipe', 'ignore'], env: env() });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    child.stdin.on('error', () => {});
    return { child, lines };
  }
  const isGone = (): boolean => process.child.exitCode !== null || process.child.signalCode !== null;
  const stop = async (): Promise<void> => {
    if (isGone()) return;
    process.child.kill('SIGKILL');
    await once(process.child, 'exit');
  };
  return {
    async call(line, limitMs) {
      if (isGone()) process = start();
      process.child.stdin.write(`${line}\n`);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<'late'>((resolve) => {
        timer = setTimeout(resolve, limitMs, 'late');
      });
      const answer = await Promise.race([process.lines.next(), late]).finally(() => clearTimeout(timer));
      if (answer !== 'late' && answer.done !== true) {
        return (JSON.parse(answer.value) as { failed: number }).failed;
      }
      await stop();
      return 1;
    },
    freeze: () => void process.child.kill('SIGSTOP'),
    thaw: () => void process.child.kill('SIGCONT'),
    stop,
  };
}
