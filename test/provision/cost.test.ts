import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { configSchema } from '../../src/project/config-schema.ts';
import { estimateCost, type Prices } from '../../src/provision/cost/cost.ts';
import { findCostDrivers } from '../../src/provision/cost/cost-drivers.ts';
import { formatCost } from '../../src/provision/cost/format-cost.ts';
import { priceId } from '../../src/provision/cost/price-keys.ts';

interface Cloud {
  readonly database?: { readonly minAcu?: number; readonly [answer: string]: unknown };
  readonly [answer: string]: unknown;
}

/** What stands in an engine's files may be what `lambdapg.json` would refuse: an Aurora that may pause behind a proxy. */
function driversOf({ database: { minAcu, ...database } = {}, ...cloud }: Cloud, vCpus?: number) {
  const config = configSchema.parse({
    name: 'books',
    template: 'api-node',
    language: 'node',
    runtime: 'nodejs24.x',
    cloud: { ...cloud, database },
    functions: { api: { handler: 'src/api.handler', routes: ['$default'] } },
  });
  const known = { ...config.cloud.database, ...(minAcu !== undefined && { minAcu }) };
  return findCostDrivers({ ...config, cloud: { ...config.cloud, database: known } }, { vCpus });
}

/** What is billed without traffic: id and quantity. */
const fixed = (cloud: Cloud, vCpus?: number): Record<string, number> =>
  Object.fromEntries(
    estimateCost(driversOf(cloud, vCpus)).drivers.flatMap(({ id, quantityPerMonth }) =>
      quantityPerMonth === 'by use' ? [] : [[id, quantityPerMonth]],
    ),
  );

const note = (cloud: Cloud, id: string): string | undefined =>
  driversOf(cloud).find((driver) => driver.id === id)?.note;

describe('what is billed without traffic', () => {
  test.each([
    ['an isolated RDS instance', {}, { instance: 730, storage: 20, secrets: 3, endpoint: 1460 }],
    ['with IAM: no secret, no endpoint', { auth: 'iam' }, { instance: 730, storage: 20 }],
    [
      'behind a NAT gateway: its address too',
      { network: { kind: 'nat' } },
      { instance: 730, storage: 20, secrets: 3, nat: 730, 'nat-address': 730 },
    ],
    [
      'in subnets that exist: nothing of the network',
      { network: { kind: 'existing', subnetIds: ['subnet-1', 'subnet-2'] } },
      { instance: 730, storage: 20, secrets: 3 },
    ],
    [
      'with a replica',
      { auth: 'iam', database: { reader: true, storageGb: 100 } },
      { instance: 730, storage: 100, replica: 730, 'replica-storage': 100 },
    ],
    ['Aurora', { auth: 'iam', database: { kind: 'aurora', minAcu: 1 } }, { acu: 730 }],
    [
      'Aurora with a reader',
      { auth: 'iam', database: { kind: 'aurora', minAcu: 1, reader: true } },
      { acu: 1460 },
    ],
    ['Aurora that pauses', { auth: 'iam', database: { kind: 'aurora', minAcu: 0 } }, { acu: 0 }],
    [
      'Aurora that a proxy keeps awake',
      { auth: 'iam', proxy: {}, database: { kind: 'aurora', minAcu: 0 } },
      { acu: 365, proxy: 5840 },
    ],
    [
      'a proxy over much Aurora',
      { auth: 'iam', proxy: {}, database: { kind: 'aurora', minAcu: 16, maxAcu: 32 } },
      { acu: 11_680, proxy: 11_680 },
    ],
  ])('%s', (_, cloud, expected) => {
    expect(fixed(cloud)).toEqual(expected);
  });

  test.each([
    [undefined, 1460],
    [1, 1460],
    [2, 1460],
    [8, 5840],
  ])('a proxy on an instance of %s vCPU: %i vCPU-hours', (vCpus, hours) => {
    expect(fixed({ proxy: {} }, vCpus).proxy).toBe(hours);
  });
});

describe('hidden costs are called out', () => {
  test('a proxy keeps Aurora from pausing', () => {
    const database = { kind: 'aurora', minAcu: 0 };
    expect(note({ proxy: {}, database }, 'acu')).toContain('never pauses');
    expect(note({ database }, 'acu')).toContain('pauses after 300 s');
    expect(note({ proxy: {}, database: { ...database, minAcu: 1 } }, 'acu')).not.toContain('pauses');
  });

  test('the minimum of the proxy, Multi-AZ, the public address, the last snapshot', () => {
    expect(note({ proxy: {} }, 'proxy')).toContain('2 at least');
    expect(note({ proxy: {}, database: { kind: 'aurora' } }, 'proxy')).toContain('8 ACU at least');
    expect(note({ database: { multiAz: true } }, 'instance')).toContain('twice');
    expect(note({ network: { kind: 'nat' } }, 'nat-address')).toContain('IPv4');
    expect(note({}, 'backup')).toContain('after destroy');
  });

  test('endpoint and NAT stand side by side, and only the chosen one counts', () => {
    const ways = (kind: string) => estimateCost(driversOf({ network: { kind } })).comparison?.ways;
    expect(ways('isolated')?.map(({ chosen }) => chosen)).toEqual([true, false]);
    expect(ways('nat')?.map(({ chosen }) => chosen)).toEqual([false, true]);
    expect(estimateCost(driversOf({ auth: 'iam' })).comparison).toBeUndefined();
  });
});

describe('amounts', () => {
  const drivers = driversOf({ proxy: {} }, 2);
  const at = (amount: number, left: typeof drivers = drivers): Prices => ({
    currency: 'USD',
    fetchedAt: '2026-11-21T12:00:00.000Z',
    amounts: Object.fromEntries(left.map(({ price }) => [priceId(price), amount])),
  });

  test('the total is the sum of what is billed without traffic', () => {
    const cost = estimateCost(drivers, at(2));
    const hours = 730 + 20 + 1460 + 3 + 1460;
    expect(cost.monthlyTotal).toBe(2 * hours);
    expect(cost.drivers.find(({ id }) => id === 'requests')).toMatchObject({ unitPrice: 2_000_000 });
  });

  test('without one of the prices there is no total, and the missing one is named', () => {
    const cost = estimateCost(
      drivers,
      at(
        2,
        drivers.filter(({ id }) => id !== 'proxy'),
      ),
    );
    expect(cost).toMatchObject({ unpriced: ['RDS Proxy'] });
    expect(cost.monthlyTotal).toBeUndefined();
    expect(formatCost(cost)).toContain('total unknown: no price found for RDS Proxy');
  });

  test('without prices the drivers are shown alone', () => {
    const cost = estimateCost(drivers);
    expect(cost.currency).toBeUndefined();
    expect(formatCost(cost)).not.toMatch(/USD|total|price/);
  });

  test('each driver has an id and a price of its own', () => {
    for (const cloud of [{}, { network: { kind: 'nat' } }, { database: { kind: 'aurora' }, proxy: {} }]) {
      const ids = driversOf(cloud).map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  test('as text', () => {
    expect(formatCost(estimateCost(drivers, at(0.0000166667)))).toMatchInlineSnapshot(`
      "cost: list prices in USD, without free tier or discount
        billed                                             per           a month         price  monthly
        RDS instance db.t4g.micro                          hour              730  0.0000166667     0.01
        storage of the instance, gp3                       GB-month           20  0.0000166667     0.00
        backups and snapshots                              GB-month       by use  0.0000166667
        RDS Proxy                                          vCPU-hour        1460  0.0000166667     0.02
        secrets: the master's and one for each login slot  secret-month        3  0.0000166667     0.00
        Secrets Manager endpoint, per zone                 hour             1460  0.0000166667     0.02
        data through the endpoint                          GB             by use  0.0000166667
        Lambda invocations                                 million        by use       16.6667
        Lambda duration                                    GB-second      by use  0.0000166667
        HTTP API requests                                  million        by use       16.6667
        logs taken in                                      GB             by use  0.0000166667
        logs kept                                          GB-month       by use  0.0000166667
        how functions reach Secrets Manager: interface endpoint in 2 zones 0.02 USD a month (chosen), or one NAT gateway 0.02 USD a month; data comes on top
        backups and snapshots: automatic backups up to the size of the database are free; a final snapshot stays, and is billed, after destroy
        RDS Proxy: billed by the vCPU of the instance, for 2 at least
        Secrets Manager endpoint, per zone: not needed with "auth": "iam"
      at least 0.06 USD a month, without traffic (prices of 2026-11-21)"
    `);
  });
});

test('no amount is typed into the sources', () => {
  const folder = new URL('../../src/provision/cost/', import.meta.url);
  const texts = readdirSync(folder).map((file) => readFileSync(new URL(file, folder), 'utf8'));
  expect(texts.filter((text) => /[$€]\s?\d|\d\s?(USD|EUR)|\b0\.\d{2,}/.test(text))).toEqual([]);
});
