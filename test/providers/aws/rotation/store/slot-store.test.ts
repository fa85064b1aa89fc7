import type { DBProxy } from '@aws-sdk/client-rds';
import { beforeEach, expect, test } from 'vitest';
import type { OpenWorld } from '../../../../../src/providers/aws/open-world.ts';
import { slotStore, slotStores } from '../../../../../src/providers/aws/rotation/store/slot-store.ts';
import { Secret } from '../../../../../src/secret.ts';
import { type StageBed, startStageBed } from '../endpoints-world.ts';

let stage: StageBed;
let world: OpenWorld;
beforeEach(async () => {
  stage = await startStageBed();
  world = await stage.world({ proxy: {} });
});

const text = (password: string) =>
  JSON.stringify({ username: 'shop_b', password, engine: 'postgres', colour: 'red' });
const make = (slot: string, SecretString?: string) =>
  stage.ask<{ ARN: string }>('secretsmanager', 'CreateSecret', {
    ...{ Name: `shop-dev/slot-${slot}`, ...(SecretString !== undefined && { SecretString }) },
  });
const login = (password: string) => ({ user: 'shop_b', password: new Secret(password) });
const store = () => slotStore(world.aws, 'shop-dev/slot-b', 'shop_b', 0.05);
const puts = async () =>
  (await stage.bed.requests()).filter(({ action }) => action === 'PutSecretValue').length;

test('the secret of a slot is read and written where the proxy reads it', async () => {
  await make('b');
  const slot = store();
  expect(await slot.read()).toBeUndefined();
  await slot.put(login('one'));
  expect((await slot.read())?.password.reveal()).toBe('one');
  await slot.put(login('two'));
  // What stands there already is not written again.
  await slot.put(login('two'));
  expect(await puts()).toBe(2);
  expect(await slot.read()).toMatchObject({ user: 'shop_b' });
});

test('what else it holds stays', async () => {
  await make('b', text('one'));
  await store().put(login('two'));
  const { SecretString } = await stage.ask<{ SecretString: string }>('secretsmanager', 'GetSecretValue', {
    SecretId: 'shop-dev/slot-b',
  });
  expect(JSON.parse(SecretString)).toEqual(JSON.parse(text('two')));
});

test.each(['drop-after', 'drop-before', 'throttling'] as const)('a call that ends in %s', async (kind) => {
  await make('b', text('one'));
  await stage.bed.fault({ service: 'secretsmanager', action: 'PutSecretValue', kind });
  const slot = store();
  await slot.put(login('two'));
  expect((await slot.read())?.password.reveal()).toBe('two');
  const { VersionIdsToStages } = await stage.ask<{ VersionIdsToStages: object }>(
    'secretsmanager',
    'DescribeSecret',
    { SecretId: 'shop-dev/slot-b' },
  );
  expect(Object.keys(VersionIdsToStages)).toHaveLength(2);
});

test('the past is not taken for the present', async () => {
  await make('b', text('one'));
  const slot = slotStore(world.aws, 'shop-dev/slot-b', 'shop_b');
  await stage.bed.lag({ 'secretsmanager.version': 3 });
  await slot.put(login('two'));
  expect((await slot.read())?.password.reveal()).toBe('two');
});

test('both secrets have to be registered with the proxy', async () => {
  const [a, b] = [await make('a', text('x')), await make('b', text('y'))];
  const proxy = (...arns: string[]): DBProxy => ({
    DBProxyName: 'shop-dev-proxy',
    Auth: arns.map((SecretArn) => ({ SecretArn })),
  });
  const stores = await slotStores(world, proxy(a.ARN, b.ARN));
  expect(stores.map(({ user, title }) => [user, title])).toEqual([
    ['shop_a', 'secret shop-dev/slot-a'],
    ['shop_b', 'secret shop-dev/slot-b'],
  ]);
  await expect(slotStores(world, proxy(a.ARN))).rejects.toMatchObject({
    code: 'SLOT_NOT_REGISTERED',
    message: expect.stringContaining('shop-dev/slot-b'),
  });
});
