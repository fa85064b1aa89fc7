import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { policyFor } from '../../src/providers/aws/permissions/policy.ts';
import { coveredBy } from '../providers/aws/permissions/covered-by.ts';
import { startCloudBed } from './cloud-bed.ts';

const ok = { exitCode: 0 };

interface Books {
  readonly books?: readonly unknown[];
}

test('deploy: rows over HTTP from AWS, nothing the second time, back when a version is bad', async () => {
  const { bed, run, changes, dir } = await startCloudBed();
  const early = await run('deploy', '--yes');
  expect(early).toMatchObject({ exitCode: 1 });
  expect(early.stderr).toMatch(/stage dev has no .*\n.*lambdapg provision --stage dev/);

  for (const args of [
    ['provision', '--yes', '--no-prices'],
    ['migrate', '--stage', 'dev'],
    ['seed', '--stage', 'dev'],
  ]) {
    const done = await run(...args);
    expect(done, done.stderr).toMatchObject(ok);
  }
  await bed.clearRequests();
  const first = await run('deploy', '--yes', '--json');
  expect(first, first.stderr).toMatchObject(ok);
  const { url, functions } = first.json() as { url: string; functions: unknown[] };
  expect(functions).toEqual([
    { name: 'api', version: '1' },
    { name: 'overdue', version: '1' },
  ]);
  const books = async (): Promise<number | undefined> =>
    ((await (await fetch(`${url}/books?limit=2`)).json()) as Books).books?.length;
  expect(await books()).toBe(2);
  const target = {
    project: 'shop',
    stage: 'dev',
    account: bed.account,
    region: 'us-east-1',
    partition: 'aws',
  };
  expect(await coveredBy(policyFor(['deploy'], target), await bed.requests(), target)).toEqual([]);

  const { SecretString } = await bed.aws({
    ...{ service: 'secretsmanager', action: 'GetSecretValue', input: { SecretId: 'shop-dev/active' } },
  });
  const { password } = JSON.parse(String(SecretString)) as { password: string };
  const { configuration, environment } = await bed.functionCode('shop-dev-api', 'live');
  const shown = [first.stdout, first.stderr, configuration, environment, await bed.requests()];
  expect(JSON.stringify(shown)).not.toContain(password);

  await bed.clearRequests();
  const again = await run('deploy', '--plan', '--json');
  expect(again, again.stderr).toMatchObject(ok);
  expect(again.json()).toMatchObject({ changes: 0 });
  expect(await changes()).toEqual([]);

  const invoked = await run('invoke', 'api', 'GET /books?limit=1', '--stage', 'dev', '--json');
  expect(invoked, invoked.stderr).toMatchObject(ok);
  expect(invoked.json()).toMatchObject({
    status: 200,
    version: '1',
    payload: { statusCode: 200 },
    memoryMb: 256,
  });
  const scheduled = await run('invoke', 'overdue', '--stage', 'dev', '--async');
  expect(scheduled.stderr).toContain('202, the event is queued');
  const nobody = await run('invoke', 'api', '--stage', 'dev', '--qualifier', '99');
  expect(nobody).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('there is no shop-dev-api:99 on AWS'),
  });

  const source = join(dir, 'src/health.ts');
  const good = await readFile(source, 'utf8');
  await writeFile(source, good.replace('return json(200', 'return json(503'));
  const bad = await run('deploy', '--yes', '--json');
  expect(bad, bad.stderr).toMatchObject({ exitCode: 1 });
  expect(bad.json()).toMatchObject({ error: { code: 'HEALTH_CHECK_FAILED' } });
  expect(await books()).toBe(2);
  await writeFile(source, good);
  expect((await run('deploy', '--yes')).stdout).toContain('1 to change, 13 unchanged');

  const gone = await run('destroy', '--confirm', 'shop', '--json');
  expect(gone, gone.stderr).toMatchObject(ok);
  expect(gone.json()).toMatchObject({ unwanted: [] });
}, 180_000);
