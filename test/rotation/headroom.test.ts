import { describe, expect, test } from 'vitest';
import { UserError } from '../../src/errors.ts';
import { estimateHeadroom, type HeadroomConsumer, type HeadroomInput } from '../../src/rotation/headroom.ts';
import { verifyHeadroom } from '../../src/rotation/headroom-refusal.ts';

const base: HeadroomInput = {
  ...{ maxConnections: 100, reserved: 5, perEnvironment: 1, otherConsumers: 10 },
  ...{ consumers: [], canary: [5, 50, 100], soakMs: 60_000 },
};
const consumer = (
  way: HeadroomConsumer['way'],
  concurrency: number | undefined,
  staged = false,
): HeadroomConsumer => ({ id: `function ${way}`, way, concurrency, staged });

const estimate = (consumers: readonly HeadroomConsumer[], more: Partial<HeadroomInput> = {}) =>
  estimateHeadroom({ ...base, consumers, ...more });

describe('connections at the worst moment', () => {
  test.each([
    ['nobody', [], 10, 12],
    ['who follows the store has one more, for a moment', [consumer('module', 30)], 40, 43],
    ['a cache that reads the secret itself does the same', [consumer('cached', 30)], 40, 43],
    ['variables make new environments beside the old', [consumer('environment', 30)], 40, 72],
    ['who reads once is made anew as well', [consumer('start', 30)], 40, 72],
    ['a copy of the secret opens nothing', [consumer('copy', undefined)], 10, 12],
    ['shares that follow fast add up', [consumer('environment', 30, true)], 40, 72],
    ['all together', [consumer('module', 10), consumer('environment', 20)], 40, 63],
  ])('%s', (_, consumers, steady, needed) => {
    expect(estimate(consumers)).toMatchObject({ available: 95, steady, needed, fits: true });
  });

  test('shares count one at a time when the environments before them have gone', () => {
    const slow = { soakMs: 45 * 60_000 };
    expect(estimate([consumer('environment', 30, true)], slow).needed).toBe(40 + 15 + 2);
    expect(
      estimate([consumer('environment', 30, true)], { ...slow, canary: [10, 20, 30, 40, 100] }).needed,
    ).toBe(40 + 18 + 2);
    expect(estimate([consumer('environment', 30, false)], slow).needed).toBe(72);
  });

  test('several connections of an environment', () => {
    expect(estimate([consumer('environment', 10)], { perEnvironment: 3 })).toMatchObject({
      ...{ steady: 40, needed: 72 },
    });
  });

  test('functions without a bound share one pool, counted once', () => {
    const shared = estimate(
      [consumer('module', undefined), { ...consumer('cached', undefined), id: 'two' }],
      {
        unreservedConcurrency: 40,
      },
    );
    expect(shared).toMatchObject({ steady: 50, needed: 54 });
    expect(shared.rows[0]).toMatchObject({
      ...{ consumer: 'function module, two', connections: 40, extra: 2 },
      source: "no reserved concurrency: the account's unreserved 40",
    });
    expect(estimate([consumer('module', undefined)]).rows[0]).toMatchObject({ connections: 1_000 });
  });
});

describe('whether it fits', () => {
  test('exactly full fits, one more does not', () => {
    const fits = (concurrency: number, otherConsumers: number) =>
      estimate([consumer('environment', concurrency)], { otherConsumers }).fits;
    expect([fits(40, 13), fits(40, 14)]).toEqual([true, false]);
  });

  test('a bound that does not fit without a rotation is judged by what is open now', () => {
    const all = [consumer('module', undefined)];
    expect(estimate(all).fits).toBe(true);
    expect(estimate(all, { used: 92, usedByLogin: 80 })).toMatchObject({ atPresent: 95, fits: true });
    expect(estimate(all, { used: 93, usedByLogin: 80 })).toMatchObject({ atPresent: 96, fits: false });
  });

  test('of new environments there are as many as there are now', () => {
    const all = [consumer('environment', undefined)];
    expect(estimate(all).fits).toBe(false);
    expect(estimate(all, { used: 50, usedByLogin: 40 })).toMatchObject({ atPresent: 93, fits: true });
    expect(estimate(all, { used: 60, usedByLogin: 40 })).toMatchObject({ atPresent: 103, fits: false });
  });

  test('a full database is no room, whatever the sums say', () => {
    expect(estimate([consumer('module', 10)], { used: 94, usedByLogin: 2 })).toMatchObject({
      ...{ needed: 23, atPresent: 97, fits: false },
    });
  });

  test('behind a proxy the functions have its share and no more', () => {
    const proxied = estimate([consumer('environment', 500)], { proxyShare: 80 });
    expect(proxied).toMatchObject({ steady: 90, needed: 92, fits: true });
    // Clients wait for the proxy; only people and lambdapg itself are turned away.
    expect(estimate([consumer('environment', 500)], { proxyShare: 85, used: 94 })).toMatchObject({
      ...{ needed: 97, atPresent: 96, fits: false },
    });
    expect(estimate([consumer('environment', 500)], { proxyShare: 85, used: 60 })).toMatchObject({
      fits: true,
    });
  });
});

describe('refusal', () => {
  const refusalOf = (headroom: ReturnType<typeof estimate>): UserError => {
    try {
      verifyHeadroom(headroom);
    } catch (error) {
      if (error instanceof UserError) return error;
    }
    throw new Error('it was not refused');
  };

  test('names the numbers, and the waves that would fit', () => {
    const headroom = estimate([consumer('environment', 60, true)]);
    expect(headroom.waves).toEqual([33, 67, 100]);
    const refused = refusalOf(headroom);
    expect(refused.code).toBe('NO_HEADROOM');
    expect(refused.message).toBe(
      'no room for the connections of two logins at once: during the shift 132 connections may be needed at once (70 without a rotation); 95 are available',
    );
    expect(refused.suggestions[0]).toMatch(/^--canary 33,67,100 --soak 45m: waves/);
    expect(refused.suggestions.join()).toContain('37 connections too many');
    // What is proposed fits.
    const waves = { canary: headroom.waves ?? [], soakMs: 45 * 60_000 };
    expect(estimate([consumer('environment', 60, true)], waves).fits).toBe(true);
  });

  test.each([
    ['it has no shares', estimate([consumer('environment', 60)])],
    ['no share is small enough', estimate([consumer('environment', 83, true)])],
    ['who holds a copy is not what is too much', estimate([consumer('module', 5)], { used: 95 })],
  ])('proposes no waves where %s', (_, headroom) => {
    expect(headroom).toMatchObject({ fits: false, waves: undefined });
    expect(refusalOf(headroom).suggestions.join()).not.toContain('--canary');
  });

  test('can be accepted, and is not raised where it fits', () => {
    expect(() => verifyHeadroom(estimate([consumer('environment', 60)]), { accept: true })).not.toThrow();
    expect(() => verifyHeadroom(estimate([consumer('environment', 30)]))).not.toThrow();
  });
});
