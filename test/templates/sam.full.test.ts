import { beforeAll, test } from 'vitest';
import { installedFor } from './engine-packages.ts';
import { everyStack } from './stack-variants.ts';
import { verifySam } from './verify-variant.ts';

beforeAll(() => Promise.all([installedFor('sam'), installedFor('cdk')]), 240_000);

test.each(everyStack('sam'))('%s', { timeout: 120_000 }, async (_title, flags) => {
  await verifySam('api', flags);
});
