import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { withClient } from '../../src/database/with-client.ts';
import { execa } from '../../src/exec.ts';
import { functionEnvironment } from '../../src/local/function-environment.ts';
import { startTestPostgres } from '../postgres-server.ts';
import { pythonOfTests } from './driver.ts';

test('the Python runtime with threads, types and secrets (test_database.py)', async () => {
  const server = await startTestPostgres();
  try {
    await withClient(server.local.admin, { applicationName: 'test' }, (admin) =>
      admin.query('create table marks (id int); grant all on marks to library_app'),
    );
    const args = ['-B', '-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'test_database.py'];
    const { all, exitCode } = await execa(pythonOfTests, args, {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      all: true,
      reject: false,
      env: {
        ...(await functionEnvironment(server.local.slots.a, server.local.caFile)),
        PYTHONPATH: fileURLToPath(new URL('../../templates/runtime-python', import.meta.url)),
      },
    });
    expect(exitCode, all).toBe(0);
    expect(all).toMatch(/^7 passed/m);
  } finally {
    await server.cleanUp();
  }
});
