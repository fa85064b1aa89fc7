import { readdirSync, readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { withClient } from '../../../src/database/with-client.ts';
import { readCredentials } from '../../../src/local/postgres/credentials.ts';
import { createScratchDatabase } from '../../../src/local/postgres/scratch-database.ts';
import { parseProjectName } from '../../../src/project/names.ts';
import { makeTempDir, startTestPostgres, testContext } from '../../postgres-server.ts';

test('the passwords stand in one file, and nowhere else', async () => {
  const projectDir = await makeTempDir();
  const watch = watchProcesses(projectDir);
  const context = testContext();
  const { local, cleanUp } = await startTestPostgres({
    projectDir,
    context,
    initdb: true,
    settings: {
      log_statement: 'all',
      log_min_duration_statement: '0',
      'pg_stat_statements.track_utility': 'on',
    },
  });
  const scratch = await createScratchDatabase(local, parseProjectName('library'));
  const statements = await withClient(local.admin, { applicationName: 'canary test' }, (client) =>
    client.query('SELECT query FROM pg_stat_statements'),
  );
  await scratch.drop();
  await local.stop();
  const seenProcesses = await watch.stop();

  const clusterDir = join(projectDir, '.lambdapg', 'postgres', '17');
  const { admin, slots } = await readCredentials(join(clusterDir, 'credentials.json'));
  const passwords = [admin, slots.a, slots.b].map((secret) => secret.reveal());
  const places = new Map<string, string>([
    ['pg_stat_statements', JSON.stringify(statements.rows)],
    ['argv and environment of the children', seenProcesses],
    ['events', inspect(context.events, { depth: 9 })],
    ['the server as a value', inspect(local, { depth: 9 }) + JSON.stringify(local)],
  ]);
  for (const file of await listFiles(projectDir)) places.set(file, await readFile(file, 'latin1'));

  const holders = [...places].filter(([, text]) => passwords.some((password) => text.includes(password)));
  expect(holders.map(([place]) => place)).toEqual([join(clusterDir, 'credentials.json')]);
  // What was searched did hold the statements and the processes.
  expect(places.get(local.logFile)).toContain("PASSWORD 'SCRAM-SHA-256$4096:");
  expect(places.get('pg_stat_statements')).toContain('CREATE ROLE');
  expect(seenProcesses).toContain('--pwfile=');
  await cleanUp();
});

async function listFiles(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/**
 * Collects what `ps` could see of every process that names `mark`, until stopped. Each round is one synchronous look at all
 * of them: one that waited for each file would be longer than the life of a process.
 */
function watchProcesses(mark: string): { stop(): Promise<string> } {
  let over = false;
  const seen = new Set<string>();
  const looking = (async () => {
    while (!over) {
      for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
        const argv = readNow(`/proc/${pid}/cmdline`);
        if (argv.includes(mark)) seen.add(argv).add(readNow(`/proc/${pid}/environ`));
      }
      await new Promise(setImmediate);
    }
  })();
  return {
    async stop() {
      over = true;
      await looking;
      return [...seen].join('\n');
    },
  };
}

/** Empty when it is gone, or somebody else's. */
function readNow(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
