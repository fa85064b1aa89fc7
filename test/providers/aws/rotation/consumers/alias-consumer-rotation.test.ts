import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { memoryJournal } from '../../../../../src/rotation/journal.ts';
import { rotate } from '../../../../../src/rotation/rotate.ts';
import { testContext } from '../../../../postgres-server.ts';
import { MemoryDatabase } from '../../../../rotation/memory-database.ts';
import { login, MemoryStore } from '../../../../rotation/memory-store.ts';
import { type ConsumerBed, startConsumerBed } from './consumer-bed.ts';

const old = login('shop_a', 'old-password');

/** A rotation of a store and a database in memory; its consumer is a function on the bed. */
async function start() {
  const world = await startConsumerBed();
  await world.makeFunction('shop', { PGUSER: 'shop_a', PGPASSWORD: 'old-password' });
  const consumers = await world.consumers([{ function: 'shop:live', credentials: 'environment' }]);
  const database = new MemoryDatabase(() => Date.now());
  database.change('shop_a', 'old-password');
  const store = new MemoryStore(old);
  const parts = { id: 'shop-dev', store, slots: { a: 'shop_a', b: 'shop_b' }, database, consumers };
  const wish = {
    ...({ strategy: 'slots', rollback: false, repair: false, acceptWindow: false, drainMs: 0 } as const),
    ...({ canary: [5, 50, 100], retire: 'scramble', terminate: 'none' } as const),
  };
  const run = () =>
    rotate(
      testContext(),
      parts,
      { ...wish, start: randomUUID() },
      {
        ...{ journal: memoryJournal(), pollMs: 20, soakMs: 100 },
      },
    );
  return { world, database, store, run };
}

/** What Lambda tells CloudWatch of a version behind `live`. */
async function count(world: ConsumerBed, version: string, calls: number, errors: number): Promise<void> {
  const dimensions = { FunctionName: 'shop', Resource: 'shop:live', ExecutedVersion: version };
  const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
  const datum = { Dimensions, Timestamp: new Date().toISOString() };
  const MetricData = [
    { ...datum, MetricName: 'Invocations', Value: calls },
    { ...datum, MetricName: 'Errors', Value: errors },
  ];
  const input = { Namespace: 'AWS/Lambda', MetricData };
  await world.bed.aws({ service: 'cloudwatch', action: 'PutMetricData', input });
}

test('a rotation goes over share by share, and $LATEST with it', { timeout: 60_000 }, async () => {
  const { world, database, store, run } = await start();
  const report = await run();
  expect(report.outcome).toBe('closed');
  expect(report.effects.filter(({ name }) => name === 'shift').length).toBe(3);
  expect(report.consumers.map(({ id, holds, proved }) => [id, holds, proved])).toEqual([
    ['function shop:live', 'current', true],
    ['function shop:$LATEST', 'current', true],
  ]);
  const held = await world.variables('shop', 'live');
  expect(held.PGUSER).toBe('shop_b');
  expect(held.PGPASSWORD).toBe(store.login(store.current)?.password.reveal());
  expect(database.accepts(login('shop_b', held.PGPASSWORD ?? ''))).toBe(true);
  expect(database.accepts(old)).toBe(false);
  expect(await world.alias('shop')).toEqual({ version: '2', weights: {} });
});

test('errors of a share take everything back', { timeout: 60_000 }, async () => {
  const { world, database, store, run } = await start();
  let counted = false;
  await world.bed.hook({ after: ['lambda:UpdateAlias'] }, async () => {
    if (!counted) await count(world, '2', 100, 20);
    counted = true;
    return undefined;
  });
  const report = await run();
  expect(report.outcome).toBe('rolled back');
  expect(await world.alias('shop')).toEqual({ version: '1', weights: {} });
  expect(await world.variables('shop')).toEqual({ PGUSER: 'shop_a', PGPASSWORD: 'old-password' });
  expect(database.accepts(old)).toBe(true);
  expect(store.pending).toBe(undefined);
});
