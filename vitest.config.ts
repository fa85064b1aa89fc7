import { defineConfig } from 'vitest/config';
import { SlowFirst } from './test/slow-first.ts';

const full = process.env.LAMBDAPG_TEST_TIER === 'full';

export default defineConfig({
  test: {
    include: full ? ['test/**/*.full.test.ts'] : ['test/**/*.test.ts'],
    exclude: full ? [] : ['test/**/*.full.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    globalSetup: './test/bed/global-setup.ts',
    pool: 'forks',
    maxWorkers: 3,
    sequence: { sequencer: SlowFirst },
    reporters: ['default', './test/counts-reporter.ts'],
  },
});
