import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PricingClient } from '@aws-sdk/client-pricing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configSchema } from '../../../src/project/config-schema.ts';
import { fetchPrices } from '../../../src/providers/aws/prices.ts';
import { estimateCost } from '../../../src/provision/cost/cost.ts';
import { findCostDrivers } from '../../../src/provision/cost/cost-drivers.ts';
import { type Bed, startBed } from '../../bed/bed.ts';
import { clientOptions } from '../../bed/sdk.ts';

let bed: Bed;
let cacheDir: string;

beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'prices-'));
  bed = await startBed();
});

// `stop` fails when a question was not as AWS's model of the Price List API has it.
afterAll(async () => {
  await bed.stop();
  await rm(cacheDir, { recursive: true });
});

test.each([
  ['RDS with a proxy', { proxy: {}, database: { multiAz: true } }],
  ['Aurora with a proxy, behind NAT', { proxy: {}, database: { kind: 'aurora' }, network: { kind: 'nat' } }],
])('%s is priced from the list that the bed answers', async (_, cloud) => {
  const config = configSchema.parse({
    name: 'books',
    template: 'api-node',
    language: 'node',
    runtime: 'nodejs24.x',
    cloud,
    functions: { api: { handler: 'src/api.handler' } },
  });
  const client = new PricingClient(clientOptions(bed));
  const warnings: string[] = [];
  const drivers = findCostDrivers(config, { vCpus: 2 });
  const prices = await fetchPrices(client, bed.region, drivers, {
    cacheDir,
    report: ({ message }) => warnings.push(message),
  });
  client.destroy();
  const cost = estimateCost(drivers, prices);
  expect(warnings).toEqual([]);
  expect(cost.unpriced).toEqual([]);
  // The bed's amounts begin at 1111 for an hour.
  expect(cost.monthlyTotal).toBeGreaterThan(1111 * 730);
});
