import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { countOf, startCloudBed } from './cloud-bed.ts';
import { testVariants } from './provision-variants.ts';

const ok = { exitCode: 0 };

describe('provision', () => {
  test('plans, creates, does nothing the second time, and takes everything down', async () => {
    const { bed, run, changes, dir } = await startCloudBed();
    const plan = await run('provision', '--plan', '--no-prices', '--json');
    expect(plan).toMatchObject({ exitCode: 3 });
    expect(plan.json()).toMatchObject({
      ...{ project: 'shop', stage: 'dev', region: 'us-east-1', account: bed.account },
      budget: { estimated: true },
      plan: { changes: 14 },
    });
    expect(await changes()).toEqual([]);

    expect(await run('provision', '--yes', '--no-prices')).toMatchObject(ok);
    const made = await changes();
    expect(
      Math.max(...Object.values(countOf(made.filter((name) => /:Create(Vpc|DB|Secret)/.test(name))))),
    ).toBe(1);

    const status = await run('status', '--no-prices', '--json');
    expect(status).toMatchObject(ok);
    expect(status.json()).toMatchObject({
      drifted: 0,
      connections: { max: 60 },
      budget: { estimated: false, maxConnections: 60 },
      outputs: { databaseName: 'shop', databaseHost: expect.stringContaining('shop-dev-db.') },
    });

    await bed.clearRequests();
    const again = await run('provision', '--plan', '--no-prices', '--json');
    expect(again).toMatchObject(ok);
    expect(again.json()).toMatchObject({ plan: { changes: 0 }, budget: { estimated: false } });
    expect(await changes()).toEqual([]);

    expect(await run('migrate', '--stage', 'dev')).toMatchObject(ok);
    expect(await run('seed', '--stage', 'dev')).toMatchObject(ok);
    const counted = await run(
      'psql',
      '--stage',
      'dev',
      '--as',
      'app',
      '-c',
      'select count(*) from books',
      '--csv',
    );
    expect(counted).toMatchObject({ ...ok, stdout: 'count\n10' });

    expect(await run('destroy')).toMatchObject({ exitCode: 2 });
    expect(await run('destroy', '--confirm', 'shop', '--json')).toMatchObject(ok);
    expect((await run('destroy', '--plan', '--json')).json()).toMatchObject({ changes: 0 });
    expect(JSON.parse(await readFile(join(dir, 'lambdapg.json'), 'utf8'))).not.toHaveProperty('cloud.proxy');
  }, 240_000);

  testVariants([
    ['RDS behind a proxy with secrets', ['--proxy']],
    ['Aurora behind a proxy with a reader', ['--database', 'aurora', '--proxy', '--reader']],
  ]);
});
