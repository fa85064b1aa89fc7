import { afterAll, beforeAll, expect, test } from 'vitest';
import { withClient } from '../../../../../src/database/with-client.ts';
import { Secret } from '../../../../../src/secret.ts';
import { type RotationFunctionBed, startRotationFunctionBed } from './rotation-function-bed.ts';

let fn: RotationFunctionBed;

beforeAll(async () => {
  fn = await startRotationFunctionBed(true);
  await fn.install();
  await fn.lastRotation();
  await fn.configure({ drainSeconds: 0 });
}, 120_000);
afterAll(() => fn?.close());

async function slotSecret(slot: string): Promise<{ username: string; password: string }> {
  const { SecretString } = await fn.aws<{ SecretString: string }>('secretsmanager', 'GetSecretValue', {
    SecretId: `shop-dev/slot-${slot}`,
  });
  return JSON.parse(SecretString) as { username: string; password: string };
}

async function tryProxy({ username, password }: { username: string; password: string }): Promise<string> {
  const { DBProxies } = await fn.aws<{ DBProxies: { Endpoint: string }[] }>('rds', 'DescribeDBProxies', {});
  const name = DBProxies[0]?.Endpoint ?? '';
  const place = fn.plane.findHost(name);
  if (place === undefined) throw new Error(`no address for ${name}`);
  const target = { ...place, database: 'shop', user: username, password: new Secret(password) };
  return withClient(
    { ...target, tls: { ca: fn.plane.ca, name } },
    { applicationName: 'test' },
    async (client) => (await client.query('SELECT current_user')).rows[0].current_user,
  ).catch((error: Error) => error.message);
}

test('behind a proxy both logins come through, until the next rotation retires the old one there, too', async () => {
  const first = await fn.login();
  expect(await tryProxy(first)).toBe('shop_app');
  const done = await fn.rotate();
  expect(done.steps.map(({ error }) => error)).toEqual([undefined, undefined, undefined, undefined]);
  const second = await fn.login();
  expect(second.username).toBe('shop_b');
  expect(await slotSecret('b')).toMatchObject({ username: 'shop_b', password: second.password });
  expect([await tryProxy(first), await tryProxy(second)]).toEqual(['shop_app', 'shop_app']);

  expect((await fn.rotate()).state).toBe('succeeded');
  const third = await fn.login();
  expect(third.username).toBe('shop_a');
  expect(await fn.tryLogin(first)).toBe('28P01');
  expect([await tryProxy(second), await tryProxy(third)]).toEqual(['shop_app', 'shop_app']);
}, 240_000);
