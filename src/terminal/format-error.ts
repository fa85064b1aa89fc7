import type { UserError } from '../errors.ts';
import { paint } from './format-event.ts';

interface Printable {
  readonly message: string;
  readonly suggestions?: readonly string[];
  readonly ref?: string | undefined;
}

/** What, why, and what to run: the form in which every failure is shown. */
export function formatError(error: Printable | UserError, stream: NodeJS.WriteStream): string {
  const lines = [`${paint('red', 'error:', stream)} ${error.message}`];
  for (const suggestion of error.suggestions ?? [])
    lines.push(`  ${paint('cyan', '→', stream)} ${suggestion}`);
  if (error.ref !== undefined) lines.push(`  ${error.ref}`);
  return lines.join('\n');
}
