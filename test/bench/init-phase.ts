import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { functionEnvironment } from '../../src/local/function-environment.ts';
import {
  type LocalFunction,
  type LocalLambda,
  startLocalLambda,
} from '../../src/local/lambda/local-lambda.ts';
import type { LocalPostgres } from '../../src/local/postgres/local-postgres.ts';
import { type Bundle, bundleFunction } from '../../src/project/bundle.ts';
import { testContext } from '../postgres-server.ts';
import { type Benchmark, repository, withLibrary } from './bed.ts';
import { measurePairs, median, pairedRatio } from './statistics.ts';
import { formatMs, type Row } from './table.ts';

const n = 21;
const runtime = 'nodejs24.x';

interface Start {
  readonly initMs: number;
  /** The first invocation, which connects. */
  readonly firstMs: number;
}

/** The generated handler's Init phase and size, against a hand-written one. */
export const initPhase: Benchmark = {
  name: 'init-phase',
  method: `The generated \`api\` function and a hand-written handler (bare pg, the same query, nothing else), both bundled by
\`lambdapg\` and run by its local Lambda on this Node, each in a new execution environment every time, in turn. Init Duration
as in the REPORT line; the first invocation connects (TLS, SCRAM) and asks once.`,
  async measure(bed) {
    const projectDir = await bed.project();
    await copyFile(join(repository, 'test/bench/peers/bare-handler.ts'), join(projectDir, 'src/bare.ts'));
    const bundle = (functionName: string, handler: string): Promise<Bundle> =>
      bundleFunction({ projectDir, functionName, handler, runtime });
    const [api, bare] = [await bundle('api', 'src/api.handler'), await bundle('bare', 'src/bare.handler')];
    const { subject, peer } = await withLibrary(projectDir, (local) => measureStarts(local, api, bare));
    return [
      startRow('Init phase of the generated `api`', subject, peer, (start) => start.initMs),
      startRow('its first invocation', subject, peer, (start) => start.firstMs),
      await sizeRow(api, bare),
    ];
  },
};

async function measureStarts(local: LocalPostgres, api: Bundle, bare: Bundle) {
  const environment = await functionEnvironment(local.slots.a, local.caFile);
  const lambda = await startLocalLambda(testContext(), { functions: [], preferredPort: 0 });
  try {
    return await measurePairs(
      n,
      () => startFresh(lambda, localFunction('api', api, environment)),
      () => startFresh(lambda, localFunction('bare', bare, environment)),
    );
  } finally {
    await lambda.stop();
  }
}

const event = JSON.stringify({
  version: '2.0',
  rawPath: '/books',
  rawQueryString: 'limit=2',
  queryStringParameters: { limit: '2' },
  requestContext: { http: { method: 'GET' } },
});

async function startFresh(lambda: LocalLambda, fn: LocalFunction): Promise<Start> {
  lambda.replace(fn);
  const result = await lambda.invoke(fn.name, event);
  const answer = 'payload' in result ? result.payload.toString() : '';
  if ('throttled' in result || result.initMs === undefined || !answer.includes('title'))
    throw new Error(answer);
  return { initMs: result.initMs, firstMs: result.durationMs };
}

function localFunction(name: string, bundle: Bundle, environment: Record<string, string>): LocalFunction {
  return {
    ...{ name, runtime, environment, language: 'node', executable: process.execPath },
    ...{ codeDir: bundle.codeDir, handler: bundle.handler },
    ...{ timeoutMs: 10_000, memoryMb: 256, routes: [] },
  };
}

function startRow(
  title: string,
  subject: readonly Start[],
  peer: readonly Start[],
  pick: (start: Start) => number,
): Row {
  return {
    subject: title,
    n,
    measured: formatMs(median(subject.map(pick))),
    peer: `hand-written handler ${formatMs(median(peer.map(pick)))}`,
    ratio: pairedRatio(subject.map(pick), peer.map(pick)),
  };
}

async function sizeRow(api: Bundle, bare: Bundle): Promise<Row> {
  const zipped = async ({ codeDir }: Bundle): Promise<number> =>
    gzipSync(await readFile(join(codeDir, 'index.mjs'))).length;
  const kb = (bytes: number): string => `${(bytes / 1000).toFixed(0)} kB`;
  return {
    subject: 'bundle of the generated `api` (gzip)',
    n: 1,
    measured: `${kb(api.bytes)} (${kb(await zipped(api))})`,
    peer: `hand-written handler ${kb(bare.bytes)} (${kb(await zipped(bare))})`,
    ratio: api.bytes / bare.bytes,
  };
}
