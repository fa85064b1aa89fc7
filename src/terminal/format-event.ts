import { styleText } from 'node:util';
import type { ReportEvent } from '../context.ts';

const failing = /(^|-)(error|failed|throttle|exited|crashed)$/;
const warning = /(^|-)(warning|busy|mismatch|waiting)$/;

/** One event as one line, coloured where the stream can show it (NO_COLOR and FORCE_COLOR are honoured). */
export function formatEvent(event: ReportEvent, stream: NodeJS.WriteStream): string {
  if (failing.test(event.type)) return paint('red', event.message, stream);
  if (warning.test(event.type)) return paint('yellow', event.message, stream);
  return event.message;
}

export function paint(
  colour: 'red' | 'yellow' | 'green' | 'cyan' | 'dim' | 'bold',
  text: string,
  stream: NodeJS.WriteStream,
): string {
  return hasColours(stream) ? styleText(colour, text) : text;
}

/** Node 20 has no `stream` option on `styleText`, so the question is asked here. */
function hasColours(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY === true && stream.hasColors();
}
