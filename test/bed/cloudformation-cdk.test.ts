import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EngineBed, expectStackMatches, startEngineBed } from './engine-tools.ts';

const fixtures = join(import.meta.dirname, 'fixtures/engines');
let engines: EngineBed;
let dir: string;

beforeAll(async () => {
  engines = await startEngineBed();
  dir = await mkdtemp(join(tmpdir(), 'lambdapg-cdk-'));
  await build({
    ...{
      entryPoints: [join(fixtures, 'handler.ts')],
      outfile: join(dir, 'code/index.js'),
      logLevel: 'error',
    },
    ...{ bundle: true, platform: 'node', format: 'cjs', external: ['pg-native'] },
  });
});

afterAll(async () => {
  await engines.stop();
  await rm(dir, { recursive: true, force: true });
});

const cdk = (...args: string[]) => {
  const given = ['--context', `code=${join(dir, 'code')}`, '--output', join(dir, 'cdk.out'), '--no-notices'];
  return engines.run('cdk', [...args, ...given], { cwd: join(fixtures, 'cdk') });
};

async function deploy(...context: string[]): Promise<Record<string, string>> {
  const outputs = join(dir, 'outputs.json');
  const given = context.flatMap((one) => ['--context', one]);
  await cdk('deploy', '--require-approval', 'never', '--outputs-file', outputs, ...given);
  const stacks = JSON.parse(await readFile(outputs, 'utf8')) as Record<string, Record<string, string>>;
  return stacks['shop-dev'] ?? {};
}

test('the real CDK bootstraps, deploys, updates and destroys, and what it makes runs', async () => {
  // Where no app is: it needs none.
  await engines.run('cdk', ['bootstrap', `aws://${engines.bed.account}/${engines.bed.region}`], { cwd: dir });
  const first = await deploy();
  await expectStackMatches(engines.bed, 'shop-dev');
  const answer = await fetch(`${first.url}/books`);
  expect([answer.status, await answer.json()]).toEqual([200, [{ title: 'Dune', ssl: true }]]);

  const second = await deploy('title=Emma', 'trusts=no');
  expect(second.url).toBe(first.url);
  expect((await fetch(`${second.url}/books`)).status).toBe(500);

  await cdk('destroy', '--force');
}, 240_000);
