import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { built, plainEnvironment } from './cli.ts';
import { startCloudBed } from './cloud-bed.ts';

const ok = { exitCode: 0 };

test('a deployment that is stopped by Ctrl-C says so, and the next one goes on', async () => {
  const { bed, run, dir, env } = await startCloudBed();
  const provisioned = await run('provision', '--yes', '--no-prices');
  expect(provisioned, provisioned.stderr).toMatchObject(ok);
  await bed.clearRequests();
  const child = spawn(process.execPath, [built, 'deploy', '--yes'], {
    ...{ cwd: dir, stdio: 'ignore' },
    env: { ...plainEnvironment(), ...env },
  });
  let interrupted = false;
  const unhook = await bed.hook({ after: ['lambda:CreateFunction'] }, () => {
    // Once: a second Ctrl-C would kill.
    if (!interrupted) interrupted = child.kill('SIGINT');
    return undefined;
  });
  expect(await once(child, 'exit')).toEqual([130, null]);
  await unhook();
  expect((await bed.requests()).map(({ action }) => action)).not.toContain('CreateAlias');
  const deployed = await run('deploy', '--yes', '--json');
  expect(deployed, deployed.stderr).toMatchObject(ok);
  expect(deployed.json()).toMatchObject({ health: { status: 200 } });
  const again = await run('deploy', '--plan');
  expect(again, again.stdout).toMatchObject(ok);
}, 120_000);
