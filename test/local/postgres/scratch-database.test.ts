import { afterAll, beforeAll, expect, test } from 'vitest';
import { withClient } from '../../../src/database/with-client.ts';
import { createScratchDatabase } from '../../../src/local/postgres/scratch-database.ts';
import { parseProjectName } from '../../../src/project/names.ts';
import { startTestPostgres } from '../../postgres-server.ts';

const options = { applicationName: 'scratch test' };
const names = parseProjectName('library');

let server: Awaited<ReturnType<typeof startTestPostgres>>;
beforeAll(async () => {
  server = await startTestPostgres();
});
afterAll(() => server.cleanUp());

const databases = () =>
  withClient(server.local.admin, options, async (client) => {
    const text = `SELECT datname FROM pg_database WHERE datname LIKE 'library%' ORDER BY 1`;
    return (await client.query<{ datname: string }>(text)).rows.map(({ datname }) => datname);
  });

test('two at once are apart from each other and from the project, with the same rights', async () => {
  const both = await Promise.all([
    createScratchDatabase(server.local, names),
    createScratchDatabase(server.local, names),
  ]);
  expect(await databases()).toEqual(['library', ...both.map(({ admin }) => admin.database).sort()]);
  for (const { admin, slots, drop } of both) {
    await withClient(admin, options, async (client) => {
      await client.query('SET ROLE library_owner; CREATE TABLE book (title text)');
    });
    await withClient(slots.a, options, async (client) => {
      await client.query(`INSERT INTO book VALUES ('Emma')`);
      expect((await client.query('SELECT title FROM book')).rows).toEqual([{ title: 'Emma' }]);
      await expect(client.query('DROP TABLE book')).rejects.toMatchObject({ code: '42501' });
      // A session that is still open, as after a failed test, does not keep the database.
      await drop();
    });
  }
  await both[0].drop();
  expect(await databases()).toEqual(['library']);
});

test('what a crashed run left behind is dropped; what a live one uses is not', async () => {
  const stale = 'library_scratch_4194304_abcdef';
  const live = `library_scratch_${process.ppid}_abcdef`;
  await withClient(server.local.admin, options, async (client) => {
    await client.query(`CREATE DATABASE ${stale}`);
    await client.query(`CREATE DATABASE ${live}`);
  });
  const scratch = await createScratchDatabase(server.local, names);
  expect(await databases()).toEqual(['library', ...[live, scratch.admin.database].sort()]);
  await scratch.drop();
});
