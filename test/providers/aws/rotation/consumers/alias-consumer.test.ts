import { describe, expect, test } from 'vitest';
import type { Consumer } from '../../../../../src/rotation/parts.ts';
import { type ConsumerBed, fresh, old, prepared, promoted, shown, startConsumerBed } from './consumer-bed.ts';

const holding = { PGUSER: 'shop_a', PGPASSWORD: 'old-password', MOOD: 'good' };
const listed = { function: 'shop', alias: 'live', credentials: 'environment' };
const live = 'function shop:live';

async function start(variables: Record<string, string> = holding): Promise<ConsumerBed> {
  const world = await startConsumerBed();
  await world.makeFunction('shop', variables);
  await world.bed.clearRequests();
  return world;
}

async function liveOf(world: ConsumerBed): Promise<Consumer> {
  const consumer = await world.consumer(listed, live);
  await consumer.read(prepared);
  return consumer;
}

describe('a function with its login in variables, behind an alias', () => {
  test('goes over share by share; the version before stays as it was', async () => {
    const world = await start();
    const consumer = await liveOf(world);
    expect(await consumer.verify?.(prepared)).toEqual([]);
    const before = await consumer.read(prepared);
    expect([shown(before.holds), before.staged, before.state]).toEqual([shown(old.login), true, 'ready']);
    expect(before.drainMs).toBe(12_000);
    for (const percent of [5, 50]) {
      await consumer.shift?.(fresh, percent);
      expect(await world.alias('shop')).toEqual({ version: '1', weights: { '2': percent / 100 } });
      const { holds, added } = await consumer.read(prepared);
      expect([shown(holds), shown(added?.holds), added?.percent]).toEqual([
        shown(old.login),
        shown(fresh.login),
        percent,
      ]);
    }
    await consumer.shift?.(fresh, 100);
    expect(await world.alias('shop')).toEqual({ version: '2', weights: {} });
    const after = await consumer.read(promoted);
    expect([shown(after.holds), after.added]).toEqual([shown(fresh.login), undefined]);
    expect(await world.variables('shop', '1')).toEqual(holding);
    const wanted = { PGUSER: 'shop_b', PGPASSWORD: 'new/p@ssword', MOOD: 'good' };
    expect(await world.variables('shop', '2')).toEqual(wanted);
    expect(await world.variables('shop')).toEqual(wanted);
    expect(await consumer.prove?.()).toMatchObject({ ok: true, user: 'shop_b' });
    expect(await world.changes()).toEqual([
      ...['UpdateFunctionConfiguration', 'PublishVersion', 'UpdateAlias', 'UpdateAlias', 'UpdateAlias'],
    ]);
  });

  test('steps back in one call, and forward again to the version that is there', async () => {
    const world = await start();
    const consumer = await liveOf(world);
    await consumer.shift?.(fresh, 5);
    await world.bed.clearRequests();
    await consumer.shift?.(old, 0);
    expect(await world.alias('shop')).toEqual({ version: '1', weights: {} });
    expect(await world.changes()).toEqual(['UpdateAlias']);
    const latest = await world.consumer(listed, 'function shop:$LATEST');
    expect(shown((await latest.read(prepared)).holds)).toBe(shown(fresh.login));
    await latest.shift?.(old, 100);
    expect(await world.variables('shop')).toEqual(holding);
    await consumer.shift?.(fresh, 100);
    expect(await world.alias('shop')).toEqual({ version: '2', weights: {} });
    await consumer.shift?.(old, 100);
    expect(await world.alias('shop')).toEqual({ version: '1', weights: {} });
    expect(await world.versions('shop')).toEqual(['$LATEST', '1', '2']);
  });

  test.each(['UpdateFunctionConfiguration', 'PublishVersion', 'Invoke', 'UpdateAlias'])(
    'that goes wrong after %s ends with one new version',
    async (action) => {
      const world = await start();
      for (const [percent, version] of [
        [5, '1'],
        [100, '2'],
      ] as const) {
        await world.bed.fault({
          service: 'lambda',
          action,
          kind: 'drop-after',
          count: action === 'Invoke' ? 5 : 1,
        });
        await liveOf(world).then((consumer) => consumer.shift?.(fresh, percent)?.catch(() => {}));
        await world.bed.clearFaults();
        const resumed = await liveOf(world);
        await resumed.shift?.(fresh, percent);
        expect((await world.alias('shop')).version).toBe(version);
      }
      await world.bed.clearRequests();
      await (await liveOf(world)).shift?.(fresh, 100);
      expect(await world.changes()).toEqual([]);
      expect(await world.versions('shop')).toEqual(['$LATEST', '1', '2']);
      expect(await world.variables('shop', '1')).toEqual(holding);
    },
  );

  test('is not given to a version that does not log in', async () => {
    const world = await startConsumerBed({
      answer: ({ PGUSER }) => ({ 'lambdapg:probe': 1, ok: PGUSER === 'shop_a', user: PGUSER, code: '28P01' }),
    });
    await world.makeFunction('shop', holding);
    const consumer = await liveOf(world);
    await expect(consumer.shift?.(fresh, 5)).rejects.toMatchObject({
      code: 'CONSUMER_PROBE_FAILED',
      message: expect.stringContaining('function shop:2 does not work with the new login: 28P01'),
    });
    expect(await world.alias('shop')).toEqual({ version: '1', weights: {} });
  });
});

describe('what is not shifted', () => {
  test('$LATEST with code or variables that do not serve yet', async () => {
    const world = await start();
    await world.lambda('UpdateFunctionConfiguration', {
      FunctionName: 'shop',
      Environment: { Variables: { ...holding, FEATURE: 'unfinished' } },
      MemorySize: 512,
    });
    const consumer = await liveOf(world);
    const refusal = {
      code: 'CONSUMER_DRIFTED',
      message: expect.stringContaining('in MemorySize, variable FEATURE'),
    };
    await expect(consumer.verify?.(prepared)).rejects.toMatchObject(refusal);
    await expect(consumer.shift?.(fresh, 100)).rejects.toMatchObject(refusal);
    expect(await world.versions('shop')).toEqual(['$LATEST', '1']);
    expect(await world.variables('shop')).toMatchObject({ PGUSER: 'shop_a' });
  });

  test("an alias in the middle of somebody else's deployment", async () => {
    const world = await start();
    await world.lambda('UpdateFunctionConfiguration', { FunctionName: 'shop', Timeout: 9 });
    for (let turn = 0; turn < 3; turn++)
      await world.lambda('GetFunctionConfiguration', { FunctionName: 'shop' });
    await world.lambda('PublishVersion', { FunctionName: 'shop' });
    const RoutingConfig = { AdditionalVersionWeights: { '2': 0.1 } };
    await world.lambda('UpdateAlias', { FunctionName: 'shop', Name: 'live', RoutingConfig });
    const consumer = await liveOf(world);
    const refusal = { code: 'CONSUMER_SPLIT', message: expect.stringContaining('10 % of its traffic') };
    await expect(consumer.verify?.(prepared)).rejects.toMatchObject(refusal);
    await expect(consumer.shift?.(fresh, 100)).rejects.toMatchObject(refusal);
    expect((await world.alias('shop')).weights).toEqual({ '2': 0.1 });
  });

  test('an alias that somebody else moves at the same time', async () => {
    const world = await start();
    const consumer = await liveOf(world);
    const undo = await world.bed.hook({ after: ['lambda:PublishVersion'] }, async () => {
      await world.lambda('UpdateAlias', { FunctionName: 'shop', Name: 'live', Description: 'mine' });
      return undefined;
    });
    await expect(consumer.shift?.(fresh, 100)).rejects.toMatchObject({ code: 'CHANGED_MEANWHILE', exit: 75 });
    await undo();
    await consumer.shift?.(fresh, 100);
    expect(await world.alias('shop')).toEqual({ version: '2', weights: {} });
  });

  test('an alias, or a version, that cannot be seen or has failed', async () => {
    const world = await start();
    const gone = await world.consumer({ ...listed, alias: 'prod' }, 'function shop:prod');
    expect(await gone.read(prepared)).toMatchObject({
      state: 'unreachable',
      why: 'there is no function shop:prod',
    });
    const consumer = await liveOf(world);
    await world.bed.fault({ service: 'lambda', action: 'GetAlias', kind: 'access-denied' });
    expect(await consumer.read(prepared)).toMatchObject({ state: 'unreachable' });
    await world.bed.hook({ after: ['lambda:GetFunctionConfiguration'] }, async ({ output }) => ({
      output: { ...output, State: 'Failed', StateReason: 'the image is gone' },
    }));
    expect(await consumer.read(prepared)).toMatchObject({
      state: 'failed',
      why: 'it is in state Failed: the image is gone',
    });
  });
});

describe('provisioned concurrency', () => {
  test('of the version is there before the new one gets traffic, and moves with it', async () => {
    const world = await start();
    const input = { FunctionName: 'shop', Qualifier: '1' };
    await world.lambda('PutProvisionedConcurrencyConfig', { ...input, ProvisionedConcurrentExecutions: 3 });
    const consumer = await liveOf(world);
    await consumer.shift?.(fresh, 5);
    const asked = (await world.bed.requests()).map(({ action }) => action);
    const at = (action: string) => asked.lastIndexOf(action);
    expect(at('PutProvisionedConcurrencyConfig')).toBeLessThan(at('UpdateAlias'));
    const get = (Qualifier: string) =>
      world.lambda('GetProvisionedConcurrencyConfig', { FunctionName: 'shop', Qualifier });
    expect(await get('2')).toMatchObject({ Status: 'READY', RequestedProvisionedConcurrentExecutions: 3 });
    await consumer.shift?.(fresh, 100);
    await expect(get('1')).rejects.toThrow('ProvisionedConcurrencyConfigNotFoundException');
  });

  test('of a version to which no alias leads any more is named, with the call that ends it', async () => {
    const world = await start();
    const put = (Qualifier: string) =>
      world.lambda('PutProvisionedConcurrencyConfig', {
        ...{ FunctionName: 'shop', Qualifier, ProvisionedConcurrentExecutions: 3 },
      });
    const list = () => world.lambda('ListProvisionedConcurrencyConfigs', { FunctionName: 'shop' });
    await put('1');
    const consumer = await liveOf(world);
    expect(await consumer.verify?.(prepared)).toEqual([]);
    await world.bed.fault({
      ...{ service: 'lambda', action: 'DeleteProvisionedConcurrencyConfig', kind: 'access-denied' },
      count: 1,
    });
    await expect(consumer.shift?.(fresh, 100)).rejects.toMatchObject({ code: 'ACCESS_DENIED' });
    expect((await world.alias('shop')).version).toBe('2');
    const [note, ...others] = (await consumer.verify?.(promoted)) ?? [];
    expect(others).toEqual([]);
    expect(note).toMatch(/^version 1 of function shop keeps provisioned concurrency/);
    expect(note).toMatch(
      / aws lambda delete-provisioned-concurrency-config --function-name shop --qualifier 1$/,
    );
    const left = { FunctionName: 'shop', Qualifier: '1' };
    await world.lambda('DeleteProvisionedConcurrencyConfig', left);
    expect(await consumer.verify?.(promoted)).toEqual([]);
    expect(await list()).toMatchObject({
      ProvisionedConcurrencyConfigs: [{ FunctionArn: expect.stringMatching(/:2$/) }],
    });
    await world.bed.fault({
      ...{ service: 'lambda', action: 'ListProvisionedConcurrencyConfigs', kind: 'access-denied' },
      count: 1,
    });
    expect(await consumer.verify?.(promoted)).toEqual([]);
  });

  test('of the alias: it goes over as a whole', async () => {
    const world = await start();
    const input = { FunctionName: 'shop', Qualifier: 'live', ProvisionedConcurrentExecutions: 3 };
    await world.lambda('PutProvisionedConcurrencyConfig', input);
    const consumer = await world.consumer(listed, live);
    expect(await consumer.read(prepared)).toMatchObject({ staged: false, state: 'busy' });
    expect(await consumer.read(prepared)).toMatchObject({ staged: false, state: 'ready' });
    await consumer.shift?.(fresh, 100);
    expect((await world.alias('shop')).version).toBe('2');
  });
});

test('the second candidate is given in a version of its own, and taken away again', async () => {
  const world = await start();
  const variables = { user: 'PGUSER', password: 'PGPASSWORD', next: 'PGPASSWORD_NEXT' };
  const consumer = await world.consumer({ ...listed, variables }, live);
  const next = { ...fresh, login: { ...fresh.login, user: 'shop_a' } };
  expect((await consumer.read(prepared)).takesNext).toBe(true);
  await consumer.giveNext?.(next);
  const given = await consumer.read({ ...prepared, pending: next });
  expect([shown(given.holds), shown(given.next)]).toEqual([shown(old.login), shown(next.login)]);
  await consumer.shift?.(next, 100);
  await consumer.giveNext?.(undefined);
  const after = await consumer.read({ current: next, pendingIsCurrent: false });
  expect([shown(after.holds), after.next]).toEqual([shown(next.login), undefined]);
  expect(await world.variables('shop')).toEqual({ ...holding, PGPASSWORD: 'new/p@ssword' });
});
