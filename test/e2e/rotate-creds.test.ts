import { expect, test } from 'vitest';
import { type CloudBed, startCloudBed } from './cloud-bed.ts';

/** Goes well, or says why not. @returns what it prints as JSON */
async function done(cloud: CloudBed, ...args: string[]): Promise<unknown> {
  const result = await cloud.run(...args, '--json');
  expect(result.exitCode, `${args.join(' ')}: ${result.stdout}${result.stderr}`).toBe(0);
  return result.json();
}

async function activeLogin({ bed }: CloudBed): Promise<{ username: string; password: string }> {
  const { SecretString } = await bed.aws({
    ...{ service: 'secretsmanager', action: 'GetSecretValue', input: { SecretId: 'shop-dev/active' } },
  });
  return JSON.parse(String(SecretString)) as { username: string; password: string };
}

test('rotate-creds: to the other login and back, with the functions that follow', async () => {
  const cloud = await startCloudBed();
  await done(cloud, 'provision', '--yes', '--no-prices');
  await done(cloud, 'migrate', '--stage', 'dev');
  await done(cloud, 'seed', '--stage', 'dev');
  const { url } = (await done(cloud, 'deploy', '--yes')) as { url: string };
  const status = async (): Promise<number> => (await fetch(`${url}/books?limit=2`)).status;
  expect(await status()).toBe(200);
  const before = await activeLogin(cloud);

  const first = await done(cloud, 'rotate-creds', '--yes', '--drain', '1s');
  expect(first).toMatchObject({
    ...{ outcome: 'closed', strategy: 'slots', claim: 'zero' },
    ...{ previousUser: before.username, currentUser: 'shop_b', incidents: [] },
    consumers: [
      { id: 'function shop-dev-api:live', holds: 'current', proved: true },
      { id: 'function shop-dev-overdue:live', holds: 'current', proved: true },
    ],
  });
  expect(await status()).toBe(200);
  const after = await activeLogin(cloud);
  expect(after.username).toBe('shop_b');
  expect(JSON.stringify(first)).not.toContain(after.password);

  expect(await done(cloud, 'rotate-creds', '--yes', '--drain', '1s')).toMatchObject({
    outcome: 'closed',
    currentUser: 'shop_a',
  });
  expect(await status()).toBe(200);
}, 180_000);
