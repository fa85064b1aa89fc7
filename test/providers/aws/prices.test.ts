import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PricingClient } from '@aws-sdk/client-pricing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Cancelled } from '../../../src/errors.ts';
import { configSchema } from '../../../src/project/config-schema.ts';
import { type FetchPricesOptions, fetchPrices, pricingRegion } from '../../../src/providers/aws/prices.ts';
import { estimateCost } from '../../../src/provision/cost/cost.ts';
import type { CostDriver } from '../../../src/provision/cost/cost-driver.ts';
import { findCostDrivers } from '../../../src/provision/cost/cost-drivers.ts';
import * as keys from '../../../src/provision/cost/price-keys.ts';
import { type ListedProduct, startPriceListServer } from './price-list-server.ts';

const region = 'eu-central-1';
const here = { regionCode: region, locationType: 'AWS Region' };

/** Amounts are invented and easily told apart. */
const products: ListedProduct[] = [
  rds(
    'EUC1-InstanceUsage:db.t4g.micro',
    { instanceType: 'db.t4g.micro', deploymentOption: 'Single-AZ' },
    '2',
  ),
  rds('EUC1-Multi-AZUsage:db.t4g.micro', { instanceType: 'db.t4g.micro', deploymentOption: 'Multi-AZ' }, '4'),
  rds(
    'EUC1-InstanceUsage:db.t4g.small',
    { instanceType: 'db.t4g.small', deploymentOption: 'Single-AZ' },
    '90',
  ),
  rds(
    'EUC1-InstanceUsage:db.t4g.micro',
    { instanceType: 'db.t4g.micro', deploymentOption: 'Single-AZ', locationType: 'AWS Outposts' },
    '96',
  ),
  rds('EUC1-RDS:GP3-Storage', {}, '0.5'),
  rds('EUC1-RDS:Multi-AZ-GP3-Storage', {}, '1'),
  rds('EUC1-RDS:ProxyUsage', {}, '3'),
  rds('EUC1-RDS:ProxyUsage', { databaseEngine: 'MySQL' }, '99'),
  rds('EUC1-RDS:ChargedBackupUsage', { databaseEngine: 'Any' }, '0.25'),
  {
    serviceCode: 'AmazonRDS',
    attributes: {
      ...here,
      usagetype: 'EUC1-InstanceUsage:db.t4g.micro',
      instanceType: 'db.t4g.micro',
      databaseEngine: 'MySQL',
      deploymentOption: 'Single-AZ',
    },
    tiers: { '0': '91' },
  },
  {
    serviceCode: 'AmazonRDS',
    attributes: { regionCode: 'us-east-1', usagetype: 'RDS:GP3-Storage' },
    tiers: { '0': '92' },
  },
  listed('AWSSecretsManager', 'EUC1-AWSSecretsManager-Secrets', '5'),
  listed('AmazonVPC', 'EUC1-VpcEndpoint-Hours', '0.1'),
  listed('AmazonVPC', 'EUC1-VpcEndpoint-GWLBE-Hours', '93'),
  listed('AmazonEC2', 'EUC1-NatGateway-Hours', '0.4', { operation: 'NatGateway' }),
  listed('AmazonEC2', 'EUC1-NatGateway-Hours', '94', { operation: 'SomethingNew' }),
  listed('AmazonVPC', 'EUC1-PublicIPv4:InUseAddress', '0.01'),
  // Two products that differ in nothing that is known here, at two prices.
  listed('AmazonVPC', 'EUC1-VpcEndpoint-Bytes', '6', { operation: 'a' }),
  listed('AmazonVPC', 'EUC1-VpcEndpoint-Bytes', '7', { operation: 'b' }),
  {
    serviceCode: 'AWSLambda',
    attributes: { ...here, usagetype: 'EUC1-Request-ARM', group: 'AWS-Lambda-Requests-ARM' },
    tiers: { '0': '0.0000000000', '1000000': '0.0000002', '9000000': '0.0000001' },
  },
  {
    serviceCode: 'AWSLambda',
    attributes: { ...here, usagetype: 'EUC1-Request', group: 'AWS-Lambda-Requests' },
    tiers: { '0': '95' },
  },
];

function listed(serviceCode: string, usagetype: string, price: string, more = {}): ListedProduct {
  return { serviceCode, attributes: { ...here, usagetype, ...more }, tiers: { '0': price } };
}

function rds(usagetype: string, more: Record<string, string>, price: string): ListedProduct {
  return listed('AmazonRDS', usagetype, price, { databaseEngine: 'PostgreSQL', ...more });
}

const config = configSchema.parse({
  name: 'books',
  template: 'api-node',
  language: 'node',
  runtime: 'nodejs24.x',
  cloud: { proxy: {} },
  functions: { api: { handler: 'src/api.handler', routes: ['$default'] } },
});

let cacheDir: string;
let server: Awaited<ReturnType<typeof startPriceListServer>>;
let client: PricingClient;
let warnings: string[];

beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'prices-'));
  server = await startPriceListServer(products);
  client = new PricingClient({
    endpoint: server.endpoint,
    region: 'eu-central-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'y' },
    maxAttempts: 1,
  });
  warnings = [];
});

afterEach(async () => {
  client.destroy();
  await server.stop();
  await rm(cacheDir, { recursive: true });
});

const options = (more: Partial<FetchPricesOptions> = {}): FetchPricesOptions => ({
  cacheDir,
  report: (event) => warnings.push(`${event.type}: ${event.message}`),
  ...more,
});

const driver = (price: keys.PriceKey): CostDriver => ({
  id: 'x',
  title: 'x',
  unit: 'x',
  quantityPerMonth: 1,
  price,
});

const priceOf = async (price: keys.PriceKey): Promise<number | undefined> =>
  (await fetchPrices(client, region, [driver(price)], options()))?.amounts[keys.priceId(price)];

describe('the price of', () => {
  test.each([
    ['an instance, by class, engine and zones', keys.rdsInstance('db.t4g.micro', false), 2],
    ['a Multi-AZ instance', keys.rdsInstance('db.t4g.micro', true), 4],
    ['storage in one zone, not the Multi-AZ one', keys.rdsStorage(false), 0.5],
    ['the proxy, by engine where it is told', keys.proxyVcpu, 3],
    ['backups, whatever the engine', keys.rdsBackup, 0.25],
    ['an interface endpoint, no other kind', keys.endpointHour, 0.1],
    ['a NAT gateway, of the known kind', keys.natHour, 0.4],
    ['an address', keys.publicAddress, 0.01],
    ['a request: the first tier that costs something', keys.lambdaRequest('arm64'), 0.0000002],
  ])('%s', async (_, key, price) => {
    expect(await priceOf(key)).toBe(price);
    expect(warnings).toEqual([]);
  });

  test.each([
    ['what the list does not have', keys.rdsInstance('db.z9.odd', false)],
    ['what the list has twice, at two prices', keys.endpointData],
  ])('%s is unknown, without a warning', async (_, key) => {
    expect(await priceOf(key)).toBeUndefined();
    expect(warnings).toEqual([]);
  });

  test('what stands on the third page', async () => {
    await priceOf(keys.rdsStorage(false));
    const before = server.questions.length;
    expect(await priceOf({ serviceCode: 'AmazonRDS', usagetype: 'RDS:ChargedBackupUsage' })).toBe(0.25);
    // Asked as widely as this, the answer takes several pages.
    expect(await priceOf({ serviceCode: 'AmazonVPC', usagetype: 'PublicIPv4:' })).toBe(0.01);
    expect(await priceOf({ serviceCode: 'AmazonRDS', usagetype: 'RDS:', attributes: {} })).toBeUndefined();
    expect(server.questions.slice(before).some(({ NextToken }) => NextToken === '4')).toBe(true);
  });
});

describe('a whole plan', () => {
  const drivers = findCostDrivers(config, { vCpus: 2 });

  test('is priced', async () => {
    const prices = await fetchPrices(client, region, drivers, options());
    const cost = estimateCost(drivers, prices);
    expect(cost.unpriced).toEqual([]);
    // Instance, storage, proxy at 2 vCPU, three secrets, the endpoint in two zones.
    expect(cost.monthlyTotal).toBeCloseTo(2 * 730 + 0.5 * 20 + 3 * 2 * 730 + 5 * 3 + 0.1 * 2 * 730);
    expect(cost.comparison?.ways).toEqual([
      { title: 'interface endpoint in 2 zones', chosen: true, monthly: expect.closeTo(0.2 * 730) },
      { title: 'one NAT gateway', chosen: false, monthly: expect.closeTo(0.41 * 730) },
    ]);
  });

  test('asks once a day', async () => {
    let now = new Date('2026-11-21T12:00:00Z');
    const day = options({ now: () => now });
    const first = await fetchPrices(client, region, drivers, day);
    const asked = server.questions.length;
    now = new Date('2026-11-22T11:59:59Z');
    expect(await fetchPrices(client, region, drivers, day)).toEqual(first);
    expect(server.questions.length).toBe(asked);
    now = new Date('2026-11-22T12:00:01Z');
    expect((await fetchPrices(client, region, drivers, day))?.fetchedAt).toBe('2026-11-22T12:00:01.000Z');
    expect(server.questions.length).toBeGreaterThan(asked);
  });

  test('another region has other prices', async () => {
    await fetchPrices(client, region, drivers, options());
    const there = await fetchPrices(client, 'us-east-1', drivers, options());
    expect(there?.amounts[keys.priceId(keys.rdsStorage(false))]).toBe(92);
  });

  test('a damaged cache is asked anew, and nothing is left lying beside it', async () => {
    await fetchPrices(client, region, drivers, options());
    const folder = join(cacheDir, 'prices');
    for (const damage of ['', '{"version":1,"entries":{"a":{"amount":"1"}}}', '[]']) {
      await writeFile(join(folder, `${region}.json`), damage);
      expect((await fetchPrices(client, region, drivers, options()))?.currency).toBe('USD');
    }
    expect(await readdir(folder)).toEqual([`${region}.json`]);
  });

  test('a cache that cannot be written costs nothing but time', async () => {
    await writeFile(join(cacheDir, 'prices'), 'a file where a folder belongs');
    expect(await fetchPrices(client, region, drivers, options())).toBeDefined();
    expect(warnings).toEqual([]);
  });
});

describe('trouble is a warning', () => {
  const drivers = findCostDrivers(config);

  test('when the caller may not ask: one, and no further questions', async () => {
    server.trouble('refuse');
    expect(await fetchPrices(client, region, drivers, options())).toBeUndefined();
    expect(warnings).toEqual([expect.stringMatching(/^prices-warning: .*pricing:GetProducts/)]);
    expect(server.questions.length).toBeLessThan(drivers.length);
  });

  test('when nothing listens', async () => {
    await server.stop();
    expect(await fetchPrices(client, region, drivers, options())).toBeUndefined();
    expect(warnings).toHaveLength(1);
    server = await startPriceListServer([]);
  });

  test('when no answer comes in time', async () => {
    server.trouble('silence');
    expect(await fetchPrices(client, region, drivers, options({ timeoutMs: 50 }))).toBeUndefined();
    expect(warnings).toEqual(['prices-warning: prices could not be read: no answer within 0.05 s']);
  });

  test('and what the cache knows is used all the same', async () => {
    const some = [driver(keys.secret)];
    await fetchPrices(client, region, some, options());
    server.trouble('refuse');
    const prices = await fetchPrices(client, region, [...some, driver(keys.natHour)], options());
    expect(prices?.amounts).toEqual({ [keys.priceId(keys.secret)]: 5 });
    expect(warnings).toHaveLength(1);
  });

  test('but Ctrl-C is not', async () => {
    server.trouble('silence');
    const stop = new AbortController();
    const asked = fetchPrices(client, region, drivers, options({ signal: stop.signal }));
    stop.abort(new Cancelled());
    await expect(asked).rejects.toBeInstanceOf(Cancelled);
    expect(warnings).toEqual([]);
  });
});

test.each([
  ['eu-central-1', 'eu-central-1'],
  ['eu-north-1', 'eu-central-1'],
  ['me-south-1', 'eu-central-1'],
  ['ap-southeast-2', 'ap-south-1'],
  ['us-west-2', 'us-east-1'],
  ['sa-east-1', 'us-east-1'],
  ['us-gov-west-1', 'us-east-1'],
  ['cn-north-1', 'cn-northwest-1'],
])('prices of %s are asked in %s', (of, where) => {
  expect(pricingRegion(of)).toBe(where);
});
