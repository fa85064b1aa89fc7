import type { Reporter, TestModule } from 'vitest/node';

/**
 * Ends a run with the line `N passed, N failed, N skipped`; in CI a skipped test is a failed run. What could not be tried for want of a
 * tool that no registry has (test/not-available.ts) is told before, apart from both.
 */
export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    const missing = new Map<string, number>();
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const reason = test.meta().notAvailable;
        if (reason === undefined) counts[test.result().state] += 1;
        else missing.set(reason, (missing.get(reason) ?? 0) + 1);
      }
      if (module.state() === 'failed' && [...module.children.allTests('failed')].length === 0)
        counts.failed += 1;
    }
    const skipped = counts.skipped + counts.pending;
    if (process.env.CI && skipped > 0) {
      process.exitCode = 1;
      process.stdout.write(`${skipped} skipped tests count as failures in CI\n`);
    }
    for (const [reason, count] of missing) process.stdout.write(`\nnot available: ${count} (${reason})\n`);
    process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed, ${skipped} skipped\n`);
  }
}
