import { afterAll, beforeAll, expect, test } from 'vitest';
import { driverLanguages } from './driver.ts';
import { metricsOf, type RuntimeBed, startRuntimeBed } from './runtime-bed.ts';

let bed: RuntimeBed;
beforeAll(async () => {
  bed = await startRuntimeBed({ settings: { max_connections: '100' } });
});
afterAll(async () => {
  await bed.reset();
  await bed.cleanUp();
});

/** Python's threads are slower to knock: a hold that is long enough to have all of them before the door. */
const holdSeconds = { node: 0.3, python: 6 };

test.each(driverLanguages)(
  '150 environments in %s on 100 slots: none fails',
  async (language) => {
    const driver = bed.start(language, {
      ...bed.login,
      TEST_RETRY_WITHIN_MS: '60000',
      TEST_CONNECT_TIMEOUT_MS: '60000',
    });
    const sql = `select 1 as one from pg_sleep(${holdSeconds[language]})`;
    const rows = await driver.do({ op: 'together', sql, count: 150 });
    expect(rows).toEqual(Array(150).fill([{ one: 1 }]));
    expect(metricsOf(driver).filter(({ slot_waits }) => slot_waits > 0).length).toBeGreaterThan(20);
  },
  90_000,
);
