import { beforeAll, expect, test } from 'vitest';
import { installedFor } from './engine-packages.ts';
import { verifyServerless } from './verify-variant.ts';

beforeAll(() => Promise.all([installedFor('serverless'), installedFor('cdk')]), 240_000);

const variants = [
  {},
  { database: 'rds', proxy: true },
  { database: 'aurora', auth: 'iam', network: 'nat', language: 'python', reader: true },
];

test.each(variants)(
  'osls compiles the stack that the answers ask for: %j',
  { timeout: 120_000 },
  async (flags) => {
    const { Resources } = await verifyServerless('serverless-heroku', flags);
    expect(Resources.ServerlessDeploymentBucket?.Properties).toHaveProperty('PublicAccessBlockConfiguration');
  },
);
