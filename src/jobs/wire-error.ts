import { Cancelled, type ExitCode, errorMessage, UserError } from '../errors.ts';
import { isPostgresError } from '../seed/explain-statement.ts';

/** An error as JSON, with all that is shown of it. Its `cause` stays where it happened. */
export type WireError =
  | {
      readonly kind: 'user';
      readonly code: string;
      readonly message: string;
      readonly suggestions: readonly string[];
      readonly ref?: string;
      readonly exit: ExitCode;
    }
  | { readonly kind: 'cancelled'; readonly message: string; readonly exit: ExitCode }
  | { readonly kind: 'postgres'; readonly message: string; readonly fields: Readonly<Record<string, string>> }
  | { readonly kind: 'bug'; readonly message: string; readonly stack: string; readonly code?: string };

const postgresFields = [
  'code',
  'severity',
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'where',
  'schema',
  'table',
  'column',
  'dataType',
  'constraint',
] as const;

export function toWireError(error: unknown): WireError {
  if (error instanceof UserError) {
    const { code, message, suggestions, ref, exit } = error;
    return { kind: 'user', code, message, suggestions, exit, ...(ref !== undefined && { ref }) };
  }
  if (error instanceof Cancelled) return { kind: 'cancelled', message: error.message, exit: error.exit };
  if (isPostgresError(error)) {
    const values = error as unknown as Readonly<Record<string, unknown>>;
    const fields = postgresFields.flatMap((name) =>
      typeof values[name] === 'string' ? [[name, values[name]] as const] : [],
    );
    return { kind: 'postgres', message: error.message, fields: Object.fromEntries(fields) };
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { kind: 'bug', message: errorMessage(error), stack };
}

/** What was thrown on the other side; a bug's stack is the one of there. */
export function fromWireError(wire: WireError): Error {
  switch (wire.kind) {
    case 'user':
      return new UserError(wire.code, wire.message, {
        suggestions: wire.suggestions,
        exit: wire.exit,
        ...(wire.ref !== undefined && { ref: wire.ref }),
      });
    case 'cancelled':
      return new Cancelled(wire.message, wire.exit);
    case 'postgres':
      return Object.assign(new Error(wire.message), { name: 'error', ...wire.fields });
    case 'bug': {
      const bug = new Error(wire.message);
      bug.stack = `in the runner: ${wire.stack}`;
      return bug;
    }
  }
}
