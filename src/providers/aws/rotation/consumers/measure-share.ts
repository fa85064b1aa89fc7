import type { MetricDataQuery } from '@aws-sdk/client-cloudwatch';
import type { ConsumerWorld, FunctionPlace } from './function-consumer.ts';

export interface ShareMeasure {
  readonly calls: number;
  readonly errors: number;
}

/** Lambda sends metrics once a minute. https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics.html */
const periodSeconds = 60;

/**
 * Invocations and errors of one version behind an alias, by CloudWatch; what came in the minute of `sinceMs` before it counts too.
 * Nothing is known, so 0 calls, without the permission, and for the first minute or two.
 *
 * @param alias by whose traffic
 * @param sinceMs milliseconds since 1970
 */
export async function measureShare(
  { aws }: ConsumerWorld,
  alias: FunctionPlace,
  version: string,
  sinceMs: number,
): Promise<ShareMeasure> {
  // Few rotations need it.
  const { CloudWatchClient, GetMetricDataCommand } = await import('@aws-sdk/client-cloudwatch');
  const { region, credentials } = aws;
  const client = new CloudWatchClient({ region, credentials, maxAttempts: 3 });
  const period = periodSeconds * 1_000;
  const command = new GetMetricDataCommand({
    MetricDataQueries: [queryOf(alias, version, 'Invocations'), queryOf(alias, version, 'Errors')],
    StartTime: new Date(Math.floor(sinceMs / period) * period),
    EndTime: new Date(Date.now() + period),
  });
  try {
    const { MetricDataResults = [] } = await client.send(command);
    const sum = (id: string): number =>
      MetricDataResults.filter(({ Id }) => Id === id)
        .flatMap(({ Values = [] }) => Values)
        .reduce((total, value) => total + value, 0);
    return { calls: sum('invocations'), errors: sum('errors') };
  } catch {
    return { calls: 0, errors: 0 };
  } finally {
    client.destroy();
  }
}

/** https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-view.html (dimensions of a weighted alias) */
function queryOf(
  { name, qualifier }: FunctionPlace,
  version: string,
  MetricName: 'Invocations' | 'Errors',
): MetricDataQuery {
  const FunctionName = name.replace(/^arn:.*:function:/, '');
  const dimensions = { FunctionName, Resource: `${FunctionName}:${qualifier}`, ExecutedVersion: version };
  return {
    Id: MetricName.toLowerCase(),
    MetricStat: {
      Metric: {
        ...{ Namespace: 'AWS/Lambda', MetricName },
        Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
      },
      Period: periodSeconds,
      Stat: 'Sum',
    },
  };
}
