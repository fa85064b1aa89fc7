import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { testWithTool } from '../not-available.ts';
import { type EngineFixtures, makeEngineFixtures } from './engine-fixtures.ts';
import { type EngineBed, startEngineBed, terraformProblem } from './engine-tools.ts';
import { findLeftovers } from './leftovers.ts';

const problem = terraformProblem();
let engines: EngineBed;
let fixtures: EngineFixtures;

beforeAll(async () => {
  [engines, fixtures] = await Promise.all([startEngineBed(), makeEngineFixtures()]);
});

afterAll(async () => {
  await engines.stop();
  await fixtures.remove();
});

const terraform = (...args: string[]) =>
  engines.run('terraform', args, {
    ...{ cwd: join(fixtures.dir, 'terraform'), environment: { TF_VAR_zip: fixtures.zip } },
  });
const apply = (...args: string[]) =>
  terraform('apply', '-auto-approve', '-input=false', '-no-color', ...args);

testWithTool(problem)(
  'the real Terraform applies, changes and destroys, and what it makes runs',
  { timeout: 900_000 },
  async () => {
    await terraform('init', '-input=false', '-no-color');
    await apply();
    const url = JSON.parse((await terraform('output', '-json', 'url')).stdout) as string;
    const answer = await fetch(`${url}/now`);
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { greeting: 'hello', user: 'shop_admin', ssl: true },
    ]);
    const plan = await terraform('plan', '-detailed-exitcode', '-input=false', '-no-color');
    expect(plan.all).toContain('No changes');
    await apply('-var', 'trusts=false');
    expect((await fetch(`${url}/now`)).status).toBe(500);
    await terraform('destroy', '-auto-approve', '-input=false', '-no-color');
    expect(await findLeftovers(engines.bed)).toEqual([]);
  },
);
