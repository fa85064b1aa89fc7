import { describe, expect, test } from 'vitest';
import type { LocalFunction } from '../../../src/local/lambda/local-lambda.ts';
import { answersOf, everyHandler, nodeHandlers, patienceMs, pythonHandlers } from './handler-table.ts';
import { awsRuntimeClient, invoke, nodeFunction, pythonFunction, serve, type Told } from './lambda-bed.ts';

/*
 * The judges: AWS's own runtime clients, unmodified, run against this Runtime API; and ours must say of the same
 * handler what AWS's says.
 */

describe.each([
  ['Node', nodeFunction, nodeHandlers],
  ['Python', pythonFunction, pythonHandlers],
] as const)('%s', (_language, make, code) => {
  test(
    'our runtime client says what AWS says, of every handler',
    async () => {
      const functions = everyHandler(await make(code));
      const ours = await answersOf(functions);
      expect(Object.keys(ours).length).toBeGreaterThan(10);
      expect(ours).toEqual(await answersOf(functions, awsRuntimeClient));
    },
    patienceMs,
  );

  test.each([
    ['a module that throws', { index: 'throw new Error("at import")', py: 'raise ValueError("at import")' }],
    ['a syntax error', { index: 'export const handler = (', py: 'def handler(:' }],
    ['a missing import', { index: 'import "not-there"', py: 'import not_there' }],
    ['a missing file', { index: 'export const handler = 1', py: '', handler: 'other.handler' }],
    ['a bad name', { index: '', py: '', handler: 'nodot' }],
  ] as const)('%s is told as AWS tells it', async (_what, source) => {
    const fn = await make(
      make === nodeFunction ? source.index : source.py,
      'handler' in source ? { handler: source.handler } : {},
    );
    expect(await answersOf([fn])).toEqual(await answersOf([fn], awsRuntimeClient));
  });
});

test("AWS's clients log as ours do", async () => {
  const js =
    'export const handler = async () => { console.log("a\\nb %s", 1); console.error(new Error("x").message); }';
  const py = 'import logging\ndef handler(e, c):\n  print("plain")\n  logging.warning("careful")\n';
  for (const fn of [await nodeFunction(js), await pythonFunction(py)]) {
    expect(await linesOf(fn)).toEqual(await linesOf(fn, awsRuntimeClient));
  }
});

async function linesOf(fn: LocalFunction, runtimeClient?: typeof awsRuntimeClient) {
  const { lambda, told } = await serve([fn], runtimeClient === undefined ? {} : { runtimeClient });
  const { requestId } = await invoke(lambda);
  await lambda.stop();
  return printed(told, requestId);
}

function printed(told: Told, requestId: string): string[] {
  return told
    .lines()
    .filter((line) => !/^(START|END|REPORT)/.test(line) && line !== '')
    .map((line) => line.replaceAll(requestId, '<id>').replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, '<time>'));
}
