import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { functionEnvironment } from '../../src/local/function-environment.ts';
import { type ProxyBed, startProxyBed, type TestProxy } from '../local/proxy/proxy-bed.ts';
import { bundleNodeDriver, type Driver, driverLanguages, startDriver } from './driver.ts';

/* The runtime behind the local RDS Proxy (docs/decisions/007-local-proxy.md says what pins there). */

let bed: ProxyBed;
let nodeDriver: string;
beforeAll(async () => {
  bed = await startProxyBed();
  nodeDriver = await bundleNodeDriver(dirname(bed.local.caFile));
  await bed.admin('create table marks (id int primary key); grant all on marks to library_app');
});
afterAll(() => bed.cleanUp());

describe.each(driverLanguages)('the runtime in %s behind RDS Proxy', (language) => {
  let proxy: TestProxy;
  const drivers: Driver[] = [];
  const start = async (): Promise<Driver> => {
    const settings = await functionEnvironment(proxy.target, bed.local.caFile);
    const driver = startDriver(language, nodeDriver, { ...settings, AWS_LAMBDA_FUNCTION_NAME: 'demo' });
    drivers.push(driver);
    return driver;
  };
  beforeAll(async () => {
    await bed.admin('truncate marks');
    proxy = await bed.startProxy();
  });
  afterAll(async () => {
    await Promise.all(drivers.splice(0).map((driver) => driver.stop()));
    await proxy.stop();
  });

  test('nothing that it does by itself pins a session', async () => {
    const driver = await start();
    for (let round = 0; round < 8; round += 1) await driver.query('select 1 as one');
    await driver.do({
      op: 'transaction',
      statements: ['insert into marks values (1)', 'select id from marks'],
    });
    await expect(driver.query('insert into marks values (1)')).rejects.toMatchObject({ code: '23505' });
    const statements = ['insert into marks values (2)', 'select 1/0'];
    await expect(driver.do({ op: 'transaction', statements })).rejects.toMatchObject({ code: '22012' });
    const slow = { op: 'query', sql: 'select pg_sleep(60)', timeoutMs: 50 } as const;
    await expect(driver.do(slow)).rejects.toMatchObject({ code: '57014' });
    await driver.do({ op: 'query', sql: 'select 1 as one', timeoutMs: 60_000 });
    // Long idle: the server is asked by an empty statement.
    await driver.do({ op: 'skip', ms: 60_000 });
    expect(await driver.query('select id from marks')).toEqual([{ id: 1 }]);

    expect(proxy.log.filter((line) => /pinned/.test(line))).toEqual([]);
    expect(proxy.metrics()).toMatchObject({ DatabaseConnectionsCurrentlySessionPinned: 0, pins: {} });
  });

  test('the database sees which function asks', async () => {
    const driver = await start();
    const [row] = await driver.query("select current_setting('application_name') as name");
    expect(row?.name).toMatch(/^lpg\/demo\/\$LATEST\/[0-9a-f]{8}$/);
  });

  test('six environments share the two connections of the proxy', async () => {
    const driver = await start();
    const sql = 'select 1 as one from pg_sleep(0.05)';
    expect(await driver.do({ op: 'together', sql, count: 6 })).toEqual(Array(6).fill([{ one: 1 }]));
    expect((await bed.sessions()).length).toBeLessThanOrEqual(2);
  });

  test('a SET of the session would pin: the proxy of this test does tell', async () => {
    const driver = await start();
    await driver.query("set statement_timeout = '1s'");
    expect(proxy.metrics().pins).toEqual({ set: 1 });
  });
});
