import { describe, expect, test } from 'vitest';
import { applyPlan, applyRemoval } from '../../src/provision/apply.ts';
import {
  type Plan,
  planProvision,
  planRemoval,
  verifyApproved,
  verifyPlan,
} from '../../src/provision/plan.ts';
import { inOrder, mergeSteps, type Step } from '../../src/provision/step.ts';
import { survey } from '../../src/provision/survey.ts';
import { testContext } from '../postgres-server.ts';
import {
  engineOf,
  everyFault,
  type Fault,
  Killed,
  type Look,
  ToyCloud,
  toyPlan,
  toyStep,
} from './toy-cloud.ts';

const context = () => testContext({ report: () => {} });

async function provision(steps: readonly Step<Look>[]) {
  const found = await survey(steps, 'look');
  verifyPlan(planProvision(steps, found));
  return applyPlan(context(), engineOf(), steps, found);
}

async function destroy(steps: readonly Step<Look>[]) {
  const found = await survey(steps, 'look');
  return applyRemoval(context(), engineOf(), steps, found, planRemoval(steps, found));
}

/** Runs until it ends without being killed. */
async function untilDone(cloud: ToyCloud, run: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; tries < 10; tries += 1) {
    try {
      await run();
      return;
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      cloud.revive();
    }
  }
  throw new Error('ten runs did not end it');
}

const names = (cloud: ToyCloud): string[] => cloud.resources.map(({ name }) => name).sort();
const all = ['a', 'b', 'c', 'd'];
const requests = 4;

function* pairsOfFaults(): Generator<Map<number, Fault>> {
  yield new Map();
  for (let first = 0; first < requests + 1; first += 1) {
    for (const one of everyFault) {
      yield new Map([[first, one]]);
      for (let second = first + 1; second < requests + 2; second += 1) {
        for (const other of everyFault) {
          yield new Map([
            [first, one],
            [second, other],
          ]);
        }
      }
    }
  }
}

describe.each([
  ['names that are unique', { unique: true }, 0],
  ['names that are not, seen at once', { unique: false }, 0],
  ['names that are unique, seen late', { unique: true }, 3],
])('with %s', (_title, options, lag) => {
  test('every pair of faults ends with each resource made once, and a last run that does nothing', async () => {
    const runs = await Promise.all(
      [...pairsOfFaults()].map(async (faults) => {
        const cloud = new ToyCloud(faults, lag);
        const steps = toyPlan(cloud, options);
        await untilDone(cloud, () => provision(steps));
        const before = cloud.requests;
        const last = await provision(steps);
        return {
          faults: [...faults],
          names: names(cloud),
          again: cloud.requests - before,
          last: last.created,
        };
      }),
    );
    expect(runs.length).toBeGreaterThan(300);
    expect(
      runs.filter((run) => run.names.join() !== all.join() || run.again > 0 || run.last.length > 0),
    ).toEqual([]);
  });

  test('every pair of faults of a removal ends with nothing left, in an order that the cloud allows', async () => {
    const runs = await Promise.all(
      [...pairsOfFaults()].map(async (faults) => {
        const shifted = new Map([...faults].map(([at, fault]) => [at + requests, fault] as const));
        const cloud = new ToyCloud(shifted, 0);
        const steps = toyPlan(cloud, options);
        await provision(steps);
        await untilDone(cloud, () => destroy(steps));
        const before = cloud.requests;
        await destroy(steps);
        return { faults: [...faults], names: names(cloud), again: cloud.requests - before };
      }),
    );
    expect(runs.filter((run) => run.names.length > 0 || run.again > 0)).toEqual([]);
  });
});

describe('the engine', () => {
  test('changes what drifted and leaves the rest alone', async () => {
    const cloud = new ToyCloud();
    await provision(toyPlan(cloud, { colour: 'red' }));
    cloud.resources[1]!.colour = 'blue';
    const { created, updated } = await provision(toyPlan(cloud, { colour: 'red' }));
    expect({ created, updated }).toEqual({ created: [], updated: ['b'] });
    expect(cloud.resources.map(({ colour }) => colour)).toEqual(['red', 'red', 'red', 'red']);
  });

  test('refuses before anything is made when a name is taken', async () => {
    const cloud = new ToyCloud();
    cloud.resources.push({ name: 'd', owner: 'them', colour: 'red', readsToReady: 0, readsToSee: 0 });
    await expect(provision(toyPlan(cloud))).rejects.toMatchObject({
      code: 'PLAN_REFUSED',
      message: expect.stringContaining('d is not ours'),
    });
    expect(cloud.effects).toEqual([]);
  });

  test('never removes what is not ours', async () => {
    const cloud = new ToyCloud();
    cloud.resources.push({ name: 'a', owner: 'them', colour: 'red', readsToReady: 0, readsToSee: 0 });
    await destroy(toyPlan(cloud));
    expect(names(cloud)).toEqual(['a']);
    expect(cloud.effects).toEqual([]);
  });

  test('takes up a creation that another run began', async () => {
    const cloud = new ToyCloud();
    cloud.resources.push({ name: 'a', owner: 'us', colour: 'red', readsToReady: 3, readsToSee: 0 });
    const { created } = await provision(toyPlan(cloud));
    expect([...created].sort()).toEqual(['b', 'c', 'd']);
  });

  test('two runs at once make each unique name once', async () => {
    const cloud = new ToyCloud();
    const runs = await Promise.all([provision(toyPlan(cloud)), provision(toyPlan(cloud))]);
    expect(runs).toHaveLength(2);
    expect(names(cloud)).toEqual(all);
  });

  test('begins nothing after a failure, and lets what runs end', async () => {
    const cloud = new ToyCloud();
    const steps = toyPlan(cloud);
    const broken = { ...steps[1]!, create: async () => Promise.reject(new Error('our own bug')) };
    const found = await survey(steps, 'look');
    const plan = [steps[0]!, broken, steps[2]!, { ...steps[3]!, needs: [broken, steps[2]!] }];
    const engine = { ...engineOf(), judge: () => 'fatal' as const };
    await expect(applyPlan(context(), engine, plan, found)).rejects.toThrow('our own bug');
    expect(names(cloud)).toEqual(['a', 'c']);
  });

  test('Ctrl-C begins nothing more, and the next run goes on', async () => {
    const cloud = new ToyCloud();
    const steps = toyPlan(cloud);
    const stop = new AbortController();
    const stopping = steps.map((step) =>
      step.id === 'a'
        ? {
            ...step,
            create: async (...args: Parameters<typeof step.create>) => {
              await step.create(...args);
              stop.abort(new Error('stopped'));
            },
          }
        : { ...step, needs: step.needs.map((need) => need) },
    );
    const found = await survey(stopping, 'look');
    const stopped = { ...context(), signal: stop.signal };
    await expect(applyPlan(stopped, engineOf(), stopping, found)).rejects.toThrow('stopped');
    expect(names(cloud)).toEqual(['a']);
    await provision(steps);
    expect(names(cloud)).toEqual(all);
  });

  test('gives up on what never becomes ready, and says so as something temporary', async () => {
    const cloud = new ToyCloud();
    const step = { ...toyStep(cloud, 'slow', [], { readsToReady: 1e6 }), patienceMs: 5_000 };
    await expect(provision([step])).rejects.toMatchObject({ code: 'TOO_SLOW', exit: 75 });
  });

  test('a fixed difference is refused in words', async () => {
    const cloud = new ToyCloud();
    const fixed: Step<Look> = {
      ...toyStep(cloud, 'fixed', []),
      find: async () => ({
        state: 'drifted',
        have: {},
        differences: [{ property: 'Engine', have: 'mysql', want: 'postgres', changeable: false }],
      }),
    };
    await expect(provision([fixed])).rejects.toThrow(
      'Engine is mysql, wanted postgres: this cannot be changed in place',
    );
  });
});

describe('an approved plan', () => {
  const planOf = (kinds: Record<string, Plan['actions'][number]['kind']>): Plan => ({
    actions: Object.entries(kinds).map(([step, kind]) => ({ step, kind, title: `resource ${step}` })),
    changes: 0,
  });

  test.each([
    ['the same', { a: 'create' }, { a: 'create' }],
    ['less', { a: 'create', b: 'update' }, { a: 'keep', b: 'keep' }],
    ['the last change of what was to be made', { a: 'create' }, { a: 'update' }],
    ['more to wait for', { a: 'keep' }, { a: 'wait' }],
  ] as const)('allows %s', (_title, approved, now) => {
    expect(() => verifyApproved(planOf(approved), planOf(now))).not.toThrow();
  });

  test.each([
    ['a creation', { a: 'keep' }, { a: 'create' }],
    ['a change', { a: 'keep' }, { a: 'update' }],
    ['a removal', { a: 'keep' }, { a: 'remove' }],
    ['what was not in it', {}, { a: 'update' }],
  ] as const)('does not allow %s', (_title, approved, now) => {
    expect(() => verifyApproved(planOf(approved), planOf(now))).toThrow('resource a');
  });
});

describe('steps', () => {
  const step = (id: string, needs: readonly Step<Look>[] = []): Step<Look> =>
    toyStep(new ToyCloud(), id, needs);

  test('stand after all that they need', () => {
    const a = step('a');
    const b = step('b', [a]);
    expect(inOrder([step('c', [b, a]), b, a]).map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  });

  test('that need each other are a bug', () => {
    const a: Step<Look> = { ...step('a'), needs: [] };
    const b = step('b', [a]);
    const looped = { ...a, needs: [b] };
    expect(() => inOrder([looped, { ...b, needs: [looped] }])).toThrow('a -> b -> a');
  });

  test('of several plans are one, with the needs of all', () => {
    const [x, y] = [step('x'), step('y')];
    const merged = mergeSteps([step('a', [x]), x, y, step('a', [y])]);
    expect(merged.map(({ id }) => id)).toEqual(['a', 'x', 'y']);
    expect(merged[0]?.needs.map(({ id }) => id)).toEqual(['x', 'y']);
  });
});
