import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { bundleRunner } from '../../../../scripts/bundle-runner.js';
import type { Route } from '../../../../src/database/route.ts';
import type { LocalFunction, LocalLambda } from '../../../../src/local/lambda/local-lambda.ts';
import { runnerFunction } from '../../../../src/providers/aws/routes/runner-function.ts';
import { runnerRoute } from '../../../../src/providers/aws/routes/runner-route.ts';
import { serve, type Told } from '../../../local/lambda/lambda-bed.ts';
import type { TestContext } from '../../../postgres-server.ts';
import type { SchemaBed } from '../../../seed/schema-bed.ts';

export interface RunnerBed {
  readonly lambda: LocalLambda;
  /** What the function and its platform logged. */
  readonly told: Told;
  readonly client: LambdaClient;
  route(context?: TestContext): Route;
}

export const functionName = 'library-dev-runner';

/** The runner's bundle, made once for a test file; the returned function serves it for a test as Lambda would. */
export function useRunner(bed: () => SchemaBed): (fn?: Partial<LocalFunction>) => Promise<RunnerBed> {
  let codeDir = '';
  beforeAll(async () => {
    codeDir = await mkdtemp(join(tmpdir(), 'lambdapg-runner-'));
    await bundleRunner({ outfile: join(codeDir, 'index.mjs') });
  });
  afterAll(() => rm(codeDir, { recursive: true, force: true }));
  return async (fn = {}) => {
    const { lambda, told } = await serve([
      {
        name: functionName,
        language: 'node',
        runtime: runnerFunction.runtime,
        executable: process.execPath,
        codeDir,
        handler: runnerFunction.handler,
        timeoutMs: runnerFunction.timeoutSeconds * 1000,
        memoryMb: runnerFunction.memoryMb,
        environment: {},
        routes: [],
        ...fn,
      },
    ]);
    const client = lambdaClient(lambda.url);
    const route = (context = bed().context): Route => {
      const { admin, ownerRole } = bed().target;
      return runnerRoute(context, {
        lambda: client,
        functionName,
        admin,
        ...(ownerRole !== undefined && { ownerRole }),
      });
    };
    return { lambda, told, client, route };
  };
}

export function lambdaClient(endpoint: string): LambdaClient {
  const client = new LambdaClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  });
  onTestFinished(() => client.destroy());
  return client;
}
