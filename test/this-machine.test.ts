import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { thisMachine } from '../src/this-machine.ts';

const streamOf = (environment: string) => ({
  AWS_LAMBDA_LOG_STREAM_NAME: `2026/11/22/[$LATEST]${environment.repeat(32)}`,
});

test('every process of a machine names it alike', () => {
  const script = `import { thisMachine } from './src/this-machine.ts'; console.log(thisMachine({}))`;
  const other = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
    encoding: 'utf8',
  });
  expect(other.trim()).toBe(thisMachine({}));
  expect(other.trim()).toMatch(/^[0-9a-f]{16}$/);
});

test('execution environments of Lambda are different machines, whatever else they have in common', () => {
  expect(thisMachine(streamOf('a'))).toBe(thisMachine(streamOf('a')));
  expect(thisMachine(streamOf('a'))).not.toBe(thisMachine(streamOf('b')));
});
