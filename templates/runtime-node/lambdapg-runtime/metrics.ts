// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import type { Counts } from './credentials.ts';
import type { Settings } from './settings.ts';

/** Where the settings want it, what one connection took. @param ok it is open */
export function emitMetrics(settings: Settings, counts: Counts, retryMs: number, ok: boolean): void {
  const name = settings.applicationName.split('/')[1] ?? '';
  settings.emitMetrics?.(renderMetrics(counts, retryMs, name, ok));
}

/** A line in CloudWatch's embedded metric format (docs: CloudWatch_Embedded_Metric_Format_Specification). */
function renderMetrics(counts: Counts, retryMs: number, functionName: string, ok: boolean): string {
  const values = {
    auth_failures: counts.authFailures,
    fallbacks: counts.fallbacks,
    refreshes: counts.refreshes,
    slot_waits: counts.waits,
    renewals: counts.renewals,
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
