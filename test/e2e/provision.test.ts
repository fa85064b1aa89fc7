import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { policyFor } from '../../src/providers/aws/permissions/policy.ts';
import { coveredBy } from '../providers/aws/permissions/covered-by.ts';
import { countOf, startCloudBed } from './cloud-bed.ts';

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
  }, 120_000);

  test.each([
    ['RDS behind a proxy with secrets', ['--proxy']],
    ['RDS behind a proxy with IAM from end to end', ['--proxy', '--auth', 'iam']],
    ['RDS with IAM, a NAT gateway and a replica', ['--auth', 'iam', '--network', 'nat', '--reader']],
    ['Aurora behind a proxy with a reader', ['--database', 'aurora', '--proxy', '--reader']],
    ['Aurora that may pause', ['--database', 'aurora', '--min-acu', '0']],
  ])(
    '%s, all its calls within its policy',
    async (_title, flags) => {
      const { bed, run } = await startCloudBed();
      const made = await run('provision', '--yes', '--no-prices', ...flags);
      expect(made, made.stderr).toMatchObject(ok);
      const again = await run('provision', '--plan', '--no-prices', '--json', ...flags);
      expect(again, again.stderr).toMatchObject(ok);
      const target = {
        project: 'shop',
        stage: 'dev',
        account: bed.account,
        region: 'us-east-1',
        partition: 'aws',
      };
      expect(await coveredBy(policyFor(['provision'], target), await bed.requests(), target)).toEqual([]);
      await bed.clearRequests();
      const gone = await run('destroy', '--confirm', 'shop', '--json');
      expect(gone, gone.stderr).toMatchObject(ok);
      expect(gone.json()).toMatchObject({ unwanted: [] });
      expect(await coveredBy(policyFor(['destroy'], target), await bed.requests(), target)).toEqual([]);
    },
    120_000,
  );
});
