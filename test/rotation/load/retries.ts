/** One line of the connection module's metrics: a connection that took more than one login. */
export interface Metrics {
  readonly function: string;
  readonly auth_failures: number;
  readonly fallbacks: number;
  readonly refreshes: number;
  readonly connect_failures: number;
}

/** What clients did beyond one login. */
export interface Retries {
  /** Connections that took more than one login. */
  readonly connections: number;
  readonly refusedLogins: number;
  /** Found with another value of the store than the current one. */
  readonly fallbacks: number;
  readonly storeReads: number;
  readonly failedConnections: number;
}

/** @param title of one function; of all unless told */
export function countRetries(metrics: readonly Metrics[], title?: string): Retries {
  const lines = metrics.filter((line) => (title ?? line.function) === line.function);
  const sum = (name: Exclude<keyof Metrics, 'function'>): number =>
    lines.reduce((total, line) => total + line[name], 0);
  return {
    connections: lines.length,
    refusedLogins: sum('auth_failures'),
    fallbacks: sum('fallbacks'),
    storeReads: sum('refreshes'),
    failedConnections: sum('connect_failures'),
  };
}
