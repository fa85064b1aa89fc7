import { expect, test } from 'vitest';
import { killAndResume } from './rotate-killed-suite.ts';
import { startRotationBed, underLoad } from './rotation-bed.ts';

/** 200 times: the long tier. */
test('rotate-creds under load: closes without a failed request, also when it was killed 20 times', async () => {
  const bed = await startRotationBed({ plane: { maxConnections: 200, checksNetwork: false } });
  const { result, report } = await underLoad(bed, { perSecond: 12, environments: 4 }, async () => {
    const whole = await bed.rotate('--yes');
    expect(whole, JSON.stringify(whole.output)).toMatchObject({
      exitCode: 0,
      output: { outcome: 'closed', currentUser: 'shop_b' },
    });
    expect(whole.output.consumers?.map(({ id, holds, proved }) => [id, holds, proved])).toEqual(
      [
        'shop-dev-api:live',
        'shop-dev-overdue:live',
        'orders-node:live',
        'orders-python:live',
        'orders-env:live',
        'orders-env:$LATEST',
      ].map((name) => [`function ${name}`, 'current', true]),
    );
    return killAndResume(bed, 20, { seed: Date.now() % 1_000_000, longestMs: 6_000 });
  });
  expect(report.failures).toEqual({});
  expect(report.figures()).toMatchObject({ failed: 0, dropped: 0 });
  expect(result).toBeGreaterThan(5);
}, 600_000);
