import { escapeIdentifier, escapeLiteral } from 'pg';

/** A role, table or database name, quoted for SQL text. */
export const quoteIdentifier: (name: string) => string = escapeIdentifier;

/** A string, quoted for SQL text where no parameter is allowed (utility statements). Never a secret. */
export const quoteLiteral: (text: string) => string = escapeLiteral;
