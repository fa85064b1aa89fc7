import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type ConsumerBed, fresh, prepared, startConsumerBed } from './consumer-bed.ts';

const listed = { function: 'shop', alias: 'live', credentials: 'environment' };
const live = 'function shop:live';
const holding = { PGUSER: 'shop_a', PGPASSWORD: 'old-password' };
const child = fileURLToPath(new URL('./alias-consumer-child.ts', import.meta.url));

/** Shifts in another process and kills it as soon as `action` has happened, before it hears of it. */
async function shiftAndKill({ bed }: ConsumerBed, action: string, percent: number): Promise<void> {
  const words = ['--import', 'tsx', child, JSON.stringify(listed), live, String(percent)];
  const process_ = spawn(process.execPath, words, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, ...bed.environment, NODE_NO_WARNINGS: '1' },
  });
  const exit = once(process_, 'exit');
  const unhook = await bed.hook({ after: [`lambda:${action}`] }, () => {
    process_.kill('SIGKILL');
    return undefined;
  });
  const [code, signal] = (await exit) as [number | null, string | null];
  await unhook();
  expect([code, signal]).toEqual([null, 'SIGKILL']);
}

/** What one shift does, in its order. */
const steps = [
  'UpdateFunctionConfiguration',
  'PublishVersion',
  'PutProvisionedConcurrencyConfig',
  'UpdateAlias',
];

describe.each([5, 100])('a shift to %s %%', (percent) => {
  test.each([...steps, ...(percent === 100 ? ['DeleteProvisionedConcurrencyConfig'] : [])])(
    'that is killed after %s is completed by the next one',
    { timeout: 120_000 },
    async (action) => {
      const world = await startConsumerBed();
      await world.makeFunction('shop', holding);
      const first = { FunctionName: 'shop', Qualifier: '1' };
      await world.lambda('PutProvisionedConcurrencyConfig', { ...first, ProvisionedConcurrentExecutions: 2 });
      await shiftAndKill(world, action, percent);
      const consumer = await world.consumer(listed, live);
      await consumer.read(prepared);
      await consumer.shift?.(fresh, percent);
      expect(await world.alias('shop')).toEqual(
        percent === 100 ? { version: '2', weights: {} } : { version: '1', weights: { '2': 0.05 } },
      );
      expect(await world.versions('shop')).toEqual(['$LATEST', '1', '2']);
      expect(await world.variables('shop', '1')).toEqual(holding);
      const get = (Qualifier: string) =>
        world.lambda('GetProvisionedConcurrencyConfig', { FunctionName: 'shop', Qualifier });
      expect(await get('2')).toMatchObject({ Status: 'READY' });
      // The run that was killed right after the alias has moved leaves the former version's environments.
      if (percent === 100 && action !== 'UpdateAlias') await expect(get('1')).rejects.toThrow('NotFound');
    },
  );
});
