import type { Reporter, TestModule } from 'vitest/node';

/** Ends a run with the line `N passed, N failed, N skipped`; in CI a skipped test is a failed run. */
export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) counts[test.result().state] += 1;
      if (module.state() === 'failed' && [...module.children.allTests('failed')].length === 0)
        counts.failed += 1;
    }
    const skipped = counts.skipped + counts.pending;
    if (process.env.CI && skipped > 0) {
      process.exitCode = 1;
      process.stdout.write(`${skipped} skipped tests count as failures in CI\n`);
    }
    process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${skipped} skipped\n`);
  }
}
