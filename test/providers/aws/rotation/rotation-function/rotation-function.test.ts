import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withClient } from '../../../../../src/database/with-client.ts';
import { Secret } from '../../../../../src/secret.ts';
import { type RotationFunctionBed, startRotationFunctionBed } from './rotation-function-bed.ts';

/*
 * One stage, rotated again and again: each test goes on where the one before has ended.
 */

let fn: RotationFunctionBed;

beforeAll(async () => {
  fn = await startRotationFunctionBed();
  await fn.install();
}, 120_000);
afterAll(() => fn?.close());

const steps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'].map((step) => ({ step }));

test('the test step of a new schedule says whether the present login works', async () => {
  expect(await fn.lastRotation()).toMatchObject({ state: 'succeeded', steps: [{ step: 'testSecret' }] });
  expect(Object.values(await fn.labels())).toEqual([['AWSCURRENT']]);
  const { RotationLambdaARN } = await fn.aws<{ RotationLambdaARN: string }>(
    'secretsmanager',
    'DescribeSecret',
    {
      SecretId: fn.secretArn,
    },
  );
  expect(await fn.isOwn(RotationLambdaARN)).toBe(true);
  expect(await fn.isOwn(RotationLambdaARN.replace('shop-dev', 'other'))).toBe(false);
});

test('Secrets Manager rotates from slot to slot, and the old login works until the next rotation', async () => {
  const first = await fn.login();
  expect(await fn.rotate()).toEqual({ token: expect.any(String), state: 'succeeded', steps });
  const second = await fn.login();
  expect(second).toMatchObject({ username: 'shop_b', kept: 'yes' });
  expect([await fn.tryLogin(first), await fn.tryLogin(second)]).toEqual(['ok', 'ok']);
});

test('a rotation too soon after another fails in its first step and changes nothing', async () => {
  const [before, previous] = [await fn.login(), await fn.login('AWSPREVIOUS')];
  const { state, steps: done, token } = await fn.rotate();
  expect(state).toBe('failed');
  expect(done).toHaveLength(3);
  for (const { step, error } of done)
    expect(`${step}: ${error}`).toMatch(/^createSecret: .*too young to begin another/);
  expect(await fn.login()).toEqual(before);
  expect(await fn.tryLogin(previous)).toBe('ok');

  // The drain is over: the same version gets its value, after the old login was retired.
  await fn.configure({ drainSeconds: 0 });
  expect(await fn.step('create_secret', token)).toBeUndefined();
  expect(await fn.tryLogin(previous)).toBe('28P01');
  const pending = await fn.login('AWSPENDING');
  expect(pending.username).toBe('shop_a');
  expect(await fn.step('testSecret', token)).toMatch(/testSecret cannot be done/);
  expect(await fn.step('finishSecret', token)).toMatch(/finishSecret may not set-password/);
  expect(await fn.step('createSecret', token)).toBeUndefined();
  expect(await fn.login('AWSPENDING')).toEqual(pending);
  for (const step of [
    'set_secret',
    'set_secret',
    'test_secret',
    'finish_secret',
    'finish_secret',
    'create_secret',
  ])
    expect(await fn.step(step, token), step).toBeUndefined();
  expect(await fn.login()).toEqual(pending);
  expect([await fn.tryLogin(before), await fn.tryLogin(pending)]).toEqual(['ok', 'ok']);
});

test('who still logs in with the old login is named, and keeps it', async () => {
  const previous = await fn.login('AWSPREVIOUS');
  const target = {
    ...{ host: fn.server.address.host, port: 5432, database: 'shop', user: previous.username },
    ...{
      password: new Secret(previous.password),
      tls: { ca: fn.plane.ca, name: fn.server.options.names[0] ?? '' },
    },
  };
  const { token, steps: done } = await withClient(target, { applicationName: 'lpg/late/1/0a1b2c3d' }, () =>
    fn.rotate(),
  );
  expect(done[0]?.error).toMatch(/somebody still logs in as .*lpg\/late/);
  expect(await fn.tryLogin(previous)).toBe('ok');
  // Gone since: Secrets Manager's next attempt, with the same version.
  for (const { step } of steps) expect(await fn.step(step, token), step).toBeUndefined();
  expect(await fn.tryLogin(previous)).toBe('28P01');
});

test('what it is not called for', async () => {
  const [current] =
    Object.entries(await fn.labels()).find(([, labels]) => labels.includes('AWSCURRENT')) ?? [];
  expect(await fn.step('finishSecret', current ?? '')).toBeUndefined();
  expect(await fn.step('deleteSecret', current ?? '')).toMatch(/"deleteSecret" is no step/);
  expect(await fn.step('setSecret', randomUUID())).toMatch(/has no version .* to rotate to/);
  const [previous] =
    Object.entries(await fn.labels()).find(([, labels]) => labels.includes('AWSPREVIOUS')) ?? [];
  expect(await fn.step('setSecret', previous ?? '')).toMatch(/is not AWSPENDING/);
  await fn.aws('secretsmanager', 'CancelRotateSecret', { SecretId: fn.secretArn });
  expect(await fn.step('setSecret', current ?? '')).toMatch(/has no rotation/);
});

test('no password ever stood in SQL', async () => {
  const seen = await fn.server.asAdmin(async (client) => {
    await client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
    const { rows } = await client.query<{ query: string }>('SELECT query FROM pg_stat_statements');
    return rows.map(({ query }) => query);
  });
  const changes = seen.filter((query) => /ALTER ROLE "?shop_[ab]"?.* PASSWORD/s.test(query));
  expect(changes.length).toBeGreaterThan(2);
  for (const login of [await fn.login(), await fn.login('AWSPREVIOUS')])
    expect(seen.filter((query) => query.includes(login.password))).toEqual([]);
});
