import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EngineFixtures, makeEngineFixtures } from './engine-fixtures.ts';
import { type EngineBed, expectStackMatches, startEngineBed } from './engine-tools.ts';
import { findLeftovers } from './leftovers.ts';

let engines: EngineBed;
let fixtures: EngineFixtures;

beforeAll(async () => {
  [engines, fixtures] = await Promise.all([startEngineBed(), makeEngineFixtures()]);
});

afterAll(async () => {
  await engines.stop();
  await fixtures.remove();
});

/** In the repository, because it needs aws-cdk-lib. */
const app = join(import.meta.dirname, 'fixtures/engines/cdk');

const cdk = (...args: string[]) => {
  const given = [
    '--context',
    `code=${fixtures.code}`,
    '--output',
    join(fixtures.dir, 'cdk.out'),
    '--no-notices',
  ];
  return engines.run('cdk', [...args, ...given], { cwd: app });
};

async function deploy(...context: string[]): Promise<Record<string, string>> {
  const outputs = join(fixtures.dir, 'outputs.json');
  const given = context.flatMap((one) => ['--context', one]);
  await cdk('deploy', '--require-approval', 'never', '--outputs-file', outputs, ...given);
  const stacks = JSON.parse(await readFile(outputs, 'utf8')) as Record<string, Record<string, string>>;
  return stacks['shop-dev'] ?? {};
}

test('the real CDK bootstraps, deploys, updates and destroys, and what it makes runs', async () => {
  // Where no app is: it needs none.
  await engines.run('cdk', ['bootstrap', `aws://${engines.bed.account}/${engines.bed.region}`], {
    cwd: fixtures.dir,
  });
  const first = await deploy();
  await expectStackMatches(engines.bed, 'shop-dev');
  const answer = await fetch(`${first.url}/books`);
  expect([answer.status, await answer.json()]).toEqual([200, [{ title: 'Dune', ssl: true }]]);

  const second = await deploy('title=Emma', 'trusts=no');
  expect([second.url, first.rows, second.rows]).toEqual([first.url, '1', '2']);
  expect((await fetch(`${second.url}/books`)).status).toBe(500);

  // What was synthesised for the deployment, not once more.
  await engines.run('cdk', ['destroy', '--force', '--app', join(fixtures.dir, 'cdk.out')], {
    cwd: fixtures.dir,
  });
  expect(await findLeftovers(engines.bed)).toEqual([]);
}, 600_000);
