import { describe, expect, test } from 'vitest';
import { type ConsumerBed, fresh, old, prepared, promoted, shown, startConsumerBed } from './consumer-bed.ts';

const holding = { PGUSER: 'shop_a', PGPASSWORD: 'old-password', MOOD: 'good' };
const listed = { function: 'shop', credentials: 'environment' };
const id = 'function shop:$LATEST';

/** A function whose callers name no alias. */
async function start(variables: Record<string, string> = holding, changes = {}): Promise<ConsumerBed> {
  const world = await startConsumerBed();
  await world.makeFunction('shop', variables, changes);
  await world.lambda('DeleteAlias', { FunctionName: 'shop', Name: 'live' });
  await world.bed.clearRequests();
  return world;
}

async function latestOf(world: ConsumerBed, more = {}) {
  const consumer = await world.consumer({ ...listed, ...more }, id);
  return { consumer, before: await consumer.read(prepared) };
}

const count = async (world: ConsumerBed, action: string): Promise<number> =>
  (await world.bed.requests()).filter((request) => request.action === action && request.status === 200)
    .length;

/** Answers of GetFunctionConfiguration with something else in them. */
const shows = (world: ConsumerBed, more: object, times = Number.POSITIVE_INFINITY) => {
  let left = times;
  return world.bed.hook({ after: ['lambda:GetFunctionConfiguration'] }, async ({ output }) => {
    left -= 1;
    return left < 0 ? undefined : { output: { ...output, ...more } };
  });
};

describe('a function without an alias', () => {
  test('gets the new login in one change, and the old one back in another', async () => {
    const world = await start();
    const { consumer, before } = await latestOf(world);
    expect([shown(before.holds), before.staged, before.state]).toEqual([shown(old.login), false, 'ready']);
    expect(await consumer.verify?.(prepared)).toEqual([]);
    await consumer.shift?.(fresh, 0);
    expect(await count(world, 'UpdateFunctionConfiguration')).toBe(0);
    await consumer.shift?.(fresh, 100);
    expect(shown((await consumer.read(promoted)).holds)).toBe(shown(fresh.login));
    expect(await consumer.prove?.()).toEqual({
      ...{ ok: true, user: 'shop_b', detail: 'logs in as shop_b, acts as no text' },
    });
    await consumer.shift?.(fresh, 100);
    expect(await count(world, 'UpdateFunctionConfiguration')).toBe(1);
    await consumer.shift?.(old, 100);
    expect(await world.variables('shop')).toEqual(holding);
  });

  test('keeps what somebody else writes at the same moment', async () => {
    const world = await start();
    const { consumer } = await latestOf(world);
    let others = 2;
    // Between our look and our change, each time.
    const undo = await world.bed.hook({ after: ['lambda:GetFunctionConfiguration'] }, async ({ input }) => {
      if (input.FunctionName !== 'shop' || others === 0) return undefined;
      others -= 1;
      const Variables = { ...(await world.variables('shop')), [`OTHER_${others}`]: 'theirs' };
      await world.lambda('UpdateFunctionConfiguration', { FunctionName: 'shop', Environment: { Variables } });
      for (let turn = 0; turn < 2; turn++)
        await world.lambda('GetFunctionConfiguration', { FunctionName: 'shop' });
      return undefined;
    });
    await consumer.shift?.(fresh, 100);
    await undo();
    expect(await world.variables('shop')).toEqual({
      ...{ MOOD: 'good', PGUSER: 'shop_b', PGPASSWORD: 'new/p@ssword', OTHER_0: 'theirs', OTHER_1: 'theirs' },
    });
  });

  test("waits for somebody else's change", async () => {
    const world = await start();
    await world.bed.pace({ 'lambda.function': 3 });
    await world.lambda('UpdateFunctionConfiguration', { FunctionName: 'shop', Timeout: 9 });
    const { consumer, before } = await latestOf(world);
    expect(before).toMatchObject({ state: 'busy', why: 'its change is in progress', holds: undefined });
    await consumer.shift?.(fresh, 100);
    expect((await consumer.read(promoted)).state).toBe('ready');
  });

  test('whose environment is hidden is never written', async () => {
    const world = await start();
    const hidden = { ErrorCode: 'AccessDeniedException', Message: 'Lambda was unable to decrypt' };
    await shows(world, { Environment: { Error: hidden } });
    const { consumer, before } = await latestOf(world);
    expect(before).toMatchObject({ state: 'hidden', holds: undefined });
    expect(before.why).toContain('Lambda was unable to decrypt');
    await expect(consumer.shift?.(fresh, 100)).rejects.toMatchObject({ code: 'ENVIRONMENT_HIDDEN' });
    expect(await world.changes()).toEqual([]);
    expect(await world.variables('shop')).toEqual(holding);
  });

  test('that has failed says why, and is changed again', async () => {
    const world = await start();
    const failed = { LastUpdateStatus: 'Failed', LastUpdateStatusReason: 'no address left in subnet-1' };
    // Its list of aliases, what it holds, and the look before the change.
    const undo = await shows(world, failed, 3);
    const { consumer, before } = await latestOf(world);
    expect(before).toMatchObject({ state: 'failed', why: expect.stringContaining('no address left') });
    await consumer.shift?.(old, 100);
    expect(await count(world, 'UpdateFunctionConfiguration')).toBe(1);
    await undo();
    await shows(world, failed);
    await expect(consumer.shift?.(fresh, 100)).rejects.toMatchObject({
      code: 'FUNCTION_UPDATE_FAILED',
      message: 'Lambda could not change function shop: no address left in subnet-1',
    });
  });

  test('that is in state Failed is not changed', async () => {
    const world = await start();
    await shows(world, { State: 'Failed', StateReason: 'the image is gone' });
    const { consumer, before } = await latestOf(world);
    expect(before).toMatchObject({ state: 'failed', why: 'it is in state Failed: the image is gone' });
    await expect(consumer.shift?.(fresh, 100)).rejects.toMatchObject({ code: 'CONSUMER_FAILED', exit: 3 });
    expect(await world.changes()).toEqual([]);
  });

  test('without room for the login is refused before anything', async () => {
    const world = await start({ ...holding, AA: 'x'.repeat(4_029) });
    const { consumer } = await latestOf(world);
    await expect(consumer.verify?.(prepared)).rejects.toMatchObject({ code: 'ENVIRONMENT_TOO_LARGE' });
  });

  test('that is gone, or denied, is unreachable', async () => {
    const world = await start();
    const { consumer } = await latestOf(world);
    await world.bed.fault({ service: 'lambda', action: 'GetFunctionConfiguration', kind: 'access-denied' });
    expect(await consumer.read(prepared)).toMatchObject({ state: 'unreachable', holds: undefined });
    await world.lambda('DeleteFunction', { FunctionName: 'shop' });
    await world.lambda('GetFunctionConfiguration', { FunctionName: 'shop' }).catch(() => {});
    expect(await consumer.read(prepared)).toMatchObject({
      ...{ state: 'unreachable', why: 'there is no function shop' },
    });
  });
});

test('a function that reads the store at its start gets new environments by a marker', async () => {
  const world = await start({ MOOD: 'good' });
  const { consumer, before } = await latestOf(world, { credentials: 'start' });
  expect([shown(before.holds), before.staged, before.takesNext]).toEqual([shown(old.login), false, false]);
  expect(shown((await consumer.read(promoted)).holds)).toBe(shown(old.login));
  await consumer.shift?.(fresh, 100);
  expect(await world.variables('shop')).toEqual({ MOOD: 'good', LAMBDAPG_ROTATION: fresh.versionId });
  expect(shown((await consumer.read(promoted)).holds)).toBe(shown(fresh.login));
});
