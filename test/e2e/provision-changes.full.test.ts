import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startCloudBed } from './cloud-bed.ts';
import { must, rulesOf } from './provision-world.ts';

describe('answers that change', () => {
  test('are planned as changes, made, and are not to be done again', async () => {
    const cloud = await startCloudBed();
    await must(cloud, 'provision', '--yes', '--no-prices');
    const plan = await cloud.run(
      'provision',
      '--plan',
      '--no-prices',
      '--json',
      '--instance-class',
      'db.t4g.medium',
    );
    expect(plan.exitCode).toBe(3);
    expect(plan.json()).toMatchObject({
      plan: {
        changes: 1,
        actions: expect.arrayContaining([
          expect.objectContaining({
            step: 'database',
            kind: 'update',
            differences: [
              { property: 'DBInstanceClass', have: 'db.t4g.micro', want: 'db.t4g.medium', changeable: true },
            ],
          }),
        ]),
      },
    });
    await must(cloud, 'provision', '--yes', '--no-prices', '--instance-class', 'db.t4g.medium');
    const file = await readFile(join(cloud.dir, 'lambdapg.json'), 'utf8');
    expect(JSON.parse(file)).toMatchObject({ cloud: { database: { instanceClass: 'db.t4g.medium' } } });
    const last = await must(cloud, 'provision', '--plan', '--no-prices', '--json');
    expect(last.json()).toMatchObject({ plan: { changes: 0 } });
  }, 240_000);

  test('leave what was made before until --prune, and never take a database', async () => {
    const cloud = await startCloudBed();
    await must(cloud, 'provision', '--yes', '--no-prices', '--proxy');
    const kept = await must(cloud, 'provision', '--yes', '--no-prices', '--no-proxy', '--json');
    expect(kept.json()).toMatchObject({
      plan: {
        actions: expect.arrayContaining([
          expect.objectContaining({ step: 'proxy', kind: 'keep', why: expect.stringContaining('--prune') }),
        ]),
      },
    });
    expect(await rulesOf(cloud)).toContain('function out tcp 5432 proxy');
    const pruned = await must(cloud, 'provision', '--yes', '--no-prices', '--prune', '--json');
    expect((pruned.json() as { removed: string[] }).removed).toEqual(
      expect.arrayContaining([
        'proxy',
        'role-proxy',
        'group-proxy',
        'secret-slot-a',
        'secret-slot-b',
        'stale-rules',
      ]),
    );
    expect(await rulesOf(cloud)).toEqual([
      'database in tcp 5432 function',
      'endpoint in tcp 443 function',
      'function out tcp 443 endpoint',
      'function out tcp 5432 database',
    ]);
    const other = await cloud.run(
      'provision',
      '--plan',
      '--no-prices',
      '--json',
      '--database',
      'aurora',
      '--prune',
    );
    expect(other.json()).toMatchObject({
      plan: {
        actions: expect.arrayContaining([
          expect.objectContaining({
            step: 'database',
            kind: 'keep',
            why: expect.stringContaining('holds data'),
          }),
        ]),
      },
    });
  }, 240_000);

  test('of who logs in how reach the roles: a proxy that comes later, IAM, and passwords again', async () => {
    const cloud = await startCloudBed();
    const asApp = ['psql', '--stage', 'dev', '--as', 'app', '--csv', '-c', 'SELECT current_user'];
    for (const answers of [
      [],
      ['--proxy'],
      ['--no-proxy', '--auth', 'iam'],
      ['--proxy', '--auth', 'secret'],
    ]) {
      await must(cloud, 'provision', '--yes', '--no-prices', ...answers);
      const plan = await must(cloud, 'provision', '--plan', '--no-prices', '--json');
      expect(plan.json()).toMatchObject({ plan: { changes: 0 } });
      expect((await must(cloud, ...asApp)).stdout).toBe('current_user\nshop_app');
    }
  }, 240_000);

  test('that oversubscribe the database are refused once it is there, with the number that fits', async () => {
    const cloud = await startCloudBed();
    const file = join(cloud.dir, 'lambdapg.json');
    const config = JSON.parse(await readFile(file, 'utf8')) as {
      functions: Record<string, Record<string, unknown>>;
    };
    config.functions.api!.reservedConcurrency = 400;
    await writeFile(file, JSON.stringify(config, null, 2));
    // Before creation it is an estimate: a warning.
    await must(cloud, 'provision', '--yes', '--no-prices');
    const refused = await cloud.run('provision', '--plan', '--no-prices', '--json');
    expect(refused).toMatchObject({ exitCode: 1 });
    expect(refused.json()).toMatchObject({
      error: { code: 'OVERSUBSCRIBED', message: expect.stringContaining('47') },
    });
    await must(cloud, 'provision', '--plan', '--no-prices', '--accept-oversubscription');
  }, 240_000);
});
