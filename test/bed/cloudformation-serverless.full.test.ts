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

test('the real osls deploys, shows and removes, and what it makes runs', async () => {
  const osls = (...args: string[]) =>
    engines.run('osls', args, {
      ...{ cwd: join(fixtures.dir, 'serverless'), environment: { ARTIFACT: fixtures.zip } },
    });
  await osls('deploy');
  await expectStackMatches(engines.bed, 'shop-dev');
  const { all } = await osls('info', '--verbose');
  const url = /url: (http\S+)/.exec(all)?.[1];
  const answer = await fetch(`${url}/now`);
  expect([answer.status, await answer.json()]).toEqual([200, { user: 'shop_admin', ssl: true }]);
  await osls('remove');
  expect(await findLeftovers(engines.bed)).toEqual([]);
}, 600_000);
