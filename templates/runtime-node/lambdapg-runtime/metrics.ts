// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import type { Counts } from './credentials.ts';

/** A line in CloudWatch's embedded metric format (docs: CloudWatch_Embedded_Metric_Format_Specification). */
export function renderMetrics(counts: Counts, retryMs: number, functionName: string, ok: boolean): string {
  const values = {
    auth_failures: counts.authFailures,
    fallbacks: counts.fallbacks,
    refreshes: counts.refreshes,
    slot_waits: counts.waits,
    retry_ms: Math.round(retryMs),
    connect_failures: ok ? 0 : 1,
  };
  const metrics = Object.keys(values).map((name) => ({
    Name: name,
    Unit: name === 'retry_ms' ? 'Milliseconds' : 'Count',
  }));
  return JSON.stringify({
    _aws: {
      Timestamp: Date.now(),
      CloudWatchMetrics: [{ Namespace: 'lambdapg', Dimensions: [['function']], Metrics: metrics }],
    },
    function: functionName,
    ...values,
  });
}
