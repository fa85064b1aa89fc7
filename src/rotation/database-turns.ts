import type { OpenDatabase } from '../database/open-database.ts';

/**
 * The same database with one job at a time for each server: a look tries several logins, and on a server with few connections
 * each of them could be one that the application needs.
 */
export function inTurns(open: OpenDatabase): OpenDatabase {
  const turns = new Map<string, Promise<unknown>>();
  return {
    ...open,
    run(job, target, input) {
      const server = `${target.host}:${target.port}`;
      const turn = (turns.get(server) ?? Promise.resolve()).then(() => open.run(job, target, input));
      turns.set(
        server,
        turn.catch(() => {}),
      );
      return turn;
    },
    dial: (target) => open.dial(target),
  };
}
