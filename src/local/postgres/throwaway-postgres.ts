import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { UserError } from '../../errors.ts';
import { parseProjectName } from '../../project/names.ts';
import { type PostgresMajor, postgresMajors } from '../../project/postgres-packages.ts';
import { type LocalPostgres, startLocalPostgres } from './local-postgres.ts';
import { resetLocalPostgres } from './reset-local-postgres.ts';

const prefix = 'throwaway-';
/** Of the roles that every server of ours is made with. */
const names = parseProjectName('lambdapg-throwaway');

/**
 * Starts an empty server, lends it to `work`, and removes it with everything in it, also after a failure or Ctrl-C. What a
 * killed run has left is removed by the next one.
 *
 * @param projectDir its package of PostgreSQL is used, and the server lives in its `.lambdapg`
 * @throws UserError as `startLocalPostgres` does
 */
export async function withThrowawayPostgres<T>(
  context: Context,
  projectDir: string,
  major: PostgresMajor,
  work: (server: LocalPostgres) => Promise<T>,
): Promise<T> {
  const stateDir = join(projectDir, '.lambdapg');
  await removeLeftovers(context, stateDir);
  const dir = join(stateDir, `${prefix}${process.pid}-${Date.now().toString(36)}`);
  await mkdir(dir, { recursive: true });
  let server: LocalPostgres | undefined;
  const kill = (): void => server?.kill();
  process.once('exit', kill);
  try {
    server = await startLocalPostgres(context, {
      projectDir: dir,
      major,
      names,
      preferredPort: 0,
      // Nobody wants it after a crash.
      settings: { fsync: 'off' },
    });
    return await work(server);
  } finally {
    await server?.stop();
    process.off('exit', kill);
    await remove(context, dir);
  }
}

async function removeLeftovers(context: Context, stateDir: string): Promise<void> {
  const found: string[] = await readdir(stateDir).catch(() => []);
  for (const name of found) if (name.startsWith(prefix)) await remove(context, join(stateDir, name));
}

/** Unless another run is using it. Removing is what Ctrl-C asks for: it does not stop because of it. */
async function remove(context: Context, dir: string): Promise<void> {
  const unheard = { ...context, signal: new AbortController().signal };
  try {
    const made: string[] = await readdir(join(dir, '.lambdapg', 'postgres')).catch(() => []);
    for (const major of postgresMajors.filter((one) => made.includes(String(one)))) {
      await resetLocalPostgres(unheard, { projectDir: dir, major });
    }
    await rm(dir, { recursive: true, force: true, maxRetries: 10 });
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'POSTGRES_IN_USE') throw error;
  }
}
