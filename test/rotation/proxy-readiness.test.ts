import { expect, test } from 'vitest';
import type { EndpointLogin, Login } from '../../src/rotation/observation.ts';
import { proxyReadiness } from '../../src/rotation/proxy-readiness.ts';

const logins = (...results: Login[]): EndpointLogin[] =>
  results.map((login, index) => ({ endpoint: `proxy ${index}`, login }));

/** What it says at each second. */
function says(options: Parameters<typeof proxyReadiness>[0], seen: readonly EndpointLogin[][]): boolean[] {
  const readiness = proxyReadiness(options);
  return seen.map((one, second) => readiness.see('a', one, second * 1_000));
}

const ok = logins('ok', 'ok');

test('five logins in a row over ten seconds, at every endpoint', () => {
  const seen = says(
    {},
    Array.from({ length: 12 }, () => ok),
  );
  expect(seen.indexOf(true)).toBe(10);
  expect(seen.slice(10)).toEqual([true, true]);
  expect(
    says(
      { successes: 5, overMs: 0 },
      Array.from({ length: 6 }, () => ok),
    ).indexOf(true),
  ).toBe(4);
});

test('what is refused, or not known, begins anew', () => {
  for (const bad of [logins('ok', 'bad'), logins('unknown', 'ok'), []]) {
    expect(says({ successes: 2, overMs: 1_000 }, [ok, bad, ok, ok, ok])).toEqual([
      false,
      false,
      false,
      true,
      true,
    ]);
  }
});

test('each login has a row of its own', () => {
  const readiness = proxyReadiness({ successes: 2, overMs: 0 });
  expect([
    readiness.see('a', ok, 0),
    readiness.see('b', ok, 1),
    readiness.see('a', ok, 2),
    readiness.see('b', logins('bad', 'ok'), 3),
    readiness.see('a', ok, 4),
  ]).toEqual([false, false, true, false, true]);
});
