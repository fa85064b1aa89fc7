import { describe, expect, test } from 'vitest';
import { type CloudConfig, configSchema, type FunctionConfig } from '../../src/project/config-schema.ts';
import { estimateBudget, verifyBudget } from '../../src/provision/budget.ts';
import { formatBudget } from '../../src/provision/format-budget.ts';
import { auroraMaxConnections, rdsMaxConnections } from '../../src/provision/max-connections.ts';

const gibibyte = 2 ** 30;

type CloudInput = { -readonly [K in keyof CloudConfig]?: unknown };
type Functions = Record<string, FunctionConfig>;

function project(cloud: CloudInput, functions: Record<string, number | undefined>) {
  const config = configSchema.parse({
    name: 'books',
    template: 'api-node',
    language: 'node',
    runtime: 'nodejs24.x',
    cloud,
    functions: Object.fromEntries(
      Object.entries(functions).map(([name, reservedConcurrency]) => [
        name,
        {
          handler: `src/${name}.handler`,
          ...(reservedConcurrency === undefined ? {} : { reservedConcurrency }),
        },
      ]),
    ),
  });
  return { cloud: config.cloud, functions: config.functions as Functions };
}

describe('max_connections', () => {
  test.each([
    [1 * gibibyte, 112],
    [16 * gibibyte, 1802],
    [64 * gibibyte, 5000],
  ])('of an RDS class with %i bytes is %i', (bytes, connections) => {
    expect(rdsMaxConnections(bytes)).toBe(connections);
  });

  test.each([
    [0.5, 1, 189],
    [1, 4, 823],
    [1, 8, 1669],
    [0.5, 16, 2000],
    [0, 256, 2000],
    [1, 16, 3360],
    [1, 32, 5000],
    [8, 256, 5000],
  ])('of Aurora with %d to %d ACU is %i', (minAcu, maxAcu, connections) => {
    expect(auroraMaxConnections(minAcu, maxAcu)).toBe(connections);
  });

  test('of Aurora between the rows grows with the capacity', () => {
    const halfSteps = Array.from({ length: 63 }, (_, at) => auroraMaxConnections(1, 1 + at / 2));
    expect(halfSteps).toEqual([...halfSteps].sort((a, b) => a - b));
    expect(new Set(halfSteps).size).toBe(halfSteps.length);
  });
});

describe('budget without a proxy', () => {
  test('reserved concurrency times connections, and the others', () => {
    const budget = estimateBudget({
      ...project({ connections: { perEnvironment: 2, otherConsumers: 4 } }, { api: 30, report: 5 }),
      maxConnections: 100,
    });
    expect(budget.demand.map((row) => [row.consumer, row.connections])).toEqual([
      ['api', 60],
      ['report', 10],
      ['people and other programs', 4],
    ]);
    expect(budget).toMatchObject({ available: 95, needed: 74, fits: true, wouldFit: 45, estimated: false });
    expect(() => verifyBudget(budget)).not.toThrow();
  });

  test('exactly full fits, one more does not', () => {
    const cloud = { connections: { otherConsumers: 5 } };
    const fits = (api: number) => estimateBudget({ ...project(cloud, { api }), maxConnections: 100 }).fits;
    expect([fits(90), fits(91)]).toEqual([true, false]);
  });

  test('what would fit does fit', () => {
    for (const perEnvironment of [1, 2, 3, 7]) {
      const cloud = { connections: { perEnvironment } };
      const { wouldFit } = estimateBudget({ ...project(cloud, { api: 500 }), maxConnections: 112 });
      const at = (api: number) => estimateBudget({ ...project(cloud, { api }), maxConnections: 112 }).fits;
      expect([at(wouldFit ?? -1), at((wouldFit ?? -1) + 1)]).toEqual([true, false]);
    }
  });

  test('functions without reserved concurrency share the account, counted once', () => {
    const input = project({}, { api: undefined, overdue: undefined, report: 3 });
    const byDefault = estimateBudget({ ...input, memoryBytes: gibibyte });
    expect(byDefault.demand.find((row) => row.consumer === 'api, overdue')).toMatchObject({
      environments: 1000,
      source: expect.stringContaining('1000 by default'),
    });
    const measured = estimateBudget({ ...input, memoryBytes: gibibyte, unreservedConcurrency: 10 });
    expect(measured.needed).toBe(10 + 3 + 10);
  });

  test('an estimate warns, a measurement refuses and names what fits', () => {
    const input = project({}, { api: 200 });
    const estimate = estimateBudget({ ...input, memoryBytes: gibibyte });
    expect(estimate).toMatchObject({ estimated: true, fits: false });
    expect(() => verifyBudget(estimate)).not.toThrow();

    const measured = estimateBudget({ ...input, memoryBytes: gibibyte, maxConnections: 81 });
    expect(() => verifyBudget(measured)).toThrow(
      expect.objectContaining({ code: 'OVERSUBSCRIBED', message: expect.stringContaining('66') }),
    );
    expect(() => verifyBudget(measured, { accept: true })).not.toThrow();
  });

  test('a class nobody knows gives no verdict', () => {
    const budget = estimateBudget(project({ database: { instanceClass: 'db.z9.odd' } }, { api: 5 }));
    expect(budget).toMatchObject({ maxConnections: undefined, fits: undefined, wouldFit: undefined });
    expect(() => verifyBudget(budget)).not.toThrow();
    expect(formatBudget(budget)).toContain('db.z9.odd');
  });

  test('slots that the database reports count', () => {
    const reserved = [{ setting: 'reserved_connections', connections: 40 }];
    expect(estimateBudget({ ...project({}, { api: 1 }), maxConnections: 100, reserved }).available).toBe(60);
  });

  test('more kept back than there is leaves nothing', () => {
    const budget = estimateBudget({ ...project({}, { api: 1 }), maxConnections: 4 });
    expect(budget).toMatchObject({ available: 0, wouldFit: 0, fits: false });
  });
});

describe('budget with a proxy', () => {
  const proxied = (maxConnectionsPercent: number, api: number | undefined) =>
    estimateBudget({ ...project({ proxy: { maxConnectionsPercent } }, { api }), maxConnections: 200 });

  test('clients do not count beyond the share of the proxy', () => {
    expect(proxied(50, undefined)).toMatchObject({ proxyShare: 100, needed: 110, fits: true });
    expect(proxied(50, 20)).toMatchObject({ proxyShare: 100, needed: 30, fits: true });
  });

  test('a share that leaves too little for others is said, never refused', () => {
    const budget = proxied(100, undefined);
    expect(budget).toMatchObject({ fits: false, wouldFit: 92 });
    expect(budget.message).toContain('maxConnectionsPercent 92');
    expect(() => verifyBudget(budget)).not.toThrow();
    expect(proxied(92, undefined).fits).toBe(true);
    expect(proxied(93, undefined).fits).toBe(false);
  });
});

test.each([
  [{ proxy: {} }, /opens at most 160 connections.*borrowTimeoutSeconds/],
  [{ database: { kind: 'aurora', minAcu: 0, maxAcu: 64 } }, /max_connections = 200, as the database says/],
])('as text, of %j', (cloud, expected) => {
  expect(formatBudget(estimateBudget({ ...project(cloud, { api: 5 }), maxConnections: 200 }))).toMatch(
    expected,
  );
});

test('as text, of an estimate that is capped', () => {
  const cloud = { database: { kind: 'aurora', minAcu: 0, maxAcu: 64 } };
  const text = formatBudget(estimateBudget(project(cloud, { api: 5 })));
  expect(text).toContain('about 2000 for at most 64 ACU');
  expect(text).toContain('capped because minAcu is 0');
});

test('as text', () => {
  const budget = estimateBudget({ ...project({}, { api: 20, overdue: undefined }), memoryBytes: gibibyte });
  expect(formatBudget(budget)).toMatchInlineSnapshot(`
    "connections: about 112 = LEAST({DBInstanceClassMemory/9531392}, 5000) for db.t4g.micro (1 GiB nominal; RDS keeps a part of it, so expect fewer)
      available to roles of the project: about 107 (kept back: 3 superuser_reserved_connections, 2 rds.rds_superuser_reserved_connections)
      consumer                   environments  each  connections  because of
      api                                  20     1           20  reservedConcurrency
      overdue                            1000     1         1000  no reservedConcurrency: the account's limit, 1000 by default
      people and other programs             -     -           10  connections.otherConsumers
      while a new version takes over, idle environments of the former one may hold connections too
    too many: 1030 connections may be needed at once, about 107 are available: 97 execution environments in all would fit"
  `);
});
