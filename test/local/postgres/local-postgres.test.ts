import { expect, test } from 'vitest';
import { withClient } from '../../../src/database/with-client.ts';
import { startTestPostgres } from '../../postgres-server.ts';

test('starts', async () => {
  const { local, cleanUp } = await startTestPostgres();
  console.log(local.timings, local.version, local.port);
  const rows = await withClient(
    local.slots.a,
    { applicationName: 'test' },
    async (client) =>
      (await client.query('select current_user, session_user, current_setting($1) as ssl', ['ssl'])).rows,
  );
  expect(rows).toEqual([{ current_user: 'library_app', session_user: 'library_a', ssl: 'on' }]);
  await cleanUp();
});
