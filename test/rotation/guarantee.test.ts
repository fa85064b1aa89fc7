import { expect, test } from 'vitest';
import { strategies } from '../../src/rotation/decide/decision.ts';
import { guaranteeOf, weakestGuarantee } from '../../src/rotation/guarantee.ts';
import { consumerWays, guarantees, topologies } from '../../src/rotation/guarantee-table.ts';

const every = topologies.flatMap((topology) =>
  strategies.flatMap((strategy) => consumerWays.map((way) => ({ topology, strategy, way }))),
);

test('each topology, strategy and way is said exactly once', () => {
  const counted = every.map((one) => ({
    ...one,
    times: guarantees.filter(
      ({ strategy, topologies: some, ways }) =>
        strategy === one.strategy && some.includes(one.topology) && ways.includes(one.way),
    ).length,
  }));
  expect(counted.filter(({ times }) => times !== 1)).toEqual([]);
  expect(counted).toHaveLength(72);
});

test.each([
  [{ topology: 'direct', strategy: 'slots', way: 'module' }, 'zero'],
  [{ topology: 'readers', strategy: 'slots', way: 'alias' }, 'zero'],
  [{ topology: 'proxy', strategy: 'slots', way: 'module' }, 'zero-expected'],
  [{ topology: 'direct', strategy: 'next', way: 'module' }, 'zero'],
  [{ topology: 'proxy', strategy: 'next', way: 'module' }, 'none'],
  [{ topology: 'direct', strategy: 'single', way: 'module' }, 'delayed'],
  [{ topology: 'direct', strategy: 'single', way: 'cached' }, 'window'],
  [{ topology: 'direct', strategy: 'managed', way: 'alias' }, 'window'],
] as const)('%j: %s', (circumstances, claim) => {
  expect(guaranteeOf(circumstances).claim).toBe(claim);
});

test('zero is claimed of nothing behind a proxy, and of no role that has one password and no second candidate', () => {
  const zero = every.filter((one) => guaranteeOf(one).claim === 'zero');
  expect(zero.filter(({ topology }) => topology === 'proxy')).toEqual([]);
  expect(zero.filter(({ strategy }) => strategy === 'single' || strategy === 'managed')).toEqual([]);
  for (const one of zero) expect(guaranteeOf(one).proof).not.toBe('none');
});

test('a rotation is as good as its worst consumer', () => {
  expect(weakestGuarantee('direct', 'slots', []).claim).toBe('zero');
  expect(weakestGuarantee('direct', 'next', ['module', 'alias']).claim).toBe('delayed');
  expect(weakestGuarantee('direct', 'next', ['cached', 'module', 'alias']).claim).toBe('window');
});
