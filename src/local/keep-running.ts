import type { Context } from '../context.ts';
import { errorMessage } from '../errors.ts';
import type { LocalPostgres } from './postgres/local-postgres.ts';

export interface KeptServer {
  /** The server as first started; a later one has its port, data and logins. */
  readonly server: LocalPostgres;
  stop(): Promise<void>;
  kill(): void;
}

/**
 * Starts a server and starts it again, on the same port, when it dies while it is in use (`kill -9`, out of memory).
 * PostgreSQL recovers its data by itself; the functions' connections are replaced by their runtime module.
 */
export async function keepRunning(
  context: Context,
  start: (port?: number) => Promise<LocalPostgres>,
): Promise<KeptServer> {
  const server = await start();
  let current = server;
  let restarting: Promise<void> = Promise.resolve();
  let stopped = false;

  const restart = async (how: string): Promise<void> => {
    if (stopped) return;
    context.report({ type: 'postgres-exited', message: `PostgreSQL is gone (${how}): starting it again` });
    try {
      await current.stop();
      current = await start(server.port);
      watch();
    } catch (error) {
      context.report({
        type: 'postgres-error',
        message: `PostgreSQL did not come back: ${errorMessage(error)}`,
      });
    }
  };
  const watch = (): void => {
    current.onExit(({ how }) => {
      restarting = restart(how);
    });
  };
  watch();
  return {
    server,
    async stop() {
      stopped = true;
      await restarting;
      await current.stop();
    },
    kill() {
      stopped = true;
      current.kill();
    },
  };
}
