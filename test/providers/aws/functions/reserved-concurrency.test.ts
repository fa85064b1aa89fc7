import { expect, test } from 'vitest';
import type { ReportEvent } from '../../../../src/context.ts';
import { parseProjectName } from '../../../../src/project/names.ts';
import { parseConfig } from '../../../../src/project/parse-config.ts';
import { wantedConcurrency } from '../../../../src/providers/aws/functions/reserved-concurrency.ts';
import type { Look } from '../../../../src/providers/aws/look.ts';
import { parseStage } from '../../../../src/providers/aws/stage.ts';
import type { World } from '../../../../src/providers/aws/steps/world.ts';
import { testContext } from '../../../postgres-server.ts';

function makeWorld(reservedConcurrency: number | undefined): {
  world: Pick<World, 'context' | 'stage'>;
  events: ReportEvent[];
} {
  const text = JSON.stringify({
    ...{ name: 'shop', template: 'api', language: 'node', runtime: 'nodejs24.x' },
    functions: { api: { handler: 'src/api.handler', reservedConcurrency } },
  });
  const project = { dir: '/', config: parseConfig(text, 'lambdapg.json'), names: parseProjectName('shop') };
  const events: ReportEvent[] = [];
  const context = testContext({ report: (event) => events.push(event) });
  return { world: { context, stage: parseStage(project, 'dev', false) }, events };
}

const lookWith = (unreserved: number | undefined): Pick<Look, 'accountLimit'> => ({
  accountLimit: async () =>
    unreserved === undefined ? undefined : { UnreservedConcurrentExecutions: unreserved },
});

test.each([
  ['fits', 40, undefined, 1000, 40],
  ['just fits', 40, undefined, 140, 40],
  ['would leave others too little', 40, undefined, 139, undefined],
  ['counts what the function has already', 40, 30, 110, 40],
  ['a new account, which runs ten at once', 40, undefined, 10, undefined],
  ['zero, which stops a function', 0, undefined, 10, 0],
  ['a limit that cannot be read', 40, undefined, undefined, 40],
  ['none wanted', undefined, 30, 10, undefined],
])('%s', async (_title, wanted, reserved, unreserved, expected) => {
  const { world, events } = makeWorld(wanted);
  expect(await wantedConcurrency(world, lookWith(unreserved), 'api', reserved)).toBe(expected);
  const refused = wanted !== undefined && expected === undefined;
  expect(events.map(({ type }) => type)).toEqual(refused ? ['concurrency-warning'] : []);
});

test('is told once in a run', async () => {
  const { world, events } = makeWorld(40);
  for (let look = 0; look < 3; look += 1) await wantedConcurrency(world, lookWith(10), 'api', undefined);
  expect(events).toHaveLength(1);
});
