import { expect, test } from 'vitest';
import { findMeasured, formatInvoked } from '../../src/project/invoked.ts';

const text =
  'REPORT RequestId: 1\tDuration: 12.34 ms\tBilled Duration: 113 ms\tMemory Size: 256 MB\tMax Memory Used: 80 MB\tInit Duration: 100.50 ms\t';
const json = JSON.stringify({
  ...{ time: '2026-11-21T12:00:00.000Z', type: 'platform.report' },
  record: {
    requestId: '1',
    metrics: {
      durationMs: 12.34,
      billedDurationMs: 113,
      memorySizeMB: 256,
      maxMemoryUsedMB: 80,
      initDurationMs: 100.5,
    },
    status: 'success',
  },
});
const measured = { durationMs: 12.34, initMs: 100.5, memoryMb: 256, maxMemoryMb: 80 };

test.each([
  ['text', `START RequestId: 1\nhello\nEND RequestId: 1\n${text}\n`],
  ['JSON', `{"message":"hello"}\n${json}\n`],
])("Lambda's report is read in the log format %s", (_format, log) => {
  expect(findMeasured(log)).toEqual(measured);
});

test('a log without a whole report measures nothing', () => {
  expect(findMeasured('hello')).toBeUndefined();
  expect(findMeasured(`${json.slice(0, -5)}`)).toBeUndefined();
  expect(findMeasured(text.replace(/\tInit.*/, ''))).toEqual({
    durationMs: 12.34,
    memoryMb: 256,
    maxMemoryMb: 80,
  });
});

test('an invocation in one line', () => {
  expect(formatInvoked({ status: 200 }, measured)).toBe('200 in 12.34 ms, init 100.5 ms, 80 of 256 MB');
  expect(formatInvoked({ status: 200, functionError: 'Unhandled' }, undefined)).toBe('200 Unhandled');
  expect(formatInvoked({ status: 202 }, undefined)).toBe('202, the event is queued');
});
