import { expect, test } from 'vitest';
import { startCloudBed } from './cloud-bed.ts';
import { describeStage } from './psql-stage-suite.ts';

describeStage('secret');

test('the runner is made when it is asked for, and taken away when it is not needed any more', async () => {
  const { run, bed } = await startCloudBed();
  // Nothing here maps a name, as for most people.
  const env = { LAMBDAPG_DB_HOST_MAP: '' };
  const direct = await run('provision', '--yes', '--no-prices');
  expect(direct.exitCode, direct.stderr).toBe(0);
  const ask = (...flags: string[]) =>
    run({ env }, 'psql', '--stage', 'dev', '--csv', '-c', 'select 1 as one', ...flags);
  const missing = await ask();
  expect(missing).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--create-runner') });
  const made = await ask('--create-runner');
  expect(made, made.stderr).toMatchObject({ exitCode: 0, stdout: 'one\n1' });
  const again = await ask('--remove-runner');
  expect(again, again.stderr).toMatchObject({ exitCode: 0, stdout: 'one\n1' });
  expect(await ask()).toMatchObject({ exitCode: 1 });
  const plan = await run('provision', '--plan', '--no-prices', '--json');
  expect(plan.json()).toMatchObject({ plan: { changes: 0 } });

  await bed.fault({ service: 'lambda', action: 'CreateFunction', kind: 'access-denied', count: 1 });
  const denied = await ask('--create-runner');
  expect(denied).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('lambda:CreateFunction is not allowed'),
  });
}, 120_000);
