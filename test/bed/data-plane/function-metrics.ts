import type { Bed, HookCall, HookReply } from '../bed.ts';

interface Datum {
  readonly MetricName: string;
  readonly Dimensions: readonly { readonly Name: string; readonly Value: string }[];
  readonly Timestamp: string;
  readonly Value: number;
  readonly Unit: 'Count';
}

/** A call of PutMetricData takes so many. */
const atOnce = 500;

/** Invocations and Errors, as Lambda gives them to CloudWatch; at once, not once a minute. */
export class FunctionMetrics {
  static readonly reads = ['cloudwatch:GetMetricData', 'cloudwatch:GetMetricStatistics'];
  readonly #bed: Bed;
  /** Of one second, by what they are about: CloudWatch looks through all that it was given. */
  readonly #waiting = new Map<string, Datum>();

  constructor(bed: Bed) {
    this.#bed = bed;
  }

  /** @param qualifier an alias or a version, by which it was asked */
  count(name: string, qualifier: string | undefined, version: string, failed: boolean): void {
    const own = { FunctionName: name };
    const resource = { ...own, Resource: qualifier === undefined ? name : `${name}:${qualifier}` };
    const isAlias = qualifier !== undefined && !/^(\$LATEST|\d+)$/.test(qualifier);
    // The executed version is told of aliases alone.
    const all = [own, resource, ...(isAlias ? [{ ...resource, ExecutedVersion: version }] : [])];
    const Timestamp = `${new Date().toISOString().slice(0, 19)}Z`;
    for (const dimensions of all) {
      const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
      const datum = { Dimensions, Timestamp, Unit: 'Count' as const };
      this.#add({ ...datum, MetricName: 'Invocations', Value: 1 });
      this.#add({ ...datum, MetricName: 'Errors', Value: failed ? 1 : 0 });
    }
  }

  #add(datum: Datum): void {
    const { Value, ...about } = datum;
    const key = JSON.stringify(about);
    this.#waiting.set(key, { ...datum, Value: Value + (this.#waiting.get(key)?.Value ?? 0) });
  }

  /** Whoever reads sees all that was counted. */
  async handle({ service, action, input }: HookCall): Promise<HookReply> {
    const counted = [...this.#waiting.values()];
    this.#waiting.clear();
    for (let from = 0; from < counted.length; from += atOnce) {
      const MetricData = counted.slice(from, from + atOnce);
      await this.#bed.aws({
        ...{ service, action: 'PutMetricData', input: { Namespace: 'AWS/Lambda', MetricData } },
      });
    }
    return { output: await this.#bed.aws({ service, action, input }) };
  }
}
