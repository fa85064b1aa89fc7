import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take minutes, and those that start whole worlds: what comes last should be short, or one worker ends long after the others. */
const slow = [/rotate-killed/, /\/e2e\//, /\/templates\//, /\/bed\//, /\/rotation\//, /\/runtime\//];

const rankOf = ({ moduleId }: TestSpecification): number => {
  const at = slow.findIndex((pattern) => pattern.test(moduleId));
  return at === -1 ? slow.length : at;
};

/** Vitest's own order, by size, within each rank. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return [...sorted].sort((one, two) => rankOf(one) - rankOf(two));
  }
}
