import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyFrom } from '../../src/database/copy.ts';
import { withClient } from '../../src/database/with-client.ts';
import { startTestPostgres } from '../postgres-server.ts';

let server: Awaited<ReturnType<typeof startTestPostgres>>;
beforeAll(async () => {
  server = await startTestPostgres();
});
afterAll(() => server.cleanUp());

test('a row that the server refuses while the next ones are read is the error', async () => {
  await withClient(server.local.admin, { applicationName: 'copy test' }, async (client) => {
    await client.query('CREATE TEMPORARY TABLE numbers (n int)');
    async function* source() {
      const refused = once(client.connection, 'errorMessage');
      yield Buffer.from('1\nnot a number\n');
      await refused;
      yield Buffer.from('2\n');
    }
    const copying = copyFrom(client, 'COPY numbers FROM STDIN', source());
    await expect(copying).rejects.toMatchObject({ code: '22P02' });
    expect((await client.query('SELECT FROM numbers')).rows).toEqual([]);
  });
});
