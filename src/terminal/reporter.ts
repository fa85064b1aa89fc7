import type { Report, ReportEvent } from '../context.ts';
import { formatEvent } from './format-event.ts';

/** Lines that the next one replaces on a terminal. */
const transient = /-progress$|^(seed|migration)-started$/;

/** Off a terminal a progress line is shown this often at the most. */
const progressEveryMs = 10_000;

/**
 * Shows events as lines on `stream`. Progress (`…-progress`) rewrites its own line on a terminal; elsewhere it is a
 * line now and then.
 */
export function lineReporter(stream: NodeJS.WriteStream): Report {
  let onProgressLine = false;
  let shownAt = 0;
  return (event) => {
    const line = formatEvent(event, stream);
    if (!transient.test(event.type)) {
      stream.write(`${onProgressLine ? '\r\u001b[K' : ''}${line}\n`);
      onProgressLine = false;
    } else if (stream.isTTY) {
      stream.write(`\r\u001b[K${line.slice(0, stream.columns - 1)}`);
      onProgressLine = true;
    } else if (Date.now() - shownAt >= progressEveryMs) {
      shownAt = Date.now();
      stream.write(`${line}\n`);
    }
  };
}

/**
 * What `lambdapg dev` shows: under `--json` every event as an object a line on standard output, else `lines`, brief
 * unless `verbose`: without the platform's lines around an invocation, which the request's line sums up.
 */
export function devReporter(
  how: { readonly json: boolean; readonly verbose: boolean },
  lines: Report,
): Report {
  if (how.json)
    return (event) =>
      process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`);
  if (how.verbose) return lines;
  return (event) => {
    if (!isPlatformLine(event)) lines(event);
  };
}

const isPlatformLine = ({ type, line }: ReportEvent): boolean =>
  type.startsWith('environment-') || (type === 'log' && /^(START|END|REPORT) RequestId: /.test(String(line)));
