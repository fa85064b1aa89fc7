import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type ChildProcess, spawnProcess } from '../../../src/exec.ts';
import { type LocalPostgresOptions, startLocalPostgres } from '../../../src/local/postgres/local-postgres.ts';
import { readPostmasterFile } from '../../../src/local/postgres/postmaster-file.ts';
import { testContext } from '../../postgres-server.ts';

/** What a `ServerProcess` tells when its server is up, or why it is not. */
export type Started =
  | { readonly pid: number; readonly port: number; readonly adopted: boolean }
  | { readonly fault: string };

/** Another process that starts a server, as `lambdapg dev` in a second terminal would. */
export interface ServerProcess {
  readonly child: ChildProcess;
  readonly started: Promise<Started>;
  /** Gives the server back and ends. */
  stop(): Promise<void>;
  /** `kill -9`. */
  murder(): Promise<void>;
}

export function startServerProcess(
  options: Pick<LocalPostgresOptions, 'projectDir' | 'names'>,
  user: { uid?: number; gid?: number } = {},
  env: Record<string, string> = {},
): ServerProcess {
  const file = fileURLToPath(import.meta.url);
  const child = spawnProcess(process.execPath, ['--import', 'tsx', file, JSON.stringify(options)], {
    ...user,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  return {
    child,
    started: Promise.race([
      once(child, 'message').then(([message]) => message as Started),
      once(child, 'exit').then(([code]) => ({ fault: `exit code ${code}` })),
    ]),
    async stop() {
      child.send('stop');
      await once(child, 'exit');
    },
    async murder() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

const [, file, options] = process.argv;
if (file === fileURLToPath(import.meta.url) && options !== undefined && process.send !== undefined) {
  await run(JSON.parse(options));
}

async function run(given: Pick<LocalPostgresOptions, 'projectDir' | 'names'>): Promise<void> {
  try {
    const local = await startLocalPostgres(testContext(), { major: 17, preferredPort: 0, ...given });
    const pid = (await readPostmasterFile(local.dataDir))?.pid ?? 0;
    process.once('message', () => void local.stop().then(() => process.disconnect()));
    process.send?.({ pid, port: local.port, adopted: local.adopted } satisfies Started);
  } catch (error) {
    process.send?.({ fault: String(error) } satisfies Started);
    process.disconnect();
  }
}
