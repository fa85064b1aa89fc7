import type { EndpointLogin } from './observation.ts';

export interface ReadinessOptions {
  /** Logins in a row, at every endpoint of the proxy, each with a new connection. */
  readonly successes?: number;
  /** Milliseconds between the first and the last of them, at least. */
  readonly overMs?: number;
}

/**
 * RDS Proxy takes an undocumented time until it knows a changed secret, and consists of several nodes: one login that works says
 * little. AWS gives no number; these are ours.
 */
export const defaultReadiness = { successes: 5, overMs: 10_000 } as const satisfies ReadinessOptions;

/** Says when a login has worked through a proxy often enough to be believed. */
export interface Readiness {
  /** @param key of the login: its fingerprint. @param now milliseconds since 1970 */
  see(key: string, logins: readonly EndpointLogin[], now: number): boolean;
}

export function proxyReadiness(options: ReadinessOptions = {}): Readiness {
  const { successes, overMs } = { ...defaultReadiness, ...options };
  const series = new Map<string, { readonly since: number; count: number }>();
  return {
    see(key, logins, now) {
      if (logins.length === 0 || logins.some(({ login }) => login !== 'ok')) {
        series.delete(key);
        return false;
      }
      const run = series.get(key) ?? { since: now, count: 0 };
      series.set(key, run);
      run.count += 1;
      return run.count >= successes && now - run.since >= overMs;
    },
  };
}
