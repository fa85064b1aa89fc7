import { EC2Client } from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findInstanceSize } from '../../../src/providers/aws/instance-size.ts';
import { type Bed, startBed } from '../../bed/bed.ts';
import { clientOptions } from '../../bed/sdk.ts';

let bed: Bed;
let ec2: EC2Client;

beforeAll(async () => {
  bed = await startBed();
  ec2 = new EC2Client(clientOptions(bed));
});

afterAll(async () => {
  ec2.destroy();
  await bed.stop();
});

// Sizes are those of moto's copy of AWS's catalogue.
test.each([
  ['db.t4g.micro', { memoryBytes: 2 ** 30, vCpus: 2 }],
  ['db.r6g.large', { memoryBytes: 16 * 2 ** 30, vCpus: 2 }],
  ['db.m7g.4xlarge', { memoryBytes: 64 * 2 ** 30, vCpus: 16 }],
])('%s', async (instanceClass, size) => {
  expect(await findInstanceSize(ec2, instanceClass)).toEqual(size);
});

test.each(['db.serverless', 'db.t4g', 'db.z9.odd'])('%s is unknown to EC2', async (instanceClass) => {
  expect(await findInstanceSize(ec2, instanceClass)).toBeUndefined();
});
