/** What a REPORT line says of one invocation. */
export interface InvocationReport {
  readonly requestId: string;
  readonly durationMs: number;
  readonly initMs?: number;
  readonly memorySizeMb: number;
  readonly maxMemoryMb: number;
  /** Absent on success. */
  readonly failure?: { readonly status: 'error' | 'timeout'; readonly errorType: string };
}

/** Milliseconds billed: Init counts since 1 August 2025 (AWS: "Lambda standardizes billing for the INIT phase"). */
export function billedMs(durationMs: number, initMs = 0): number {
  return Math.ceil(durationMs + initMs);
}

export function startLine(requestId: string, version: string): string {
  return `START RequestId: ${requestId} Version: ${version}`;
}

export function endLine(requestId: string): string {
  return `END RequestId: ${requestId}`;
}

/** Lambda's REPORT line, its final tab included. */
export function reportLine(report: InvocationReport): string {
  const { durationMs, initMs, failure } = report;
  const fields = [
    `REPORT RequestId: ${report.requestId}`,
    `Duration: ${durationMs.toFixed(2)} ms`,
    `Billed Duration: ${billedMs(durationMs, initMs)} ms`,
    `Memory Size: ${report.memorySizeMb} MB`,
    `Max Memory Used: ${report.maxMemoryMb} MB`,
  ];
  if (initMs !== undefined) fields.push(`Init Duration: ${initMs.toFixed(2)} ms`);
  if (failure !== undefined) {
    fields.push(`Status: ${failure.status}`);
    if (failure.status === 'error') fields.push(`Error Type: ${failure.errorType}`);
  }
  return `${fields.join('\t')}\t`;
}

/** Only failed inits are told apart from the invocation; `phase` says whether it was the first try or the second. */
export function initReportLine(initMs: number, phase: 'init' | 'invoke', errorType: string): string {
  const status = errorType === 'Sandbox.Timedout' ? 'timeout' : `error\tError Type: ${errorType}`;
  return `INIT_REPORT Init Duration: ${initMs.toFixed(2)} ms\tPhase: ${phase}\tStatus: ${status}`;
}

export function timeoutLine(requestId: string, seconds: number): string {
  return `${new Date().toISOString()} ${requestId} Task timed out after ${seconds.toFixed(2)} seconds`;
}
