import { once } from 'node:events';
import { get } from 'node:http';
import { createInterface } from 'node:readline';
import { spawnProcess } from '../../src/exec.ts';
import { plainEnvironment } from './measure.ts';

export interface TimedEvent {
  readonly type: string;
  /** Milliseconds since the process was started. */
  readonly atMs: number;
  readonly [detail: string]: unknown;
}

/** A `lambdapg dev --json` under measurement. */
export interface DevProcess {
  readonly url: string;
  /** So far; `atMs` is when we read them. */
  readonly events: readonly TimedEvent[];
  /** Milliseconds since the start of the process. */
  elapsedMs(): number;
  until(type: string): Promise<TimedEvent>;
  /** Ctrl-C, and the end. */
  stop(): Promise<void>;
}

/** Starts `argv` (a `dev --json`) in a project and waits until it is ready. */
export async function startDevProcess(argv: readonly string[], cwd: string): Promise<DevProcess> {
  const startedAt = performance.now();
  const elapsedMs = (): number => performance.now() - startedAt;
  const [file = '', ...args] = argv;
  // A group of its own: under `npm run` a Ctrl-C goes to all of it, as in a terminal.
  const child = spawnProcess(file, args, {
    cwd,
    env: plainEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  if (child.stdout === null) throw new Error('no pipe from dev');
  const exited = once(child, 'exit');
  const events: TimedEvent[] = [];
  const lines = createInterface(child.stdout);
  let wake: () => void = () => {};
  lines.on('line', (line) => {
    events.push({ ...(JSON.parse(line) as TimedEvent), atMs: elapsedMs() });
    wake();
  });
  const ended = exited.then(() => {
    throw new Error(`dev ended early: ${JSON.stringify(events.at(-1))}`);
  });
  ended.catch(() => {});
  const until = async (type: string): Promise<TimedEvent> => {
    while (true) {
      const found = events.find((event) => event.type === type);
      if (found !== undefined) return found;
      const next = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await Promise.race([next, ended]);
    }
  };
  const ready = await until('ready');
  return {
    url: String(ready.url),
    events,
    elapsedMs,
    until,
    async stop() {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
      await exited;
    },
  };
}

/** One GET on a connection of its own. @throws Error unless it is answered 200 with rows */
export async function getBooks(url: string): Promise<void> {
  const request = get(`${url}/books?limit=2`, { agent: false });
  const [response] = await once(request, 'response');
  let body = '';
  for await (const chunk of response) body += chunk;
  if (response.statusCode !== 200 || !body.includes('"title"'))
    throw new Error(`${response.statusCode} ${body}`);
}
