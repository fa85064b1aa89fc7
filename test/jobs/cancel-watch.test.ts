import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { cancelRun, watchForCancel } from '../../src/jobs/cancel-watch.ts';
import { useSchemaBed } from '../seed/schema-bed.ts';

const bed = useSchemaBed();

test('a run whose first try to listen fails late is cancelled all the same', async () => {
  const { admin } = bed().target;
  let tries = 0;
  const target = {
    ...admin,
    password: async () => {
      tries += 1;
      if (tries > 1) return typeof admin.password === 'function' ? admin.password() : admin.password;
      await sleep(3_500);
      throw new Error('no connection yet');
    },
  };
  const run = '0123456789abcdef';
  let cancelled = () => {};
  const told = new Promise<void>((resolve) => {
    cancelled = resolve;
  });
  const stop = watchForCancel({ target, run }, cancelled);
  try {
    expect(await cancelRun({ target: admin, run })).toBe(true);
    await told;
  } finally {
    await stop();
  }
  expect(tries).toBeGreaterThan(1);
});
