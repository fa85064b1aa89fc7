import { expect, test } from 'vitest';
import { startCloudBed } from './cloud-bed.ts';

const ok = { exitCode: 0 };

test('Python behind a proxy, with IAM from end to end', async () => {
  const { bed, run } = await startCloudBed({ language: 'python' });
  const login = ['--proxy', '--auth', 'iam'];
  for (const args of [
    ['provision', '--yes', '--no-prices', ...login],
    ['migrate', '--stage', 'dev'],
    ['seed', '--stage', 'dev'],
  ]) {
    const done = await run(...args);
    expect(done, done.stderr).toMatchObject(ok);
  }
  const first = await run('deploy', '--yes', '--json');
  expect(first, first.stderr + first.stdout).toMatchObject(ok);
  const { url } = first.json() as { url: string };
  const answer = (await (await fetch(`${url}/books?limit=2`)).json()) as { books: unknown[] };
  expect(answer.books.length).toBe(2);
  const { environment } = await bed.functionCode('shop-dev-api', 'live');
  expect(environment).toMatchObject({ LAMBDAPG_DB_AUTH: 'iam', PGUSER: 'shop_a' });
  const again = await run('deploy', '--plan', '--json');
  expect(again, again.stderr).toMatchObject(ok);
  expect(again.json()).toMatchObject({ changes: 0 });
}, 240_000);
