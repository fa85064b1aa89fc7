import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { built, plainEnvironment } from './cli.ts';
import { type RotateOutput, type RotationBed, startRotationBed, underLoad } from './rotation-bed.ts';

const load = { perSecond: 2, environments: 1 };
/** With more patience than elsewhere: each look is five logins over ten seconds. */
const times = ['--canary', '100', '--soak', '200ms', '--patience', '5m'];

/** Begins a rotation that drains for an hour, and ends its process while both logins work. */
async function rotateAndKillInDrain(bed: RotationBed): Promise<void> {
  const { username: before } = await bed.login();
  const args = [built, 'rotate-creds', '--yes', ...times, '--drain', '1h'];
  const child = spawn(process.execPath, args, {
    ...{ cwd: bed.cloud.dir, stdio: 'ignore', env: { ...plainEnvironment(), ...bed.cloud.env } },
  });
  const ended = once(child, 'exit');
  while ((await bed.login()).username === before && child.exitCode === null) await pause(200);
  // It shifts and proves meanwhile.
  await pause(5_000);
  child.kill('SIGKILL');
  expect(await ended).toEqual([null, 'SIGKILL']);
}

test('behind RDS Proxy: there, back before the old login is retired, and there again', async () => {
  const bed = await startRotationBed({
    plane: { maxConnections: 200, checksNetwork: false },
    provision: ['--proxy', '--runner'],
  });
  const { cloud } = bed;
  const rotate = async (...args: string[]) => {
    const { exitCode, json } = await cloud.run(
      'rotate-creds',
      ...args,
      ...times,
      '--drain',
      '1500ms',
      '--json',
    );
    return { exitCode, output: json() as RotateOutput };
  };

  const oneRole = await rotate('--yes', '--strategy', 'next');
  expect(oneRole).toMatchObject({ exitCode: 2, output: { error: { code: 'STRATEGY_BEHIND_PROXY' } } });

  const { report } = await underLoad(bed, load, async () => {
    const there = await rotate('--yes');
    expect(there, JSON.stringify(there.output)).toMatchObject({
      exitCode: 0,
      output: { outcome: 'closed', currentUser: 'shop_b' },
    });

    // The proxy goes on with what it has read, and so nobody is shifted too early.
    cloud.plane.proxies.secretMemory.ageMs = 4_000;
    await rotateAndKillInDrain(bed);
    cloud.plane.proxies.secretMemory.ageMs = 0;
    const status = await cloud.run('rotate-creds', '--status', '--json');
    expect(status, status.stdout).toMatchObject({ exitCode: 0 });
    expect(status.json()).toMatchObject({
      isOpen: true,
      slotSecrets: [
        { user: 'shop_a', login: 'ok' },
        { user: 'shop_b', login: 'ok' },
      ],
    });
    expect(status.stdout).not.toContain((await bed.login()).password);

    const back = await rotate('--rollback');
    expect(back, JSON.stringify(back.output)).toMatchObject({
      exitCode: 0,
      output: { outcome: 'rolled back', currentUser: 'shop_b' },
    });
    expect(await bed.login()).toMatchObject({ username: 'shop_b', refusal: '' });

    // A private database: every job goes through the runner.
    const args = ['rotate-creds', '--yes', '--route', 'runner', ...times, '--drain', '1500ms', '--json'];
    const through = await cloud.run(...args, { env: { LAMBDAPG_DB_HOST_MAP: '' } });
    expect(through, through.stdout).toMatchObject({ exitCode: 0 });
    expect(through.json()).toMatchObject({ outcome: 'closed', currentUser: 'shop_a' });
  });
  expect(report.failures).toEqual({});
  expect(report.figures()).toMatchObject({ failed: 0, dropped: 0 });
  expect((await bed.login()).refusal).toBe('');
}, 900_000);
