import { type TestFunction, type TestOptions, test } from 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /** Why a test did nothing: its tool is not on this machine, and no package registry has it. */
    notAvailable?: string;
  }
}

/**
 * Tests with a tool that setup cannot install. Where it is missing they count as "not available", with the reason, and not as skipped
 * (test/counts-reporter.ts): a skip is something that CI must not have.
 *
 * @param missing why the tool cannot be used here, or undefined when it can
 */
export function testWithTool(
  missing: string | undefined,
): (name: string, options: TestOptions, run: TestFunction) => void {
  return (name, options, run) => {
    if (missing === undefined) test(name, options, run);
    else
      test(name, ({ task }) => {
        task.meta.notAvailable = missing;
      });
  };
}
