import { readFile, writeFile } from 'node:fs/promises';
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

const aws = (...args: string[]) => engines.run('aws', args, { cwd: fixtures.dir });

async function deploy(template: string, ...more: string[]): Promise<void> {
  await writeFile(join(fixtures.dir, 'template.yaml'), template);
  await aws(
    ...['cloudformation', 'package', '--template-file', 'template.yaml'],
    ...['--s3-bucket', 'uploads-of-the-test', '--output-template-file', 'packaged.yaml'],
  );
  await aws(
    ...['cloudformation', 'deploy', '--stack-name', 'shop-dev', '--template-file', 'packaged.yaml'],
    ...['--capabilities', 'CAPABILITY_IAM', 'CAPABILITY_AUTO_EXPAND', ...more],
  );
}

test('the real AWS CLI packages, deploys, updates and deletes a SAM template, and what it makes runs', async () => {
  // The template with the database that the other engines' fixtures have.
  const template = await readFile(join(fixtures.dir, 'sam/template.yaml'), 'utf8');
  const database = await readFile(join(fixtures.dir, 'database.json'), 'utf8');
  const lines = Object.entries(JSON.parse(database) as object).map(
    ([name, resource]) => `  ${name}: ${JSON.stringify(resource)}\n`,
  );
  const whole = template.replace('Resources:\n', `Resources:\n${lines.join('')}`);
  await aws('s3', 'mb', 's3://uploads-of-the-test');
  await deploy(whole);
  await expectStackMatches(engines.bed, 'shop-dev');
  const url = await aws(
    ...['cloudformation', 'describe-stacks', '--stack-name', 'shop-dev'],
    ...['--query', "Stacks[0].Outputs[?OutputKey=='url'].OutputValue", '--output', 'text'],
  );
  const now = async (): Promise<unknown> => (await fetch(`${url.stdout.trim()}/now`)).json();
  expect(await now()).toEqual({ greeting: 'hello', user: 'shop_admin', ssl: true });

  await deploy(whole, '--no-fail-on-empty-changeset');
  await deploy(whole.replace('GREETING: hello', 'GREETING: bye'));
  expect(await now()).toEqual({ greeting: 'bye', user: 'shop_admin', ssl: true });

  await aws('cloudformation', 'delete-stack', '--stack-name', 'shop-dev');
  await aws('cloudformation', 'wait', 'stack-delete-complete', '--stack-name', 'shop-dev');
  expect(await findLeftovers(engines.bed)).toEqual([]);
}, 600_000);
