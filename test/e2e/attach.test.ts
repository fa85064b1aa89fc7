import { join } from 'node:path';
import { CreateRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import {
  CreateFunctionCommand,
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
} from '@aws-sdk/client-lambda';
import { build } from 'esbuild';
import { expect, test, vi } from 'vitest';
import type { Bed } from '../bed/bed.ts';
import { zipOf } from '../bed/data-plane/zip.ts';
import { clientOptions } from '../bed/sdk.ts';
import { repository } from './cli.ts';
import { startCloudBed } from './cloud-bed.ts';

// Many calls and processes: a busy computer takes its time.
vi.setConfig({ testTimeout: 120_000 });

const ok = { exitCode: 0 };

/** A function of somebody who reads lambdapg's variables by its connection runtime, in no VPC. */
async function makeFunction(bed: Bed, name: string): Promise<void> {
  const trust = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };
  const { Role } = await new IAMClient(clientOptions(bed)).send(
    new CreateRoleCommand({
      RoleName: `${name}-role`,
      AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [trust] }),
    }),
  );
  const { outputFiles } = await build({
    stdin: {
      resolveDir: repository,
      contents: `import { Database, settingsFromEnvironment } from './templates/runtime-node/lambdapg-runtime/index.ts';
        const database = new Database(() => settingsFromEnvironment(process.env));
        export const handler = () => database.query('SELECT title FROM books ORDER BY title LIMIT 2');`,
    },
    ...{ bundle: true, platform: 'node', format: 'esm', write: false, external: ['pg-native'] },
    banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
  });
  await new LambdaClient(clientOptions(bed)).send(
    new CreateFunctionCommand({
      ...{
        FunctionName: name,
        Role: Role?.Arn,
        Runtime: 'nodejs22.x',
        Handler: 'index.handler',
        Timeout: 20,
      },
      Code: { ZipFile: await zipOf({ 'index.mjs': outputFiles[0]?.text ?? '' }) },
    }),
  );
}

test('attach of a hand-made function to the database of a stage, and detach', async () => {
  const { bed, run } = await startCloudBed();
  expect(await run('provision', '--yes', '--no-prices')).toMatchObject(ok);
  expect(await run('migrate', '--stage', 'dev')).toMatchObject(ok);
  expect(await run('seed', '--stage', 'dev')).toMatchObject(ok);
  await makeFunction(bed, 'hand-made');
  const lambda = new LambdaClient(clientOptions(bed));
  const configured = async () => {
    const { Configuration = {}, Tags } = await lambda.send(
      new GetFunctionCommand({ FunctionName: 'hand-made' }),
    );
    const { VpcConfig, Environment, Role, State } = Configuration;
    // AWS, too, shows empty lists where there once was a VPC.
    const { SubnetIds = [], SecurityGroupIds = [] } = VpcConfig ?? {};
    return { SubnetIds, SecurityGroupIds, Environment, Role, State, Tags };
  };
  await expect.poll(configured).toMatchObject({ State: 'Active' });
  const before = await configured();

  const to = ['--function', 'hand-made', '--to', 'stage:dev'];
  const plan = await run('attach', ...to, '--plan', '--json');
  expect(plan).toMatchObject({ exitCode: 3 });
  expect(plan.json()).toMatchObject({
    target: 'RDS instance shop-dev-db',
    functions: [{ name: 'hand-made', network: 'enters' }],
    losesInternet: ['hand-made'],
  });
  expect(await run('attach', ...to, '--yes')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('--accept-no-internet'),
  });
  expect(await run('attach', ...to, '--accept-no-internet')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('--yes'),
  });
  expect(await configured()).toEqual(before);

  const done = await run('attach', ...to, '--yes', '--accept-no-internet', '--json');
  expect(done).toMatchObject(ok);
  expect(done.json()).toMatchObject({ proofs: [{ function: 'hand-made', verdict: 'proved' }] });
  const { Payload } = await lambda.send(
    new InvokeCommand({ FunctionName: 'hand-made', Payload: Buffer.from('{}') }),
  );
  expect(JSON.parse(Buffer.from(Payload ?? '').toString('utf8'))).toEqual([
    { title: expect.any(String) },
    { title: expect.any(String) },
  ]);
  expect(await run('attach', ...to, '--plan')).toMatchObject(ok);
  // The stage is as its own plan wants it, with somebody at its door.
  expect(await run('provision', '--plan', '--no-prices')).toMatchObject(ok);

  expect(await run('detach', '--function', 'hand-made', '--plan')).toMatchObject({ exitCode: 3 });
  expect(await run('detach', '--function', 'hand-made', '--yes')).toMatchObject(ok);
  expect(await configured()).toEqual(before);
  expect(await run('detach', '--function', 'hand-made', '--yes', '--json')).toMatchObject({ exitCode: 1 });
  expect(await run('provision', '--plan', '--no-prices')).toMatchObject(ok);
});

test('commands that say what is missing', async () => {
  const { run, env, dir } = await startCloudBed();
  expect(join(dir)).not.toBe(env.HOME);
  expect(await run('attach', '--to', 'stage:dev')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('--function'),
  });
  expect((await run('attach', '--function', 'x', '--json')).json()).toMatchObject({
    error: { code: expect.stringMatching(/NO_TARGET|FUNCTION_NOT_FOUND/) },
  });
  const policy = await run('attach', '--iam-policy', '--json');
  expect(policy).toMatchObject(ok);
  expect(JSON.stringify(policy.json())).toContain('lambda:UpdateFunctionConfiguration');
});
