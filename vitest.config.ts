import { defineConfig } from 'vitest/config';
import { bundledFiles, bundledPackages } from './test/bundled-packages.ts';
import { SlowFirst } from './test/slow-first.ts';

const full = process.env.LAMBDAPG_TEST_TIER === 'full';

export default defineConfig({
  plugins: [bundledPackages()],
  test: {
    include: full ? ['test/**/*.full.test.ts'] : ['test/**/*.test.ts'],
    exclude: full ? [] : ['test/**/*.full.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // What must come may come late: vitest's own is one second.
    expect: { poll: { timeout: 20_000 } },
    globalSetup: './test/bed/global-setup.ts',
    server: { deps: { external: [bundledFiles] } },
    pool: 'forks',
    maxWorkers: 3,
    sequence: { sequencer: SlowFirst },
    reporters: ['default', './test/counts-reporter.ts'],
  },
});
