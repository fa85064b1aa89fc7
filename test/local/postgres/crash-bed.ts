import { afterEach } from 'vitest';
import type { ConnectionTarget } from '../../../src/database/target.ts';
import { withClient } from '../../../src/database/with-client.ts';
import { readPostmasterFile } from '../../../src/local/postgres/postmaster-file.ts';
import { parseProjectName } from '../../../src/project/names.ts';
import { startTestPostgres } from '../../postgres-server.ts';
import type { Started } from './server-process.ts';

const options = { applicationName: 'crash test' };
export const names = parseProjectName('library');
export const kept = 'CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)';
/** Done after each test, the last one first. */
export const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

export async function start(
  projectDir: string,
  initdb = false,
): Promise<Awaited<ReturnType<typeof startTestPostgres>>['local']> {
  const { local, cleanUp } = await startTestPostgres({ projectDir, initdb });
  cleanUps.push(cleanUp);
  return local;
}

export async function ask(target: ConnectionTarget, text: string): Promise<Record<string, unknown>[]> {
  return withClient(target, options, async (client) => (await client.query(text)).rows);
}

export async function postmasterPid(dataDir: string): Promise<number> {
  return (await readPostmasterFile(dataDir))?.pid ?? 0;
}

export function up(started: Started): Exclude<Started, { fault: string }> {
  if ('fault' in started) throw new Error(started.fault);
  return started;
}
