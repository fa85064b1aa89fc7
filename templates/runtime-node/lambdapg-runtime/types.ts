// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import pg from 'pg';

type Parse = (text: string) => unknown;

/** A bigint as a number; one that a number cannot hold is an error, never a wrong digit. */
const wholeNumber: Parse = (text) => {
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number;
  throw new RangeError(`bigint ${text} does not fit a JavaScript number: select it as text (column::text)`);
};

/** A date as PostgreSQL writes it: a day has no time zone, so it is never a `Date`. */
const day: Parse = (text) => text;

/** `2026-11-21 09:30:00.25+00` as `2026-11-21T09:30:00.25+00:00`: ISO 8601 with all of the server's digits. */
const moment: Parse = (text) => text.replace(' ', 'T').replace(/([+-]\d\d)$/, '$1:00');

const parsers = new Map<number, Parse>();
// By the fixed ids of pg_type: int8, date, timestamp, timestamptz, each with its array.
for (const [id, arrayId, parse] of [
  [20, 1016, wholeNumber],
  [1082, 1182, day],
  [1114, 1115, moment],
  [1184, 1185, moment],
] as const) {
  parsers.set(id, parse).set(arrayId, (text) => parseEach(parse, splitArray(text)));
}

function splitArray(text: string): unknown {
  return (pg.types.getTypeParser(1009 as number) as Parse)(text); // text[]
}

function parseEach(parse: Parse, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((element) => parseEach(parse, element));
  return typeof value === 'string' ? parse(value) : value;
}

/** pg's parsers, but for the types that pg makes strings (int8) or `Date`s in the process's time zone. */
export const types = {
  getTypeParser: ((id: number, format: 'text') =>
    parsers.get(id) ?? pg.types.getTypeParser(id, format)) as typeof pg.types.getTypeParser,
} satisfies pg.CustomTypesConfig;
