/** What came back from one invocation, here or on AWS. */
export interface Invoked {
  /** Of the Invoke API: 200, or 202 for an event that is only queued. */
  readonly status: number;
  /** As the function wrote it; empty for a queued event. */
  readonly payload: string;
  /** Lambda's word for it (`Unhandled`) when the function failed. */
  readonly functionError?: string;
  readonly version?: string;
  /** The last 4 KB of the invocation's log. */
  readonly logTail: string;
}

/** What Lambda measured. */
export interface Measured {
  readonly durationMs: number;
  /** Only where an execution environment was started for it. */
  readonly initMs?: number;
  readonly memoryMb: number;
  readonly maxMemoryMb: number;
}

/**
 * Finds the report in an invocation's log, in either of Lambda's log formats.
 * docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
 */
export function findMeasured(logTail: string): Measured | undefined {
  for (const line of logTail.split('\n').reverse()) {
    if (line.startsWith('REPORT RequestId: ')) return fromText(line);
    if (line.includes('"platform.report"')) return fromJson(line);
  }
  return undefined;
}

function fromText(line: string): Measured {
  const number = (label: string): number | undefined => {
    const value = new RegExp(`\\t${label}: ([\\d.]+) M?[Bms]`).exec(line)?.[1];
    return value === undefined ? undefined : Number(value);
  };
  const initMs = number('Init Duration');
  return {
    durationMs: number('Duration') ?? 0,
    ...(initMs !== undefined && { initMs }),
    memoryMb: number('Memory Size') ?? 0,
    maxMemoryMb: number('Max Memory Used') ?? 0,
  };
}

interface JsonReport {
  readonly record?: {
    readonly metrics?: {
      readonly durationMs?: number;
      readonly initDurationMs?: number;
      readonly memorySizeMB?: number;
      readonly maxMemoryUsedMB?: number;
    };
  };
}

function fromJson(line: string): Measured | undefined {
  try {
    const {
      durationMs = 0,
      initDurationMs,
      memorySizeMB = 0,
      maxMemoryUsedMB = 0,
    } = (JSON.parse(line) as JsonReport).record?.metrics ?? {};
    return {
      durationMs,
      ...(initDurationMs !== undefined && { initMs: initDurationMs }),
      memoryMb: memorySizeMB,
      maxMemoryMb: maxMemoryUsedMB,
    };
  } catch {
    // The 4 KB begin in the middle of a line.
    return undefined;
  }
}

/** `200 in 12.3 ms, init 200 ms, 80 of 256 MB` */
export function formatInvoked(
  { status, functionError }: Pick<Invoked, 'status' | 'functionError'>,
  measured: Measured | undefined,
): string {
  if (status === 202) return '202, the event is queued';
  const head = functionError === undefined ? String(status) : `${status} ${functionError}`;
  if (measured === undefined) return head;
  const { durationMs, initMs, memoryMb, maxMemoryMb } = measured;
  const init = initMs === undefined ? '' : `, init ${initMs} ms`;
  return `${head} in ${durationMs} ms${init}, ${maxMemoryMb} of ${memoryMb} MB`;
}
