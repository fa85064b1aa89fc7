import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorCode, errorMessage } from '../../../src/errors.ts';
import { type ChildProcess, spawnProcess } from '../../../src/exec.ts';
import { type LocalPostgresOptions, startLocalPostgres } from '../../../src/local/postgres/local-postgres.ts';
import { readPostmasterFile } from '../../../src/local/postgres/postmaster-file.ts';
import { testContext } from '../../postgres-server.ts';

const ownFile = fileURLToPath(import.meta.url);

/** What a `ServerProcess` tells when its server is up, or why it is not. */
export type Started =
  | { readonly pid: number; readonly port: number; readonly adopted: boolean }
  | { readonly fault: string; readonly left?: readonly string[] };

/** Another process that starts a server, as `lambdapg dev` in a second terminal would. */
export interface ServerProcess {
  readonly child: ChildProcess;
  readonly started: Promise<Started>;
  /** Gives the server back and ends. */
  stop(): Promise<void>;
  /** `kill -9`; nothing when it has ended already. */
  murder(): Promise<void>;
}

/**
 * @param user as whom it runs
 * @param wrapper a command that ends by running the command that follows it
 */
export function startServerProcess(
  options: Pick<LocalPostgresOptions, 'projectDir' | 'names'>,
  { user = {}, wrapper = [] }: { user?: { uid?: number; gid?: number }; wrapper?: readonly string[] } = {},
): ServerProcess {
  const command = [...wrapper, process.execPath, '--import', 'tsx', ownFile, JSON.stringify(options)];
  const child = spawnProcess(command[0] ?? '', command.slice(1), {
    ...user,
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
      if (child.exitCode !== null || !child.kill('SIGKILL')) return;
      await once(child, 'exit');
    },
  };
}

const [, file, options] = process.argv;
if (file === ownFile && options !== undefined && process.send !== undefined) {
  await run(JSON.parse(options));
}

async function run(given: Pick<LocalPostgresOptions, 'projectDir' | 'names'>): Promise<void> {
  try {
    const local = await startLocalPostgres(testContext(), { major: 17, preferredPort: 0, ...given });
    const pid = (await readPostmasterFile(local.dataDir))?.pid ?? 0;
    process.once('message', () => void local.stop().then(() => process.disconnect()));
    process.send?.({ pid, port: local.port, adopted: local.adopted } satisfies Started);
  } catch (error) {
    const left = await readdir(join(given.projectDir, '.lambdapg', 'postgres')).catch(() => []);
    const fault = `${errorCode(error)}: ${errorMessage(error)}`;
    process.send?.({ fault, left } satisfies Started);
    process.disconnect();
  }
}
